//! The calls into PDFium, and nothing else that is unsafe.

#![allow(unsafe_code, reason = "the only module that calls C")]

use std::borrow::Cow;
use std::error::Error as _;
use std::ffi::{c_int, c_ulong, c_void};
use std::path::Path;
use std::{fmt, mem, ptr};

use pdfium_render::prelude::{
    FPDF_DOCUMENT, FPDF_FILEWRITE, FPDF_FORMFILLINFO, FPDF_FORMHANDLE, FPDF_LIBRARY_CONFIG, FPDF_PAGE,
    FPDF_SYSFONTINFO, FS_RECTF, FS_SIZEF, PdfBitmapFormat, Pdfium, PdfiumError, PdfiumInternalError,
    PdfiumLibraryBindings,
};
use render_api::{PageIndex, PixelFormat, Pixmap, RenderError};

/// The functions of PDFium, found in the library.
pub(crate) struct Functions {
    pdfium: Box<dyn PdfiumLibraryBindings>,
}

/// Why there are no functions.
pub(crate) enum BindError {
    Refused { reason: String },
    Lacks { function: String },
}

impl Functions {
    /// Loads the library and finds every function that the bindings declare.
    ///
    /// PDFium's initialisers set up C++ globals and ask for nothing. Whoever names another library has
    /// its initialisers run, as with any program that loads libraries.
    pub(crate) fn load(path: &Path) -> Result<Functions, BindError> {
        let pdfium = Pdfium::bind_to_library(path).map_err(bind_error)?;
        Ok(Functions { pdfium })
    }

    /// Starts PDFium, for as long as the process lives. Call it on one thread only.
    pub(crate) fn start(self) -> Engine {
        let pdfium = &**Box::leak(Box::new(self.pdfium));
        let no_font_directory = Box::leak(Box::new([ptr::null()]));
        let config = FPDF_LIBRARY_CONFIG {
            version: 2,
            m_pUserFontPaths: no_font_directory.as_mut_ptr(),
            m_pIsolate: ptr::null_mut(),
            m_v8EmbedderSlot: 0,
            m_pPlatform: ptr::null_mut(),
            // AGG, FreeType, and nothing that is optional; version 2 ends before these.
            m_RendererType: 0,
            m_FontLibraryType: 0,
            m_BrotliEnabled: 0,
            m_IsolatePerDocument: 0,
        };
        // SAFETY: the configuration is of the layout that its version promises, and longer; a second
        // call changes nothing. PDFium keeps the list of directories, which is never freed.
        unsafe { pdfium.FPDF_InitLibraryWithConfig(&config) };
        // PDFium asks this, and not the machine, for fonts.
        let fonts = Box::leak(Box::new(fonts()));
        // SAFETY: the structure is of the layout that its version promises, and is never freed;
        // each function may be null.
        unsafe { pdfium.FPDF_SetSystemFontInfo(fonts) };
        Engine { pdfium }
    }
}

/// Tells a library that lacks a function from one that cannot be loaded.
fn bind_error(error: PdfiumError) -> BindError {
    let reason = match error {
        // The error names the call that failed; its source is what the system's loader said.
        PdfiumError::LoadLibraryError(error) => {
            error.source().map_or_else(|| error.to_string(), ToString::to_string)
        }
        other => other.to_string(),
    };
    match reason.rsplit_once("undefined symbol: ") {
        // A library that lacks something else lacks what it needs itself.
        Some((_, function)) if function.starts_with("FPDF") || function.starts_with("FORM_") => {
            BindError::Lacks { function: function.to_owned() }
        }
        _ => BindError::Refused { reason },
    }
}

impl fmt::Debug for Functions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Functions")
    }
}

/// The fonts that PDFium may ask for: none, or one for Chinese, Japanese and Korean.
fn fonts() -> FPDF_SYSFONTINFO {
    FPDF_SYSFONTINFO {
        version: 1,
        Release: None,
        EnumFonts: None,
        #[cfg(not(feature = "cjk"))]
        MapFont: None,
        #[cfg(feature = "cjk")]
        MapFont: Some(cjk::map_font),
        GetFont: None,
        #[cfg(not(feature = "cjk"))]
        GetFontData: None,
        #[cfg(feature = "cjk")]
        GetFontData: Some(cjk::get_font_data),
        GetFaceName: None,
        GetFontCharset: None,
        DeleteFont: None,
    }
}

