//! The calls into `shim.c`, and nothing else that is unsafe.

#![allow(unsafe_code, reason = "the only module that calls C")]

use std::ffi::{CStr, CString, c_char, c_int};
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use render_api::{PageGeometry, PageIndex, PixelFormat, Pixmap, RawPage, RenderError};

/// The version of the linked MuPDF, unless it is not the one that the shim was compiled for.
pub(crate) fn version() -> Option<String> {
    // SAFETY: the call takes nothing, and returns NULL or a string that lives as long as the process.
    let version = unsafe { shim_version().as_ref().map(|first| CStr::from_ptr(first)) };
    version.map(|v| v.to_string_lossy().into_owned())
}

/// A document that is open in MuPDF.
pub(crate) struct Handle<'a> {
    document: NonNull<ShimDocument>,
    /// MuPDF reads from these bytes for as long as the document is open.
    pdf: PhantomData<&'a [u8]>,
}

/// How a page is drawn.
pub(crate) struct Drawing<'a> {
    pub(crate) geometry: &'a PageGeometry,
    /// From the page's own space to pixels.
    pub(crate) matrix: [f32; 6],
    pub(crate) annotations: bool,
}

/// What drawing came to, when it did not fail altogether.
pub(crate) struct Outcome {
    pub(crate) errors: u32,
    /// Why the page's contents were given up before their end, if they were.
    pub(crate) cut_short: Option<String>,
}

impl<'a> Handle<'a> {
    /// Opens a document, and counts its pages: at least 1.
    pub(crate) fn open(
        pdf: &'a [u8],
        cache_bytes: usize,
        password: Option<&str>,
    ) -> Result<(Handle<'a>, u32), RenderError> {
        // No password contains a NUL: such a one is wrong if the document needs any.
        let c_password = password.and_then(|p| CString::new(p).ok());
        let (mut document, mut page_count) = (ptr::null_mut(), 0);
        let mut message = Message::default();
        // SAFETY: `pdf` outlives the handle by its lifetime; the password is NULL or ends with a
        // zero; the three places to write to are valid, and the message is of the agreed length.
        let status = unsafe {
            shim_open(
                pdf.as_ptr(),
                pdf.len(),
                cache_bytes,
                c_password.as_ref().map_or(ptr::null(), |p| p.as_ptr()),
                &mut document,
                &mut page_count,
                message.as_mut_ptr(),
            )
        };
        if status == STATUS_PASSWORD {
            return Err(RenderError::Encrypted { password_given: password.is_some() });
        }
        message.check(status)?;
        match (NonNull::new(document), u32::try_from(page_count)) {
            (Some(document), Ok(page_count)) => {
                let handle = Handle { document, pdf: PhantomData };
                #[cfg(feature = "cjk")]
                handle.offer_cjk_font(cjk_font::bytes());
                Ok((handle, page_count))
            }
            _ => Err(RenderError::Backend { detail: "MuPDF opened no document".to_owned() }),
        }
    }

    /// Gives the document a font for East Asian text that brings none.
    #[cfg(feature = "cjk")]
    fn offer_cjk_font(&self, font: &'static [u8]) {
        // SAFETY: the document is open, and the font lives as long as the process.
        unsafe { shim_offer_cjk_font(self.document.as_ptr(), font.as_ptr(), font.len()) }
    }

    /// Loads a page, in place of the one that was loaded before.
    pub(crate) fn load_page(&mut self, page: PageIndex) -> Result<RawPage, RenderError> {
        let number = i32::try_from(page.0).unwrap_or(i32::MAX);
        let mut entries = ShimPageEntries::default();
        let mut message = Message::default();
        // SAFETY: the document is open, and both places to write to are valid.
        let status =
            unsafe { shim_load_page(self.document.as_ptr(), number, &mut entries, message.as_mut_ptr()) };
        message.check(status)?;
        let page_box = |i: usize| (entries.has_box[i] != 0).then_some(entries.boxes[i].map(as_written));
        Ok(RawPage {
            media: page_box(0),
            crop: page_box(1),
            trim: page_box(2),
            bleed: page_box(3),
            art: page_box(4),
            rotate: entries.rotate.into(),
            user_unit: as_written(entries.user_unit),
        })
    }

