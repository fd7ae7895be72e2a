//! Form fields and annotations, with and without the appearance streams that draw them.

use pdf_writer::types::{AnnotationFlags, AnnotationType, CheckBoxState, FieldFlags, FieldType};
use pdf_writer::writers::Annotation;
use pdf_writer::{Content, Filter, Finish, Name, Rect, Ref, Str, TextStr};

use crate::paper::{A4, Paper, deflate, helvetica, with_fonts};

/// Whether widgets and annotations carry the streams that draw them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appearances {
    /// `/AP` is there.
    Given,
    /// `/AP` is missing: a viewer makes one from the value.
    Missing,
}

/// A form of one page: two text fields, two checkboxes, three radio buttons, a combo box and a list box.
pub fn fields(appearances: Appearances) -> Vec<u8> {
    let mut form = Form::new(appearances);
    form.label(18.0, 60.0, 770.0, "Application for a reading room pass");

    form.text_field("name", "Ada Example", [200.0, 700.0, 480.0, 722.0], FieldFlags::empty());
    form.label(11.0, 60.0, 706.0, "Name");
    let remarks = "Prefers a desk by the window, near the maps.";
    form.text_field("remarks", remarks, [200.0, 620.0, 480.0, 680.0], FieldFlags::MULTILINE);
    form.label(11.0, 60.0, 660.0, "Remarks");

    form.checkbox("accepts", true, [200.0, 580.0, 216.0, 596.0]);
    form.label(11.0, 60.0, 584.0, "Accepts the rules");
    form.checkbox("returns", false, [200.0, 550.0, 216.0, 566.0]);
    form.label(11.0, 60.0, 554.0, "Was here before");

    form.radio("term", &["month", "year", "life"], 1, (200.0, 510.0));
    form.label(11.0, 60.0, 514.0, "Term: month, year, life");

    let rooms = ["Maps", "Manuscripts", "Newspapers", "Music"];
    form.choice("room", &rooms, 1, FieldFlags::COMBO, [200.0, 460.0, 400.0, 482.0]);
    form.label(11.0, 60.0, 466.0, "Room");
    form.choice("also", &rooms, 3, FieldFlags::empty(), [200.0, 370.0, 400.0, 440.0]);
    form.label(11.0, 60.0, 426.0, "Also wants");
    form.finish()
}

/// Two pages of annotations: the first with appearance streams, the second without.
pub fn annotations() -> Vec<u8> {
    let mut paper = Paper::new("Annotations");
    let font = helvetica(&mut paper);
    for appearances in [Appearances::Given, Appearances::Missing] {
        let ids = page_of_annotations(&mut paper, font, appearances);
        let mut content = Content::new();
        let title = match appearances {
            Appearances::Given => "Annotations with appearance streams",
            Appearances::Missing => "Annotations without appearance streams",
        };
        write(&mut content, 18.0, 60.0, 770.0, title);
        write(&mut content, 14.0, 60.0, 704.0, "This sentence is highlighted in yellow.");
        for (y, text) in [
            (620.0, "A red square, filled with pink:"),
            (520.0, "Ink in blue:"),
            (430.0, "A link with a green border:"),
            (340.0, "A stamp:"),
            (250.0, "Free text:"),
            (160.0, "A note and its popup:"),
        ] {
            write(&mut content, 12.0, 60.0, y, text);
        }
        paper.page(A4, content, |page| {
            page.annotations(ids);
            with_fonts(&mut page.resources(), &[(b"Helv", font)]);
        });
    }
    paper.finish()
}

