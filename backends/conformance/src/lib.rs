//! The test suite that every rendering engine passes.
//!
//! A [`Check`] is a sentence about the contract in `render-api` and a function that proves it. The
//! documents are written by code (`pdf`) with known answers; what code here does not write (encrypted
//! documents, codecs, profiles, fonts) are files in `fixtures/`. Checks are grouped by what they are about, and [`checks`] lists them all. An engine
//! runs them from a test of its own. What an engine cannot do is listed in [`exceptions()`],
//! and [`support_table`] tells it to readers.
//!
//! ```no_run
//! # fn test(engine: &dyn render_api::Renderer) {
//! render_conformance::assert_conforms(engine);
//! # }
//! ```

mod annotations;
mod blending;
mod boxes;
mod cjk;
mod codecs;
mod colour;
mod content;
mod damage;
mod drawing;
mod encryption;
mod exceptions;
mod filters;
mod fonts;
mod forms;
mod groups;
mod images;
mod jpeg;
mod layers;
mod masks;
mod paths;
mod patterns;
mod pdf;
mod probe;
mod shadings;
mod structure;
mod support;
mod text;

use std::panic::{AssertUnwindSafe, catch_unwind};

use render_api::Renderer;

pub use exceptions::{Exception, Run, exceptions};
pub use support::support_table;

/// One sentence about the contract, and its proof.
#[derive(Clone, Copy)]
pub struct Check {
    /// The sentence, with underscores for spaces.
    pub name: &'static str,
    /// What a reader of the support table calls it.
    pub feature: &'static str,
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
    [
        boxes::CHECKS,
        drawing::CHECKS,
        paths::CHECKS,
        text::CHECKS,
        fonts::CHECKS,
        cjk::without_a_font::CHECKS,
        images::CHECKS,
        filters::CHECKS,
        codecs::CHECKS,
        jpeg::CHECKS,
        masks::CHECKS,
        shadings::CHECKS,
        patterns::CHECKS,
        colour::CHECKS,
        blending::CHECKS,
        groups::CHECKS,
        layers::CHECKS,
        annotations::CHECKS,
        forms::CHECKS,
        structure::CHECKS,
        content::CHECKS,
        damage::CHECKS,
        encryption::CHECKS,
    ]
    .concat()
}

/// Every check of Chinese, Japanese and Korean text whose font is not embedded: for engines in a
/// build that has a font for it.
pub fn cjk_checks() -> Vec<Check> {
    cjk::CHECKS.to_vec()
}

/// Runs every check, those after a failed one too, and holds the outcome against [`exceptions`].
///
/// # Panics
///
/// If a check fails that is no exception, or one passes that is, or an exception names no check.
/// The message names all of them; what each check found is printed as it happens.
pub fn assert_conforms(renderer: &dyn Renderer) {
    assert_passes(renderer, checks());
}

/// Runs [`cjk_checks`], as [`assert_conforms`] runs the others.
///
/// # Panics
///
/// As [`assert_conforms`] does.
pub fn assert_draws_cjk(renderer: &dyn Renderer) {
    assert_passes(renderer, cjk_checks());
}

fn assert_passes(renderer: &dyn Renderer, checks: Vec<Check>) {
    let faults = faults(renderer, &checks, &exceptions());
    assert!(
        faults.is_empty(),
        "{} {} does not conform in {} points:\n  {}",
        renderer.name(),
        renderer.version(),
        faults.len(),
        faults.join("\n  ")
    );
}

/// Runs checks; what is not as the exceptions say, in sentences.
fn faults(renderer: &dyn Renderer, checks: &[Check], exceptions: &[Exception]) -> Vec<String> {
    let all: Vec<Check> = self::checks().into_iter().chain(cjk_checks()).collect();
    let own: Vec<&Exception> =
        exceptions.iter().filter(|exception| exception.engine == renderer.name()).collect();
    let mut faults: Vec<String> = own
        .iter()
        .filter(|exception| !all.iter().any(|check| check.name == exception.check))
        .map(|exception| format!("exceptions.rs names a check that there is not: {}", exception.check))
        .collect();
    for check in checks {
        let exception = own.iter().find(|exception| exception.check == check.name);
        if exception.is_some_and(|exception| exception.run == Run::Never) {
            continue;
        }
        eprintln!("{}{}", check.name, if exception.is_some() { ", which has to fail:" } else { "" });
        match (catch_unwind(AssertUnwindSafe(|| check.run(renderer))), exception) {
            (Ok(()), None) | (Err(_), Some(_)) => {}
            (Ok(()), Some(_)) => {
                faults.push(format!("passes, so remove it from exceptions.rs: {}", check.name));
            }
            (Err(_), None) => faults.push(format!("fails: {}", check.name)),
        }
    }
    faults
}

