//! x
use super::HostileDocument;
pub(super) const ALL: &[HostileDocument] = &[];