fn page_of_annotations(paper: &mut Paper, font: Ref, appearances: Appearances) -> Vec<Ref> {
    let mut ids = Vec::new();
    let mut add = |paper: &mut Paper,
                   rect: [f32; 4],
                   draw: &dyn Fn(&mut Content, f32, f32),
                   fill: &dyn Fn(&mut Annotation<'_>)| {
        let (width, height) = (rect[2] - rect[0], rect[3] - rect[1]);
        let stream = (appearances == Appearances::Given)
            .then(|| appearance(paper, font, width, height, |content| draw(content, width, height)));
        let id = paper.alloc();
        let mut annotation = paper.pdf.annotation(id);
        annotation.rect(Rect::new(rect[0], rect[1], rect[2], rect[3])).flags(AnnotationFlags::PRINT);
        fill(&mut annotation);
        if let Some(stream) = stream {
            annotation.appearance().normal().stream(stream);
        }
        ids.push(id);
        id
    };

    add(
        paper,
        [58.0, 698.0, 322.0, 720.0],
        &|content, width, height| {
            content.set_parameters(Name(b"Multiply"));
            content.set_fill_rgb(1.0, 0.95, 0.2).rect(0.0, 0.0, width, height).fill_nonzero();
        },
        &|annotation| {
            annotation.subtype(AnnotationType::Highlight).color_rgb(1.0, 0.95, 0.2);
            annotation.quad_points([58.0, 720.0, 322.0, 720.0, 58.0, 698.0, 322.0, 698.0]);
        },
    );
    add(
        paper,
        [300.0, 590.0, 420.0, 650.0],
        &|content, width, height| {
            content.set_fill_rgb(1.0, 0.85, 0.88).set_stroke_rgb(0.85, 0.0, 0.1).set_line_width(3.0);
            content.rect(1.5, 1.5, width - 3.0, height - 3.0).fill_nonzero_and_stroke();
        },
        &|annotation| {
            annotation.subtype(AnnotationType::Square).color_rgb(0.85, 0.0, 0.1);
            annotation.insert(Name(b"IC")).array().items([1.0, 0.85, 0.88]);
            annotation.border_style().width(3.0);
        },
    );
    let strokes = [[10.0f32, 10.0], [40.0, 50.0], [70.0, 10.0], [100.0, 50.0], [130.0, 10.0]];
    add(
        paper,
        [300.0, 490.0, 440.0, 550.0],
        &|content, _, _| {
            content.set_stroke_rgb(0.1, 0.2, 0.8).set_line_width(2.5).move_to(strokes[0][0], strokes[0][1]);
            for [x, y] in &strokes[1..] {
                content.line_to(*x, *y);
            }
            content.stroke();
        },
        &|annotation| {
            annotation.pair(Name(b"Subtype"), Name(b"Ink"));
            annotation.color_rgb(0.1, 0.2, 0.8).border_style().width(2.5);
            let points = strokes.iter().flat_map(|[x, y]| [300.0 + x, 490.0 + y]);
            annotation.insert(Name(b"InkList")).array().push().array().items(points);
        },
    );
    add(
        paper,
        [300.0, 420.0, 440.0, 446.0],
        &|content, width, height| {
            content.set_stroke_rgb(0.0, 0.6, 0.2).set_line_width(2.0);
            content.rect(1.0, 1.0, width - 2.0, height - 2.0).stroke();
        },
        &|annotation| {
            annotation.subtype(AnnotationType::Link).color_rgb(0.0, 0.6, 0.2).border(0.0, 0.0, 2.0, None);
            let mut action = annotation.action();
            action.action_type(pdf_writer::types::ActionType::Uri).uri(Str(b"https://example.org/"));
        },
    );
    add(
        paper,
        [300.0, 320.0, 460.0, 370.0],
        &|content, width, height| {
            content.set_stroke_rgb(0.7, 0.0, 0.0).set_line_width(3.0);
            content.rect(2.0, 2.0, width - 4.0, height - 4.0).stroke().set_fill_rgb(0.7, 0.0, 0.0);
            content.begin_text().set_font(Name(b"Helv"), 22.0).next_line(16.0, 17.0);
            content.show(Str(b"APPROVED")).end_text();
        },
        &|annotation| {
            annotation.pair(Name(b"Subtype"), Name(b"Stamp"));
            annotation.pair(Name(b"Name"), Name(b"Approved"));
            annotation.color_rgb(0.7, 0.0, 0.0).contents(TextStr("Approved"));
        },
    );
    add(
        paper,
        [300.0, 236.0, 520.0, 272.0],
        &|content, width, height| {
            content.set_fill_rgb(0.92, 0.96, 1.0).rect(0.0, 0.0, width, height).fill_nonzero();
            write(content, 12.0, 6.0, 14.0, "Written on the page itself");
        },
        &|annotation| {
            annotation.pair(Name(b"Subtype"), Name(b"FreeText"));
            annotation.pair(Name(b"DA"), Str(b"0 g /Helv 12 Tf"));
            annotation.color_rgb(0.92, 0.96, 1.0).contents(TextStr("Written on the page itself"));
        },
    );
    let note = add(
        paper,
        [300.0, 150.0, 322.0, 172.0],
        &|content, width, height| {
            content.set_fill_rgb(1.0, 0.85, 0.2).set_stroke_gray(0.2).set_line_width(1.0);
            content.rect(0.5, 0.5, width - 1.0, height - 1.0).fill_nonzero_and_stroke();
        },
        &|annotation| {
            annotation.subtype(AnnotationType::Text).color_rgb(1.0, 0.85, 0.2);
            annotation.contents(TextStr("Look at this again."));
        },
    );
    let popup = paper.alloc();
    let mut annotation = paper.pdf.annotation(popup);
    annotation.rect(Rect::new(340.0, 100.0, 520.0, 172.0));
    annotation.pair(Name(b"Subtype"), Name(b"Popup"));
    annotation.pair(Name(b"Parent"), note).pair(Name(b"Open"), false);
    annotation.finish();
    ids.push(popup);
    ids
}

