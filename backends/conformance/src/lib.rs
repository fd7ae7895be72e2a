//! The test suite that every rendering engine passes.
//!
//! A [`Check`] is a sentence about the contract in `render-api` and a function that proves it. The
//! documents are written by code (`pdf`) with known answers; only encrypted ones are files, in
//! `fixtures/`. Checks are grouped by what they are about, and [`checks`] lists them all. An engine
//! runs them from a test of its own:
//!
//! ```no_run
//! # fn test(engine: &dyn render_api::Renderer) {
//! render_conformance::assert_conforms(engine);
//! # }
//! ```

mod annotations;
mod boxes;
mod damage;
mod drawing;
mod images;
mod passwords;
mod pdf;
mod probe;

use std::panic::{AssertUnwindSafe, catch_unwind};

use render_api::Renderer;

/// One sentence about the contract, and its proof.
#[derive(Clone, Copy)]
pub struct Check {
    /// The sentence, with underscores for spaces.
    pub name: &'static str,
    run: fn(&dyn Renderer),
}

impl Check {
    /// Runs the check.
    ///
    /// # Panics
    ///
    /// If the engine does not do what the check's name says.
    pub fn run(&self, renderer: &dyn Renderer) {
        (self.run)(renderer);
    }
}

/// Every check, grouped by subject.
pub fn checks() -> Vec<Check> {
    [boxes::CHECKS, drawing::CHECKS, images::CHECKS, annotations::CHECKS, damage::CHECKS, passwords::CHECKS]
        .concat()
}

/// Runs every check, those after a failed one too.
///
/// # Panics
///
/// If any check fails, with the names of all that did; what each found is printed as it happens.
pub fn assert_conforms(renderer: &dyn Renderer) {
    let failed: Vec<&str> = checks()
        .iter()
        .filter(|check| catch_unwind(AssertUnwindSafe(|| check.run(renderer))).is_err())
        .map(|check| check.name)
        .collect();
    assert!(
        failed.is_empty(),
        "{} {} fails {} checks:\n  {}",
        renderer.name(),
        renderer.version(),
        failed.len(),
        failed.join("\n  ")
    );
}

/// Names each function of a module as a check.
macro_rules! check_list {
    ($($name:ident),+ $(,)?) => {
        pub(crate) const CHECKS: &[crate::Check] =
            &[$(crate::Check { name: stringify!($name), run: $name }),+];
    };
}
use check_list;

#[cfg(test)]
mod tests {
    use render_api::{Document, OpenOptions, RenderError};

    use super::*;

    /// Opens nothing, so that no check can pass for the wrong reason except those about refusals.
    struct Broken;

    impl Renderer for Broken {
        fn name(&self) -> &'static str {
            "broken"
        }

        fn version(&self) -> String {
            "0".to_owned()
        }

        fn open<'a>(&'a self, _: &'a [u8], _: &OpenOptions) -> Result<Box<dyn Document + 'a>, RenderError> {
            Err(RenderError::Backend { detail: "broken".to_owned() })
        }
    }

    #[test]
    fn an_engine_that_opens_nothing_passes_no_check() {
        for check in checks() {
            let outcome = catch_unwind(AssertUnwindSafe(|| check.run(&Broken)));
            assert!(outcome.is_err(), "{} passed", check.name);
        }
    }

    #[test]
    fn every_check_has_a_name_of_its_own() {
        let mut names: Vec<&str> = checks().iter().map(|check| check.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), checks().len());
    }
}
