//! A document in which the boxes and the annotations of the pages are ours.
//!
//! hayro clips to the crop box that it reads in a page, and has opinions of its own about boxes that
//! are missing or have no area, and about annotations. There is no way to tell it otherwise but the
//! document: so an update is appended to its bytes, as an editor would, with the pages that need it
//! written anew.

use std::collections::HashSet;

use hayro::hayro_syntax::Pdf;
use hayro::hayro_syntax::object::{Dict, ObjRef};
use hayro::hayro_syntax::page::Page;
use render_api::geometry::RawBox;
use render_api::{PageBox, PageGeometry};

use crate::annotations;
use crate::find::{find_last, skip_white};
use crate::opened::{Opened, Source};
use crate::page::raw_page;

/// hayro reads boxes as `f32`.
const ROUNDING_PT: f64 = 0.01;

/// What a page should say instead of what it says.
pub(crate) struct Amendment {
    /// The media and the crop box.
    page_box: RawBox,
    annotations: Option<Vec<u8>>,
}

/// What must be changed in a page for hayro to draw it as it is meant.
pub(crate) fn amendment(
    pdf: &Pdf,
    page: &Page<'_>,
    geometry: &PageGeometry,
    layers_off: &HashSet<ObjRef>,
) -> Option<Amendment> {
    let annotations = annotations::replacement(pdf, page, layers_off);
    let needed = annotations.is_some() || !is_shown(page, geometry);
    needed.then_some(Amendment { page_box: geometry.rect, annotations })
}

/// Opens the document with every page amended that needs it, if that can be done.
pub(crate) fn amended(
    source: &Source,
    pdf: &Pdf,
    page_box: PageBox,
    layers_off: &HashSet<ObjRef>,
) -> Option<(Source, Opened)> {
    let mut update = Update::of(&source.pdf);
    for page in pdf.pages().iter() {
        if let Ok(geometry) = PageGeometry::resolve(&raw_page(page), page_box)
            && let Some(amendment) = amendment(pdf, page, &geometry, layers_off)
        {
            update.replace(pdf, page, &amendment);
        }
    }
    let source = source.with_bytes(update.finish(pdf));
    let opened = source.open().ok()?;
    // Whatever came out of it, it must be the same pages.
    let ids = |pdf: &Pdf| pdf.pages().iter().map(|page| page.raw().obj_id()).collect::<Vec<_>>();
    (ids(opened.borrow_owner()) == ids(pdf)).then_some((source, opened))
}

/// Whether hayro clips to nothing less than the rectangle that is drawn.
fn is_shown(page: &Page<'_>, geometry: &PageGeometry) -> bool {
    let clip = page.intersected_crop_box();
    let [x0, y0, x1, y1] = geometry.rect;
    let slack = |v: f64| ROUNDING_PT.max(v.abs() * f64::from(f32::EPSILON));
    clip.x0 <= x0 + slack(x0)
        && clip.y0 <= y0 + slack(y0)
        && clip.x1 >= x1 - slack(x1)
        && clip.y1 >= y1 - slack(y1)
}

/// An incremental update (ISO 32000-1, 7.5.6) in the making.
struct Update {
    bytes: Vec<u8>,
    /// The section of the cross-reference table that is replaced, if there is one to be trusted.
    previous: Option<usize>,
    /// Number, generation and offset of each object.
    objects: Vec<(i64, i64, usize)>,
}

impl Update {
    fn of(pdf: &[u8]) -> Update {
        let mut bytes = pdf.to_vec();
        bytes.push(b'\n');
        // The trailer of an encrypted document has more in it than can be asked of hayro.
        let is_encrypted = find_last(pdf, b"/Encrypt").is_some();
        let previous = if is_encrypted { None } else { last_cross_reference(pdf) };
        Update { bytes, previous, objects: Vec::new() }
    }

    /// Writes a page anew.
    fn replace(&mut self, pdf: &Pdf, page: &Page<'_>, amendment: &Amendment) {
        let dict = page.raw();
        let Some(id) = dict.obj_id() else { return };
        // A page that is written inside of another object has that one's number.
        if pdf.xref().get::<Dict<'_>>(id).is_none_or(|object| object.data() != dict.data()) {
            return;
        }
        let Some(entries) = dict.data().strip_suffix(b">>") else { return };
        self.objects.push((id.obj_number.into(), id.gen_number.into(), self.bytes.len()));
        self.bytes.extend_from_slice(format!("{} {} obj\n", id.obj_number, id.gen_number).as_bytes());
        self.bytes.extend_from_slice(entries);
        // hayro takes the last of several entries with the same name.
        if let Some(annotations) = &amendment.annotations {
            self.bytes.extend_from_slice(b"\n/Annots ");
            self.bytes.extend_from_slice(annotations);
        }
        let [x0, y0, x1, y1] = amendment.page_box;
        let page_box = format!("[{x0} {y0} {x1} {y1}]");
        self.bytes
            .extend_from_slice(format!("\n/MediaBox {page_box} /CropBox {page_box} >>\nendobj\n").as_bytes());
    }

    fn finish(mut self, pdf: &Pdf) -> Vec<u8> {
        let start = self.bytes.len();
        if let Some(previous) = self.previous {
            let mut table = "xref\n".to_owned();
            for (number, generation, offset) in &self.objects {
                table.push_str(&format!("{number} 1\n{offset:010} {generation:05} n \n"));
            }
            let root = pdf.xref().root_id();
            table.push_str(&format!(
                "trailer\n<< /Size {} /Root {} {} R /Prev {previous} >>\n",
                pdf.len() + 1,
                root.obj_number,
                root.gen_number
            ));
            self.bytes.extend_from_slice(table.as_bytes());
        }
        // Without a table this names none: hayro then looks for the objects, and finds ours last.
        self.bytes.extend_from_slice(format!("startxref\n{start}\n%%EOF\n").as_bytes());
        self.bytes
    }
}

/// Where the file says that its cross-reference table begins.
fn last_cross_reference(pdf: &[u8]) -> Option<usize> {
    let keyword = b"startxref";
    let after = &pdf[find_last(pdf, keyword)? + keyword.len()..];
    let digits: Vec<u8> = skip_white(after).iter().copied().take_while(u8::is_ascii_digit).collect();
    std::str::from_utf8(&digits).ok()?.parse().ok()
}