/// A page with fields in the making.
struct Form {
    paper: Paper,
    font: Ref,
    dingbats: Ref,
    appearances: Appearances,
    content: Content,
    fields: Vec<Ref>,
    widgets: Vec<Ref>,
}

const TEXT_STYLE: &[u8] = b"0 g /Helv 12 Tf";
const MARK_STYLE: &[u8] = b"0 g /ZaDb 0 Tf";

impl Form {
    fn new(appearances: Appearances) -> Form {
        let mut paper = Paper::new("A form");
        let font = helvetica(&mut paper);
        let dingbats = paper.alloc();
        paper.pdf.type1_font(dingbats).base_font(Name(b"ZapfDingbats"));
        Form {
            paper,
            font,
            dingbats,
            appearances,
            content: Content::new(),
            fields: Vec::new(),
            widgets: Vec::new(),
        }
    }

    fn label(&mut self, size: f32, x: f32, y: f32, text: &str) {
        write(&mut self.content, size, x, y, text);
    }

    fn text_field(&mut self, name: &str, value: &str, rect: [f32; 4], flags: FieldFlags) {
        let height = rect[3] - rect[1];
        let stream = self.stream(rect, |content| write(content, 12.0, 4.0, height - 15.0, value));
        let id = self.paper.alloc();
        let mut field = self.paper.pdf.form_field(id);
        field.partial_name(TextStr(name)).field_type(FieldType::Text).field_flags(flags);
        field.text_value(TextStr(value)).vartext_default_appearance(Str(TEXT_STYLE));
        let mut annotation = field.into_annotation();
        bordered(&mut annotation, rect);
        if let Some(stream) = stream {
            annotation.appearance().normal().stream(stream);
        }
        annotation.finish();
        self.fields.push(id);
        self.widgets.push(id);
    }

    fn checkbox(&mut self, name: &str, is_checked: bool, rect: [f32; 4]) {
        let side = rect[2] - rect[0];
        let on = self.stream(rect, |content| mark(content, side, b"4"));
        let off = self.stream(rect, |_| ());
        let id = self.paper.alloc();
        let (state, name_of_state) =
            if is_checked { (CheckBoxState::Yes, Name(b"Yes")) } else { (CheckBoxState::Off, Name(b"Off")) };
        let mut field = self.paper.pdf.form_field(id);
        field.partial_name(TextStr(name)).field_type(FieldType::Button).checkbox_value(state);
        field.vartext_default_appearance(Str(MARK_STYLE));
        let mut annotation = field.into_annotation();
        bordered(&mut annotation, rect);
        annotation.appearance_characteristics().pair(Name(b"CA"), Str(b"4"));
        annotation.appearance_state(name_of_state);
        if let (Some(on), Some(off)) = (on, off) {
            annotation.appearance().normal().streams().pairs([(Name(b"Yes"), on), (Name(b"Off"), off)]);
        }
        annotation.finish();
        self.fields.push(id);
        self.widgets.push(id);
    }

    fn radio(&mut self, name: &str, values: &[&str], chosen: usize, (x, y): (f32, f32)) {
        let group = self.paper.alloc();
        let mut buttons = Vec::new();
        for (i, value) in values.iter().enumerate() {
            let left = x + 40.0 * i as f32;
            let rect = [left, y, left + 16.0, y + 16.0];
            let on = self.stream(rect, |content| mark(content, 16.0, b"l"));
            let off = self.stream(rect, |_| ());
            let id = self.paper.alloc();
            let mut field = self.paper.pdf.form_field(id);
            field.parent(group).vartext_default_appearance(Str(MARK_STYLE));
            let mut annotation = field.into_annotation();
            bordered(&mut annotation, rect);
            annotation.appearance_characteristics().pair(Name(b"CA"), Str(b"l"));
            let value = Name(value.as_bytes());
            annotation.appearance_state(if i == chosen { value } else { Name(b"Off") });
            if let (Some(on), Some(off)) = (on, off) {
                annotation.appearance().normal().streams().pairs([(value, on), (Name(b"Off"), off)]);
            }
            annotation.finish();
            buttons.push(id);
        }
        let mut field = self.paper.pdf.form_field(group);
        field.partial_name(TextStr(name)).field_type(FieldType::Button).children(buttons.iter().copied());
        field.field_flags(FieldFlags::RADIO | FieldFlags::NO_TOGGLE_TO_OFF);
        field.radio_value(Name(values[chosen].as_bytes()));
        field.finish();
        self.fields.push(group);
        self.widgets.extend(buttons);
    }