/// What PDFium calls to have a font. Nothing here can panic.
#[cfg(feature = "cjk")]
mod cjk {
    use std::ffi::{c_char, c_int, c_uchar, c_uint, c_ulong, c_void};
    use std::ptr;

    use pdfium_render::prelude::FPDF_SYSFONTINFO;

    use crate::cjk_tables::table;

    /// Shift JIS, Hangul, GB 2312 and Big 5, as Windows numbers them.
    const CHARSETS: [c_int; 4] = [128, 129, 134, 136];

    /// What stands for the font, and is not read.
    static FONT: u8 = 0;

    /// The font, if it has the characters.
    pub(super) unsafe extern "C" fn map_font(
        _this: *mut FPDF_SYSFONTINFO,
        _weight: c_int,
        _italic: c_int,
        charset: c_int,
        _pitch_and_family: c_int,
        _face: *const c_char,
        _exact: *mut c_int,
    ) -> *mut c_void {
        if CHARSETS.contains(&charset) { ptr::from_ref(&FONT).cast_mut().cast() } else { ptr::null_mut() }
    }

    /// How large a table of the font is, and the table if there is room for it; 0 stands for the whole font.
    pub(super) unsafe extern "C" fn get_font_data(
        _this: *mut FPDF_SYSFONTINFO,
        _font: *mut c_void,
        tag: c_uint,
        buffer: *mut c_uchar,
        buffer_bytes: c_ulong,
    ) -> c_ulong {
        let font = cjk_font::bytes();
        let data = if tag == 0 { Some(font) } else { table(font, tag) }.unwrap_or_default();
        if !buffer.is_null() && data.len() as c_ulong <= buffer_bytes {
            // SAFETY: PDFium says that the buffer has so many bytes, and it is not the font.
            unsafe { ptr::copy_nonoverlapping(data.as_ptr(), buffer, data.len()) };
        }
        data.len() as c_ulong
    }
}

/// PDFium, started.
#[derive(Clone, Copy)]
pub(crate) struct Engine {
    pdfium: &'static dyn PdfiumLibraryBindings,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Engine")
    }
}

/// A rectangle `[x0, y0, x1, y1]` in pt.
pub(crate) type Box4 = [f64; 4];

/// A box that a page may have in its own dictionary.
#[derive(Clone, Copy)]
pub(crate) enum OwnBox {
    Media,
    Crop,
    Trim,
    Bleed,
    Art,
}

/// A document that is open in PDFium, and its loaded page.
pub(crate) struct Handle<'a> {
    pdfium: &'static dyn PdfiumLibraryBindings,
    document: FPDF_DOCUMENT,
    /// Null if none is loaded.
    page: FPDF_PAGE,
    form: FormEnvironment,
    /// PDFium reads from these bytes for as long as the document is open.
    _pdf: Cow<'a, [u8]>,
}

/// What draws form fields.
enum FormEnvironment {
    /// Nobody has asked for form fields yet.
    NotAsked,
    /// The document has no form.
    None,
    /// PDFium keeps a pointer to the structure, and writes to it.
    Set { form: FPDF_FORMHANDLE, info: *mut FPDF_FORMFILLINFO },
}

