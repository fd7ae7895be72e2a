//! Versions of glibc, as symbols name them.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, Result};

/// A version of glibc, such as 2.34 or 2.2.5.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct GlibcVersion(Vec<u32>);

impl FromStr for GlibcVersion {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<GlibcVersion> {
        let parts = text.split('.').map(str::parse).collect::<Result<_, _>>();
        parts.map(GlibcVersion).with_context(|| format!("{text} is no version of glibc"))
    }
}

impl fmt::Display for GlibcVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<_> = self.0.iter().map(u32::to_string).collect();
        f.write_str(&parts.join("."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_numbers_and_not_as_text() {
        let version = |text: &str| text.parse::<GlibcVersion>().unwrap();
        assert!(version("2.4") < version("2.17"));
        assert!(version("2.2.5") < version("2.17"));
        assert!(version("2.34") == version("2.34"));
        assert!("PRIVATE".parse::<GlibcVersion>().is_err());
    }
}