/// Names each function of a module as a check, below the feature that it belongs to.
macro_rules! check_list {
    ($($feature:literal => [$($name:ident),+ $(,)?]),+ $(,)?) => {
        pub(crate) const CHECKS: &[crate::Check] = &[$($(
            crate::Check { name: stringify!($name), feature: $feature, run: $name }
        ),+),+];
    };
}
use check_list;

#[cfg(test)]
mod tests {
    use render_api::{Document, Drawn, OpenOptions, PageIndex, PageSize, Pixmap, RenderError, RenderOptions};

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
        for check in checks().into_iter().chain(cjk_checks()) {
            let outcome = catch_unwind(AssertUnwindSafe(|| check.run(&Broken)));
            assert!(outcome.is_err(), "{} passed", check.name);
        }
    }

    /// Opens everything and draws nothing: one page of white paper.
    struct Blank;

    impl Renderer for Blank {
        fn name(&self) -> &'static str {
            "blank"
        }

        fn version(&self) -> String {
            "0".to_owned()
        }

        fn open<'a>(&'a self, _: &'a [u8], _: &OpenOptions) -> Result<Box<dyn Document + 'a>, RenderError> {
            Ok(Box::new(Paper))
        }
    }

    struct Paper;

    impl Document for Paper {
        fn page_count(&self) -> u32 {
            1
        }

        fn page_size(&mut self, _: PageIndex) -> Result<PageSize, RenderError> {
            Ok(PageSize { width_pt: 100.0, height_pt: 100.0 })
        }

        fn render_page(
            &mut self,
            _: PageIndex,
            _: &RenderOptions,
            out: &mut Pixmap,
        ) -> Result<Drawn, RenderError> {
            out.data_mut().fill(255);
            Ok(Drawn::default())
        }
    }

    /// These ask only that an end is reached in time, and paper is one.
    const PASSED_BY_PAPER: [&str; 4] = [
        "a_box_of_absurd_size_is_refused_or_is_us_letter",
        "a_cycle_in_the_page_tree_ends",
        "a_page_tree_of_100_million_pages_in_a_kilobyte_is_bounded",
        "a_page_tree_of_100_million_empty_nodes_in_a_kilobyte_is_bounded",
    ];

    #[test]
    fn an_engine_that_draws_white_paper_passes_no_check_but_those_that_are_named() {
        let passed: Vec<&str> = checks()
            .iter()
            .filter(|check| catch_unwind(AssertUnwindSafe(|| check.run(&Blank))).is_ok())
            .map(|check| check.name)
            .collect();
        assert_eq!(passed, PASSED_BY_PAPER);
    }

    #[test]
    fn an_exception_excuses_a_failure_and_only_that() {
        let exception = |check, run| Exception { engine: "blank", check, run, because: "It draws nothing." };
        let chosen =
            |name: &str| -> Vec<Check> { checks().into_iter().filter(|check| check.name == name).collect() };
        let (fails, passes) = ("inks_look_like_themselves", PASSED_BY_PAPER[1]);

        assert_eq!(faults(&Blank, &chosen(fails), &[]), [format!("fails: {fails}")]);
        for run in [Run::AndFails, Run::Never] {
            assert!(faults(&Blank, &chosen(fails), &[exception(fails, run)]).is_empty());
        }
        let of_another = Exception { engine: "broken", ..exception(fails, Run::AndFails) };
        assert_eq!(faults(&Blank, &chosen(fails), &[of_another]).len(), 1);

        assert!(faults(&Blank, &chosen(passes), &[]).is_empty());
        let stale = faults(&Blank, &chosen(passes), &[exception(passes, Run::AndFails)]);
        assert_eq!(stale, [format!("passes, so remove it from exceptions.rs: {passes}")]);

        let unknown = faults(&Blank, &[], &[exception("no_such_check", Run::Never)]);
        assert_eq!(unknown, ["exceptions.rs names a check that there is not: no_such_check"]);
    }

    #[test]
    fn every_exception_names_a_check_once_and_says_why() {
        let mut seen = Vec::new();
        for exception in exceptions() {
            let Exception { engine, check, because, .. } = exception;
            assert!(checks().iter().any(|c| c.name == check), "{engine}: there is no check {check}");
            assert!(!seen.contains(&(engine, check)), "{engine}: {check} stands there twice");
            assert!(because.ends_with('.'), "{engine}: {check}: no sentence: {because}");
            seen.push((engine, check));
        }
    }

    #[test]
    fn every_check_has_a_name_of_its_own() {
        let mut names: Vec<&str> = checks().iter().chain(&cjk_checks()).map(|check| check.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