impl<'a> Handle<'a> {
    /// Opens a document.
    pub(crate) fn open(
        engine: Engine,
        pdf: Cow<'a, [u8]>,
        password: Option<&str>,
    ) -> Result<Handle<'a>, RenderError> {
        let pdfium = engine.pdfium;
        // No password contains a NUL: such a one is wrong if the document needs any.
        let given = password.filter(|password| !password.contains('\0'));
        let mut error = 0;
        // A document that needs no password opens with any.
        for password in [given, None] {
            // SAFETY: `pdf` stays with the handle, and its bytes stay where they are.
            let document = unsafe { pdfium.FPDF_LoadMemDocument64(&pdf, password) };
            if !document.is_null() {
                let form = FormEnvironment::NotAsked;
                return Ok(Handle { pdfium, document, page: ptr::null_mut(), form, _pdf: pdf });
            }
            // SAFETY: the call takes nothing.
            error = unsafe { pdfium.FPDF_GetLastError() };
            if error != ERROR_PASSWORD {
                break;
            }
        }
        Err(open_error(error, password.is_some()))
    }

    /// How many pages PDFium says there are, which is what `/Count` says unless that is absurd.
    pub(crate) fn claimed_page_count(&self) -> u32 {
        // SAFETY: the document is open.
        let count = unsafe { self.pdfium.FPDF_GetPageCount(self.document) };
        u32::try_from(count).unwrap_or(0)
    }

    /// Whether there is a page; it is not parsed for that.
    pub(crate) fn has_page(&self, page: PageIndex) -> bool {
        let index = c_int::try_from(page.0).unwrap_or(c_int::MAX);
        let mut size = FS_SIZEF { width: 0.0, height: 0.0 };
        // SAFETY: the document is open; an index without a page is refused; the place to write to is valid.
        unsafe { self.pdfium.FPDF_GetPageSizeByIndexF(self.document, index, &mut size) != 0 }
    }

    /// Loads a page, in place of the one that was loaded before.
    pub(crate) fn load_page(&mut self, page: PageIndex) -> Result<(), RenderError> {
        self.close_page();
        let index = c_int::try_from(page.0).unwrap_or(c_int::MAX);
        // SAFETY: the document is open; an index without a page gives NULL.
        self.page = unsafe { self.pdfium.FPDF_LoadPage(self.document, index) };
        if self.page.is_null() {
            return Err(RenderError::Malformed { detail: "PDFium cannot load the page".to_owned() });
        }
        if let FormEnvironment::Set { form, .. } = self.form {
            // SAFETY: the page and the form environment are of this document, and alive.
            unsafe { self.pdfium.FORM_OnAfterLoadPage(self.page, form) };
        }
        Ok(())
    }

    /// The box that PDFium takes for the page: the crop box, cut to the media box.
    pub(crate) fn bounding_box(&self) -> Box4 {
        let mut rect = FS_RECTF { left: 0.0, top: 0.0, right: 0.0, bottom: 0.0 };
        // SAFETY: the page is loaded or NULL, which is refused; the place to write to is valid.
        unsafe { self.pdfium.FPDF_GetPageBoundingBox(self.page, &mut rect) };
        [rect.left, rect.bottom, rect.right, rect.top].map(f64::from)
    }

    /// A box that the page has itself, as the file has it.
    pub(crate) fn own_box(&self, which: OwnBox) -> Option<Box4> {
        let get = match which {
            OwnBox::Media => <dyn PdfiumLibraryBindings>::FPDFPage_GetMediaBox,
            OwnBox::Crop => <dyn PdfiumLibraryBindings>::FPDFPage_GetCropBox,
            OwnBox::Trim => <dyn PdfiumLibraryBindings>::FPDFPage_GetTrimBox,
            OwnBox::Bleed => <dyn PdfiumLibraryBindings>::FPDFPage_GetBleedBox,
            OwnBox::Art => <dyn PdfiumLibraryBindings>::FPDFPage_GetArtBox,
        };
        let [mut left, mut bottom, mut right, mut top] = [0.0; 4];
        // SAFETY: the page is loaded or NULL, which is refused; the places to write to are valid.
        let found = unsafe { get(self.pdfium, self.page, &mut left, &mut bottom, &mut right, &mut top) };
        (found != 0).then(|| [left, bottom, right, top].map(f64::from))
    }

    /// Gives the page this crop box, in memory; its bounding box follows.
    pub(crate) fn set_crop_box(&mut self, [x0, y0, x1, y1]: Box4) {
        // SAFETY: the page is loaded or NULL, which is refused.
        unsafe { self.pdfium.FPDFPage_SetCropBox(self.page, x0 as f32, y0 as f32, x1 as f32, y1 as f32) };
    }

    /// Gives the page this media box and crop box, in memory; its bounding box follows.
    pub(crate) fn set_page_boxes(&mut self, page_box: Box4) {
        let [x0, y0, x1, y1] = page_box;
        // SAFETY: the page is loaded or NULL, which is refused.
        unsafe { self.pdfium.FPDFPage_SetMediaBox(self.page, x0 as f32, y0 as f32, x1 as f32, y1 as f32) };
        self.set_crop_box(page_box);
    }

    /// Clockwise quarter turns.
    pub(crate) fn rotation(&self) -> c_int {
        // SAFETY: the page is loaded or NULL, which is refused.
        unsafe { self.pdfium.FPDFPage_GetRotation(self.page) }
    }

    /// Draws the loaded page over `out`, so that its bounding box fills the image.
    pub(crate) fn draw_page(&mut self, annotations: bool, out: &mut Pixmap) -> Result<(), RenderError> {
        if self.page.is_null() {
            return Err(RenderError::Backend { detail: "no page is loaded".to_owned() });
        }
        let bytes = out.bytes() as u64;
        // PDFium counts the bytes of an image in a C int.
        let max_bytes = i32::MAX as u64;
        if bytes > max_bytes {
            return Err(RenderError::LimitExceeded {
                what: "image size in bytes",
                value: bytes,
                limit: max_bytes,
            });
        }
        let form = if annotations { self.form() } else { None };
        let format =
            if out.format() == PixelFormat::Rgba8 { PdfBitmapFormat::BGRA } else { PdfBitmapFormat::BGRx };
        let (width, height) = (out.width_px() as c_int, out.height_px() as c_int);
        let stride = out.stride() as c_int;
        let flags = REVERSE_BYTE_ORDER | if annotations { ANNOTATIONS } else { 0 };
        let pdfium = self.pdfium;
        // SAFETY: the pointer is to height × stride bytes, which a `Pixmap` guarantees for its sides
        // and format (4 bytes a pixel: the caller has refused RGB), and which no one else uses until
        // the bitmap is destroyed; PDFium does not free memory that it was given. The page and the
        // form environment are of this document, and alive.
        unsafe {
            let pixels = out.data_mut().as_mut_ptr().cast();
            let bitmap = pdfium.FPDFBitmap_CreateEx(width, height, format as c_int, pixels, stride);
            if bitmap.is_null() {
                let detail = format!("PDFium makes no image of {width} × {height} px");
                return Err(RenderError::Backend { detail });
            }
            pdfium.FPDF_RenderPageBitmap(bitmap, self.page, 0, 0, width, height, 0, flags);
            if let Some(form) = form {
                pdfium.FPDF_FFLDraw(form, bitmap, self.page, 0, 0, width, height, 0, flags);
            }
            pdfium.FPDFBitmap_Destroy(bitmap);
        }
        Ok(())
    }

    /// A document of one page: a copy of the page with this index, as PDFium writes it.
    pub(crate) fn copy_of_page(&mut self, page: PageIndex) -> Option<Vec<u8>> {
        let index = c_int::try_from(page.0).ok()?;
        let interface = FPDF_FILEWRITE { version: 1, WriteBlock: Some(write_block) };
        let mut writer = Writer { interface, bytes: Vec::new() };
        // SAFETY: both documents are open; there is one index, and it is read during the call; the
        // writer begins with what PDFium knows of it, and is used during the call.
        let complete = unsafe {
            let copy = self.pdfium.FPDF_CreateNewDocument();
            if copy.is_null() {
                return None;
            }
            let complete = self.pdfium.FPDF_ImportPagesByIndex(copy, self.document, &index, 1, 0) != 0
                && self.pdfium.FPDF_SaveAsCopy(copy, (&raw mut writer).cast(), SAVE_WHOLE) != 0;
            self.pdfium.FPDF_CloseDocument(copy);
            complete
        };
        complete.then_some(writer.bytes)
    }

    /// What draws form fields, set up when it is first needed; none if the document has no form.
    fn form(&mut self) -> Option<FPDF_FORMHANDLE> {
        if let FormEnvironment::NotAsked = self.form {
            self.form = self.form_environment();
            if let FormEnvironment::Set { form, .. } = self.form {
                // SAFETY: the page is loaded, and of the same document as the form environment.
                unsafe { self.pdfium.FORM_OnAfterLoadPage(self.page, form) };
            }
        }
        match self.form {
            FormEnvironment::Set { form, .. } => Some(form),
            FormEnvironment::NotAsked | FormEnvironment::None => None,
        }
    }

    fn form_environment(&self) -> FormEnvironment {
        // SAFETY: the document is open.
        if unsafe { self.pdfium.FPDF_GetFormType(self.document) } == 0 {
            return FormEnvironment::None;
        }
        // SAFETY: the structure is of numbers, pointers and optional functions, each of which may be 0.
        let nothing = unsafe { mem::zeroed::<FPDF_FORMFILLINFO>() };
        // No function and no JavaScript platform: nothing of a form can call back.
        let info = Box::into_raw(Box::new(FPDF_FORMFILLINFO { version: 1, ..nothing }));
        // SAFETY: the document is open; the structure is of the layout that its version promises, and
        // longer, and is freed after the environment that uses it.
        unsafe {
            let form = self.pdfium.FPDFDOC_InitFormFillEnvironment(self.document, info);
            if form.is_null() {
                drop(Box::from_raw(info));
                return FormEnvironment::None;
            }
            // The colour behind fields is for those who fill them in.
            self.pdfium.FPDF_SetFormFieldHighlightAlpha(form, 0);
            FormEnvironment::Set { form, info }
        }
    }

    fn close_page(&mut self) {
        if self.page.is_null() {
            return;
        }
        // SAFETY: the page and the form environment are alive, and this is the last use of the page.
        unsafe {
            if let FormEnvironment::Set { form, .. } = self.form {
                self.pdfium.FORM_OnBeforeClosePage(self.page, form);
            }
            self.pdfium.FPDF_ClosePage(self.page);
        }
        self.page = ptr::null_mut();
    }
}

