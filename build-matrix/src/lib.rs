//! Builds every variant of the function, proves it, packages it and measures it.
//!
//! [`Matrix`] is what `matrix.toml` says: the values of each axis, and which combinations are left
//! out. Each [`Cell`] of it goes through the stages in turn: [`build`] has cargo and zig make the
//! executables, [`verify`] reads and runs them, [`package`] makes the archives, [`measure`] the
//! figures. A stage leaves a [`Record`](record::Record) of what it found, also when it failed, and
//! [`report`] is made of records alone. [`gate`] compares those of a change with those of its base. [`Layout`]
//! says where everything is.

pub mod build;
mod cell;
pub mod gate;
mod layout;
/// The axes, as `matrix.toml` has them.
pub mod matrix;
pub mod measure;
pub mod package;
pub mod record;
pub mod report;
pub mod reproduce;
mod stages;
pub mod verify;

pub use cell::Cell;
pub use layout::Layout;
pub use matrix::Matrix;
pub use stages::{Stage, run};