    fn choice(&mut self, name: &str, options: &[&str], chosen: usize, flags: FieldFlags, rect: [f32; 4]) {
        let (width, height) = (rect[2] - rect[0], rect[3] - rect[1]);
        let is_combo = flags.contains(FieldFlags::COMBO);
        let stream = self.stream(rect, |content| {
            for (i, option) in options.iter().enumerate().filter(|(i, _)| !is_combo || *i == chosen) {
                let row = if is_combo { 0.0 } else { i as f32 };
                let baseline = height - 15.0 - 15.0 * row;
                if i == chosen && !is_combo {
                    content.set_fill_rgb(0.6, 0.75, 0.95).rect(1.0, baseline - 4.0, width - 2.0, 15.0);
                    content.fill_nonzero();
                }
                write(content, 12.0, 4.0, baseline, option);
            }
        });
        let id = self.paper.alloc();
        let mut field = self.paper.pdf.form_field(id);
        field.partial_name(TextStr(name)).field_type(FieldType::Choice).field_flags(flags);
        field.choice_options().options(options.iter().map(|option| TextStr(option)));
        field.choice_value(Some(TextStr(options[chosen]))).vartext_default_appearance(Str(TEXT_STYLE));
        if !is_combo {
            field.choice_indices([chosen as i32]);
        }
        let mut annotation = field.into_annotation();
        bordered(&mut annotation, rect);
        if let Some(stream) = stream {
            annotation.appearance().normal().stream(stream);
        }
        annotation.finish();
        self.fields.push(id);
        self.widgets.push(id);
    }

    /// The appearance of a widget inside its border, unless appearances are left out.
    fn stream(&mut self, rect: [f32; 4], draw: impl FnOnce(&mut Content)) -> Option<Ref> {
        if self.appearances == Appearances::Missing {
            return None;
        }
        let (width, height) = (rect[2] - rect[0], rect[3] - rect[1]);
        let dingbats = self.dingbats;
        let mut content = Content::new();
        content.set_fill_rgb(0.95, 0.97, 1.0).set_stroke_rgb(0.2, 0.3, 0.5).set_line_width(1.0);
        content.rect(0.5, 0.5, width - 1.0, height - 1.0).fill_nonzero_and_stroke();
        draw(&mut content);
        Some(form_xobject(
            &mut self.paper,
            content,
            width,
            height,
            &[(b"Helv", self.font), (b"ZaDb", dingbats)],
        ))
    }

    fn finish(self) -> Vec<u8> {
        let Form { mut paper, font, dingbats, appearances, content, fields, widgets } = self;
        paper.page(A4, content, |page| {
            page.annotations(widgets);
            with_fonts(&mut page.resources(), &[(b"Helv", font)]);
        });
        paper.finish_with(|catalog| {
            let mut form = catalog.form();
            form.fields(fields).default_appearance(Str(TEXT_STYLE));
            form.pair(Name(b"NeedAppearances"), appearances == Appearances::Missing);
            with_fonts(&mut form.default_resources(), &[(b"Helv", font), (b"ZaDb", dingbats)]);
        })
    }
}

/// What every widget has: place, border, background, and that it is printed.
fn bordered(annotation: &mut Annotation<'_>, [x0, y0, x1, y1]: [f32; 4]) {
    annotation.rect(Rect::new(x0, y0, x1, y1)).flags(AnnotationFlags::PRINT);
    annotation.border_style().width(1.0);
}

/// A tick or a bullet of the dingbats, in the middle of a square.
fn mark(content: &mut Content, side: f32, dingbat: &[u8]) {
    content.set_fill_gray(0.0).begin_text().set_font(Name(b"ZaDb"), 0.8 * side);
    content.next_line(0.18 * side, 0.22 * side).show(Str(dingbat)).end_text();
}

fn appearance(paper: &mut Paper, font: Ref, width: f32, height: f32, draw: impl FnOnce(&mut Content)) -> Ref {
    let mut content = Content::new();
    draw(&mut content);
    form_xobject(paper, content, width, height, &[(b"Helv", font)])
}

fn form_xobject(paper: &mut Paper, content: Content, width: f32, height: f32, fonts: &[(&[u8], Ref)]) -> Ref {
    let (multiply, id) = (paper.alloc(), paper.alloc());
    paper.pdf.ext_graphics(multiply).blend_mode(pdf_writer::types::BlendMode::Multiply);
    let data = deflate(&content.finish());
    let mut form = paper.pdf.form_xobject(id, &data);
    form.bbox(Rect::new(0.0, 0.0, width, height));
    form.filter(Filter::FlateDecode);
    let mut resources = form.resources();
    with_fonts(&mut resources, fonts);
    resources.ext_g_states().pair(Name(b"Multiply"), multiply);
    id
}

fn write(content: &mut Content, size: f32, x: f32, y: f32, text: &str) {
    content.set_fill_gray(0.0).begin_text().set_font(Name(b"Helv"), size);
    content.next_line(x, y).show(Str(text.as_bytes())).end_text();
}