impl Drop for Handle<'_> {
    fn drop(&mut self) {
        self.close_page();
        // SAFETY: the environment, its structure and the document are alive, and this is the last use
        // of each, in the order in which PDFium wants them gone.
        unsafe {
            if let FormEnvironment::Set { form, info } = self.form {
                self.pdfium.FPDFDOC_ExitFormFillEnvironment(form);
                drop(Box::from_raw(info));
            }
            self.pdfium.FPDF_CloseDocument(self.document);
        }
    }
}

/// What PDFium writes with, and what is written. PDFium knows the first field only.
#[repr(C)]
struct Writer {
    interface: FPDF_FILEWRITE,
    bytes: Vec<u8>,
}

/// Takes what PDFium writes. It can fail, and not panic.
unsafe extern "C" fn write_block(
    interface: *mut FPDF_FILEWRITE,
    data: *const c_void,
    bytes: c_ulong,
) -> c_int {
    let Ok(length) = usize::try_from(bytes) else { return 0 };
    if data.is_null() || length == 0 {
        return 1;
    }
    let writer: *mut Writer = interface.cast();
    // SAFETY: PDFium hands back the writer that it was given, which nobody else uses meanwhile, and
    // so many bytes of data.
    let (kept, data) = unsafe { (&mut (*writer).bytes, std::slice::from_raw_parts(data.cast(), length)) };
    if kept.try_reserve(length).is_err() {
        return 0;
    }
    kept.extend_from_slice(data);
    1
}

