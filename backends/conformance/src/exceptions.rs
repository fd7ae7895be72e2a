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
    ENGINES
        .into_iter()
        .flat_map(|(engine, rows)| {
            rows.iter().map(move |&(check, run, because)| Exception { engine, check, run, because })
        })
        .collect()
}

/// Name of the check, whether it is run, and why it is not passed.
type Row = (&'static str, Run, &'static str);

/// Every engine that runs the suite, with what it does not pass.
pub(crate) const ENGINES: [(&str, &[Row]); 3] = [("mupdf", MUPDF), ("pdfium", PDFIUM), ("hayro", HAYRO)];

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
    (
        "a_hybrid_file_is_read",
        Run::AndFails,
        "Objects that a hybrid file hides from readers of tables alone are hidden from it too.",
    ),
];

const PDFIUM: &[Row] = &[
    (
        "user_unit_is_read_from_an_object_stream",
        Run::AndFails,
        "/UserUnit is not seen in a page within an object stream: PDFium has no function for it.",
    ),
    (
        "the_graphics_state_can_set_the_font",
        Run::AndFails,
        "A font that is set by a graphics state is not taken.",
    ),
    (
        "type_3_glyphs_find_their_resources_in_the_font_or_the_page",
        Run::AndFails,
        "A form within a Type 3 glyph is painted black, and not in the colour of the text.",
    ),
    (
        "the_colour_space_of_the_pdf_overrules_that_of_jpeg_2000",
        Run::AndFails,
        "A JPEG 2000 image in gray keeps its own colour space where the PDF names a Separation.",
    ),
    (
        "type_3_text_is_painted_with_patterns",
        Run::AndFails,
        "Type 3 text is painted gray where its colour is a pattern.",
    ),
    (
        "the_initial_colour_of_a_space_is_black",
        Run::AndFails,
        "Choosing a colour space does not set its initial colour.",
    ),
    (
        "the_initial_tint_of_a_separation_is_full",
        Run::AndFails,
        "Choosing a colour space does not set its initial colour.",
    ),
    ("the_gamma_of_a_calibrated_gray_counts", Run::AndFails, "CalGray is drawn as DeviceGray."),
    (
        "lab_colours_have_their_lightness_and_hue",
        Run::AndFails,
        "Saturated colours in Lab are up to 60 levels off.",
    ),
    (
        "a_knockout_group_shows_its_last_element_only",
        Run::AndFails,
        "Knockout groups are drawn as other groups are.",
    ),
    (
        "an_annotation_of_a_layer_that_is_off_is_hidden",
        Run::AndFails,
        "Annotations are drawn whether or not their layer is on.",
    ),
    (
        "a_field_that_belongs_to_no_form_is_drawn",
        Run::AndFails,
        "A form field is drawn only in a document that has a form.",
    ),
    (
        "contents_that_are_not_where_the_table_says_are_found",
        Run::AndFails,
        "A wrong entry of the cross-reference table is noticed only on the way to the first page, and not for its contents.",
    ),
    (
        "a_page_tree_of_100_million_empty_nodes_in_a_kilobyte_is_bounded",
        Run::Never,
        "It visits every node that has no page below it, which takes minutes and only the end of the process ends.",
    ),
    (
        "streams_of_the_identity_filter_are_not_decrypted",
        Run::AndFails,
        "A document whose strings and streams have different crypt filters does not open.",
    ),
    (
        "a_stream_can_be_exempt_by_a_filter_of_its_own",
        Run::AndFails,
        "A stream with a crypt filter of its own is decrypted by that of the document.",
    ),
];

const HAYRO: &[Row] = &[
    (
        "an_isolated_group_does_not_see_what_is_under_it",
        Run::AndFails,
        "Every transparency group is drawn as if it were isolated.",
    ),
    (
        "a_knockout_group_shows_its_last_element_only",
        Run::AndFails,
        "Knockout groups are drawn as other groups are.",
    ),
    (
        "a_membership_shows_content_by_its_expression",
        Run::AndFails,
        "Visibility expressions of layer memberships are not evaluated.",
    ),
    (
        "a_square_without_appearance_is_drawn",
        Run::AndFails,
        "Annotations are drawn by their appearance streams only.",
    ),
    (
        "a_highlight_without_appearance_is_drawn_and_lets_text_through",
        Run::AndFails,
        "Annotations are drawn by their appearance streams only.",
    ),
    (
        "an_ink_line_without_appearance_is_drawn",
        Run::AndFails,
        "Annotations are drawn by their appearance streams only.",
    ),
    (
        "a_text_field_without_appearance_shows_its_value",
        Run::AndFails,
        "Form fields are drawn by their appearance streams only.",
    ),
    (
        "a_text_field_inherits_its_value_and_looks",
        Run::AndFails,
        "Form fields are drawn by their appearance streams only.",
    ),
    (
        "a_choice_without_appearance_shows_its_value",
        Run::AndFails,
        "Form fields are drawn by their appearance streams only.",
    ),
    (
        "a_stream_without_its_end_mark_is_found",
        Run::AndFails,
        "A stream whose end mark is missing is not read.",
    ),
];
