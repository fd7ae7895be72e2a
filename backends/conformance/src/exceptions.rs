//! What an engine cannot do, and why: the checks that it is known to fail.
//!
//! A row is a promise in both directions. Whoever lists a check here says why their engine cannot
//! pass it; and a row whose check has begun to pass fails the suite until it is removed. What the
//! crate around an engine can put right is no exception.

/// A check that an engine is known not to pass.
#[derive(Debug, Clone, Copy)]
pub struct Exception {
    /// The engine's name, as `Renderer::name` has it.
    pub engine: &'static str,
    /// The check's name.
    pub check: &'static str,
    /// Whether the check is run all the same.
    pub run: Run,
    /// Why, in one sentence for a reader of the README.
    pub because: &'static str,
}

/// Whether a check that an engine does not pass is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Run {
    /// It is run, and has to fail.
    AndFails,
    /// It is not run: it would end the process, or not end.
    Never,
}

/// Every exception of every engine.
pub fn exceptions() -> Vec<Exception> {
    [("mupdf", MUPDF), ("pdfium", PDFIUM), ("hayro", HAYRO)]
        .into_iter()
        .flat_map(|(engine, rows)| {
            rows.iter().map(move |&(check, run, because)| Exception { engine, check, run, because })
        })
        .collect()
}

/// Name of the check, whether it is run, and why it is not passed.
type Row = (&'static str, Run, &'static str);

const MUPDF: &[Row] = &[
    (
        "an_odd_number_of_dashes_takes_turns_with_gaps",
        Run::AndFails,
        "A phase beyond the first round of an odd number of dashes loses the turn of dash and gap.",
    ),
    (
        "the_separation_none_leaves_no_mark",
        Run::AndFails,
        "The separation None is drawn by its tint transform, as if it were an ink.",
    ),
    (
        "a_membership_shows_content_by_its_policy",
        Run::AndFails,
        "The policies AllOn and AnyOff of layer memberships are not told from AnyOn.",
    ),
    (
        "a_membership_shows_content_by_its_expression",
        Run::AndFails,
        "Visibility expressions of layer memberships are not evaluated.",
    ),
];

const PDFIUM: &[Row] = &[(
    "a_page_tree_of_100_million_empty_nodes_in_a_kilobyte_is_bounded",
    Run::Never,
    "It visits every node that has no page below it, which takes minutes and only the end of the process ends.",
)];

const HAYRO: &[Row] = &[(
    "the_user_and_the_owner_password_open_a_document",
    Run::AndFails,
    "It tries the user's password only, except in documents with AES-256.",
)];