fn open_error(error: c_ulong, password_given: bool) -> RenderError {
    let malformed = |detail: &str| RenderError::Malformed { detail: detail.to_owned() };
    match error {
        ERROR_PASSWORD => RenderError::Encrypted { password_given },
        ERROR_SECURITY => {
            RenderError::Unsupported { detail: "a security handler that PDFium does not know".to_owned() }
        }
        ERROR_FORMAT => malformed("PDFium finds no PDF, or one that it cannot repair"),
        ERROR_PAGE => malformed("PDFium finds no page"),
        other => malformed(&format!("PDFium's error {other}")),
    }
}

const ERROR_FORMAT: c_ulong = PdfiumInternalError::FormatError as c_ulong;
const ERROR_PASSWORD: c_ulong = PdfiumInternalError::PasswordError as c_ulong;
const ERROR_SECURITY: c_ulong = PdfiumInternalError::SecurityError as c_ulong;
const ERROR_PAGE: c_ulong = PdfiumInternalError::PageError as c_ulong;

// What follows mirrors PDFium's public headers: `pdfium-render` keeps these to itself.

const ANNOTATIONS: c_int = 0x01;
const REVERSE_BYTE_ORDER: c_int = 0x10;

/// Not as an update of another file.
const SAVE_WHOLE: c_ulong = 2;