    /// Draws the page that was loaded last over `out`; RGBA comes out with colours multiplied by alpha,
    /// and gray, which must have been started in an image of RGB, as RGB if there is colour in it.
    pub(crate) fn draw_page(
        &mut self,
        drawing: &Drawing<'_>,
        out: &mut Pixmap,
    ) -> Result<Outcome, RenderError> {
        // MuPDF counts pixels, and the bytes of a row, in a C int.
        let max_side = i32::MAX as u32 / 4;
        let longest = out.width_px().max(out.height_px());
        if longest > max_side {
            return Err(RenderError::LimitExceeded {
                what: "image side in pixels",
                value: longest.into(),
                limit: max_side.into(),
            });
        }
        let shim_drawing = ShimDrawing {
            rect: drawing.geometry.rect,
            rotate: drawing.geometry.rotate.into(),
            user_unit: drawing.geometry.user_unit,
            matrix: drawing.matrix,
            annotations: drawing.annotations.into(),
            width_px: out.width_px() as i32,
            height_px: out.height_px() as i32,
            alpha: (out.format() == PixelFormat::Rgba8).into(),
            gray: (out.format() == PixelFormat::Gray8).into(),
            samples: out.data_mut().as_mut_ptr(),
        };
        let mut drawn = ShimDrawn::default();
        let mut message = Message::default();
        // SAFETY: the document is open; `samples` points to height × stride bytes, which a `Pixmap`
        // guarantees for its sides and format, with room for RGB after gray, and which no one else uses
        // during the call; the two places to write to are valid.
        let status = unsafe {
            shim_draw_page(self.document.as_ptr(), &shim_drawing, &mut drawn, message.as_mut_ptr())
        };
        message.check(status)?;
        if out.format() == PixelFormat::Gray8 && drawn.gray == 0 {
            // SAFETY: the image was started as RGB, and the rows that began as gray have been written as RGB.
            unsafe { out.assume_rgb() }
        }
        Ok(Outcome {
            errors: u32::try_from(drawn.errors).unwrap_or(u32::MAX),
            cut_short: (drawn.cut_short != 0).then(|| message.text()),
        })
    }
}

impl Drop for Handle<'_> {
    fn drop(&mut self) {
        // SAFETY: the document is open, and this is the last use of it.
        unsafe { shim_close(self.document.as_ptr()) }
    }
}

/// The number that the file has, of which MuPDF keeps the nearest `f32`.
///
/// 595.276 is 595.2760009765625 as an `f32`: enough to give a page on a large sheet one pixel
/// more than in an engine that reads `f64`. The shortest decimal that has the same `f32` is what
/// was written, for numbers of up to six digits.
fn as_written(v: f64) -> f64 {
    (v as f32).to_string().parse().unwrap_or(v)
}

/// What the shim says about a failure, in the words of MuPDF.
struct Message([c_char; MESSAGE_BYTES]);

impl Default for Message {
    fn default() -> Message {
        Message([0; MESSAGE_BYTES])
    }
}

impl Message {
    fn as_mut_ptr(&mut self) -> *mut c_char {
        self.0.as_mut_ptr()
    }

    fn text(&self) -> String {
        // A message cut off inside of a character, or one that repeats bytes of the file, is no UTF-8.
        let bytes: Vec<u8> = self.0.iter().map(|&c| c as u8).take_while(|&c| c != 0).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn check(&self, status: c_int) -> Result<(), RenderError> {
        let detail = self.text();
        Err(match status {
            STATUS_OK => return Ok(()),
            STATUS_MALFORMED => RenderError::Malformed { detail },
            STATUS_MEMORY => RenderError::OutOfMemory { detail },
            STATUS_UNSUPPORTED => RenderError::Unsupported { detail },
            _ => RenderError::Backend { detail },
        })
    }
}

// What follows mirrors shim.h.

const MESSAGE_BYTES: usize = 256;

const STATUS_OK: c_int = 0;
const STATUS_MALFORMED: c_int = 1;
const STATUS_PASSWORD: c_int = 2;
const STATUS_MEMORY: c_int = 3;
const STATUS_UNSUPPORTED: c_int = 4;

#[repr(C)]
struct ShimDocument {
    _opaque: [u8; 0],
}

#[repr(C)]
#[derive(Default)]
struct ShimPageEntries {
    boxes: [[f64; 4]; 5],
    has_box: [i32; 5],
    rotate: i32,
    user_unit: f64,
}

#[repr(C)]
struct ShimDrawing {
    rect: [f64; 4],
    rotate: i32,
    user_unit: f64,
    matrix: [f32; 6],
    annotations: i32,
    width_px: i32,
    height_px: i32,
    alpha: i32,
    gray: i32,
    samples: *mut u8,
}

#[repr(C)]
#[derive(Default)]
struct ShimDrawn {
    errors: i32,
    cut_short: i32,
    gray: i32,
}

unsafe extern "C" {
    fn shim_version() -> *const c_char;
    fn shim_open(
        data: *const u8,
        len: usize,
        store_bytes: usize,
        password: *const c_char,
        out: *mut *mut ShimDocument,
        page_count: *mut i32,
        message: *mut c_char,
    ) -> c_int;
    #[cfg(feature = "cjk")]
    fn shim_offer_cjk_font(document: *mut ShimDocument, font: *const u8, len: usize);
    fn shim_load_page(
        document: *mut ShimDocument,
        page: i32,
        out: *mut ShimPageEntries,
        message: *mut c_char,
    ) -> c_int;
    fn shim_draw_page(
        document: *mut ShimDocument,
        drawing: *const ShimDrawing,
        out: *mut ShimDrawn,
        message: *mut c_char,
    ) -> c_int;
    fn shim_close(document: *mut ShimDocument);
}
