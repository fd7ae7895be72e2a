//! The calls into PDFium, and nothing else that is unsafe.

#![allow(unsafe_code, reason = "the only module that calls C")]

use std::borrow::Cow;
use std::ffi::{CString, c_char, c_int, c_uchar, c_uint, c_ulong, c_void};
use std::fmt;
use std::path::Path;
use std::ptr;

use render_api::{PageIndex, PixelFormat, Pixmap, RenderError};

/// Declares the functions of PDFium that are used, and how they are found in the library.
macro_rules! functions {
    ($(fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?;)+) => {
        /// The functions of PDFium that are used.
        #[allow(non_snake_case, reason = "the names are PDFium's")]
        struct Table {
            $($name: unsafe extern "C" fn($($argument: $type),*) $(-> $result)?,)+
        }

        impl Table {
            fn find_in(library: &libloading::Library) -> Result<Table, &'static str> {
                Ok(Table {
                    // SAFETY: the type of each function is the one that PDFium's public headers
                    // declare, which have kept it for years; the name of a C function says nothing
                    // of its type, so this is where a wrong library would go unnoticed.
                    $($name: *unsafe { library.get(stringify!($name)) }.map_err(|_| stringify!($name))?,)+
                })
            }
        }
    };
}

functions! {
    fn FPDF_InitLibraryWithConfig(config: *const LibraryConfig);
    fn FPDF_SetSystemFontInfo(info: *mut SystemFontInfo);
    fn FPDF_GetLastError() -> c_ulong;
    fn FPDF_LoadMemDocument64(data: *const c_void, bytes: usize, password: *const c_char) -> Document;
    fn FPDF_CloseDocument(document: Document);
    fn FPDF_GetPageCount(document: Document) -> c_int;
    fn FPDF_GetPageSizeByIndexF(document: Document, index: c_int, size: *mut f32) -> c_int;
    fn FPDF_LoadPage(document: Document, index: c_int) -> Page;
    fn FPDF_ClosePage(page: Page);
    fn FPDF_GetPageBoundingBox(page: Page, rect: *mut Rect) -> c_int;
    fn FPDFPage_GetMediaBox(page: Page, l: *mut f32, b: *mut f32, r: *mut f32, t: *mut f32) -> c_int;
    fn FPDFPage_GetCropBox(page: Page, l: *mut f32, b: *mut f32, r: *mut f32, t: *mut f32) -> c_int;
    fn FPDFPage_GetTrimBox(page: Page, l: *mut f32, b: *mut f32, r: *mut f32, t: *mut f32) -> c_int;
    fn FPDFPage_GetBleedBox(page: Page, l: *mut f32, b: *mut f32, r: *mut f32, t: *mut f32) -> c_int;
    fn FPDFPage_GetArtBox(page: Page, l: *mut f32, b: *mut f32, r: *mut f32, t: *mut f32) -> c_int;
    fn FPDFPage_SetMediaBox(page: Page, l: f32, b: f32, r: f32, t: f32);
    fn FPDFPage_SetCropBox(page: Page, l: f32, b: f32, r: f32, t: f32);
    fn FPDFPage_GetRotation(page: Page) -> c_int;
    fn FPDFBitmap_CreateEx(w: c_int, h: c_int, format: c_int, first: *mut c_void, stride: c_int) -> Bitmap;
    fn FPDFBitmap_Destroy(bitmap: Bitmap);
    fn FPDF_RenderPageBitmap(bitmap: Bitmap, page: Page, x: c_int, y: c_int, w: c_int, h: c_int, rotate: c_int, flags: c_int);
    fn FPDF_CreateNewDocument() -> Document;
    fn FPDF_ImportPagesByIndex(to: Document, from: Document, pages: *const c_int, count: c_ulong, at: c_int) -> c_int;
    fn FPDF_SaveAsCopy(document: Document, writer: *mut FileWrite, flags: c_ulong) -> c_int;
    fn FPDF_GetFormType(document: Document) -> c_int;
    fn FPDFDOC_InitFormFillEnvironment(document: Document, info: *mut FormFillInfo) -> Form;
    fn FPDFDOC_ExitFormFillEnvironment(form: Form);
    fn FPDF_SetFormFieldHighlightAlpha(form: Form, alpha: c_uchar);
    fn FORM_OnAfterLoadPage(page: Page, form: Form);
    fn FORM_OnBeforeClosePage(page: Page, form: Form);
    fn FPDF_FFLDraw(form: Form, bitmap: Bitmap, page: Page, x: c_int, y: c_int, w: c_int, h: c_int, rotate: c_int, flags: c_int);
}

/// The functions, and the library that they are in.
pub(crate) struct Functions {
    table: Table,
    /// The functions are gone when this is dropped.
    _library: libloading::Library,
}

/// Why there are no functions.
pub(crate) enum BindError {
    Refused { reason: String },
    Lacks { function: &'static str },
}

impl Functions {
    /// Loads the library.
    pub(crate) fn load(path: &Path) -> Result<Functions, BindError> {
        // SAFETY: PDFium's initialisers set up C++ globals and ask for nothing. Whoever names another
        // library has its initialisers run, as with any program that loads libraries.
        let library = unsafe { libloading::Library::new(path) }
            .map_err(|error| BindError::Refused { reason: error.to_string() })?;
        let table = Table::find_in(&library).map_err(|function| BindError::Lacks { function })?;
        Ok(Functions { table, _library: library })
    }

    /// Starts PDFium, for as long as the process lives. Call it on one thread only.
    pub(crate) fn start(self) -> Engine {
        let pdfium = &Box::leak(Box::new(self)).table;
        let no_font_directory = Box::leak(Box::new([ptr::null::<c_char>()]));
        let config = LibraryConfig {
            version: 2,
            user_font_paths: no_font_directory.as_ptr(),
            isolate: ptr::null_mut(),
            embedder_slot: 0,
            platform: ptr::null_mut(),
            renderer_type: RENDERER_AGG,
            reserved: [0; 8],
        };
        // SAFETY: the configuration is of the layout that its version promises, and longer; a second
        // call changes nothing. PDFium keeps the list of directories, which is never freed.
        unsafe { (pdfium.FPDF_InitLibraryWithConfig)(&config) };
        // PDFium asks this, and not the machine, for fonts.
        let fonts = Box::leak(Box::new(fonts()));
        // SAFETY: the structure is of the layout that its version promises, and is never freed;
        // each function may be null.
        unsafe { (pdfium.FPDF_SetSystemFontInfo)(fonts) };
        Engine { pdfium }
    }
}

impl fmt::Debug for Functions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Functions")
    }
}

/// The fonts that PDFium may ask for: none.
#[cfg(not(feature = "cjk"))]
fn fonts() -> SystemFontInfo {
    SystemFontInfo {
        version: 1,
        release: None,
        enumerate: None,
        map_font: None,
        get_font: None,
        get_font_data: None,
        get_face_name: None,
        get_font_charset: None,
        delete_font: None,
    }
}

/// The fonts that PDFium may ask for: one, for Chinese, Japanese and Korean.
#[cfg(feature = "cjk")]
fn fonts() -> SystemFontInfo {
    SystemFontInfo {
        version: 1,
        release: None,
        enumerate: None,
        map_font: Some(cjk::map_font),
        get_font: None,
        get_font_data: Some(cjk::get_font_data),
        get_face_name: None,
        get_font_charset: None,
        delete_font: None,
    }
}

/// What PDFium calls to have a font. Nothing here can panic.
#[cfg(feature = "cjk")]
mod cjk {
    use super::{SystemFontInfo, c_char, c_int, c_uchar, c_uint, c_ulong, c_void, ptr};
    use crate::cjk_tables::table;

    /// Shift JIS, Hangul, GB 2312 and Big 5, as Windows numbers them.
    const CHARSETS: [c_int; 4] = [128, 129, 134, 136];

    /// What stands for the font, and is not read.
    static FONT: u8 = 0;

    /// The font, if it has the characters.
    pub(super) unsafe extern "C" fn map_font(
        _this: *mut SystemFontInfo,
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
        _this: *mut SystemFontInfo,
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
    pdfium: &'static Table,
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
    pdfium: &'static Table,
    document: Document,
    /// Null if none is loaded.
    page: Page,
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
    Set { form: Form, info: *mut FormFillInfo },
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
        let c_password = password.and_then(|p| CString::new(p).ok());
        // A document that needs no password opens with any.
        let passwords = [c_password.as_ref().map_or(ptr::null(), |p| p.as_ptr()), ptr::null()];
        let mut error = 0;
        for password in passwords {
            // SAFETY: `pdf` stays with the handle, and its bytes stay where they are; the password is NULL or ends with a zero.
            let document =
                unsafe { (pdfium.FPDF_LoadMemDocument64)(pdf.as_ptr().cast(), pdf.len(), password) };
            if !document.is_null() {
                let form = FormEnvironment::NotAsked;
                return Ok(Handle { pdfium, document, page: ptr::null_mut(), form, _pdf: pdf });
            }
            // SAFETY: the call takes nothing.
            error = unsafe { (pdfium.FPDF_GetLastError)() };
            if error != ERROR_PASSWORD {
                break;
            }
        }
        Err(open_error(error, password.is_some()))
    }

    /// How many pages PDFium says there are, which is what `/Count` says unless that is absurd.
    pub(crate) fn claimed_page_count(&self) -> u32 {
        // SAFETY: the document is open.
        let count = unsafe { (self.pdfium.FPDF_GetPageCount)(self.document) };
        u32::try_from(count).unwrap_or(0)
    }

    /// Whether there is a page; it is not parsed for that.
    pub(crate) fn has_page(&self, page: PageIndex) -> bool {
        let index = c_int::try_from(page.0).unwrap_or(c_int::MAX);
        let mut size = [0.0_f32; 2];
        // SAFETY: the document is open; an index without a page is refused; the place to write to is
        // as large as the structure of two floats that PDFium fills.
        unsafe { (self.pdfium.FPDF_GetPageSizeByIndexF)(self.document, index, size.as_mut_ptr()) != 0 }
    }

    /// Loads a page, in place of the one that was loaded before.
    pub(crate) fn load_page(&mut self, page: PageIndex) -> Result<(), RenderError> {
        self.close_page();
        let index = c_int::try_from(page.0).unwrap_or(c_int::MAX);
        // SAFETY: the document is open; an index without a page gives NULL.
        self.page = unsafe { (self.pdfium.FPDF_LoadPage)(self.document, index) };
        if self.page.is_null() {
            return Err(RenderError::Malformed { detail: "PDFium cannot load the page".to_owned() });
        }
        if let FormEnvironment::Set { form, .. } = self.form {
            // SAFETY: the page and the form environment are of this document, and alive.
            unsafe { (self.pdfium.FORM_OnAfterLoadPage)(self.page, form) };
        }
        Ok(())
    }

    /// The box that PDFium takes for the page: the crop box, cut to the media box.
    pub(crate) fn bounding_box(&self) -> Box4 {
        let mut rect = Rect::default();
        // SAFETY: the page is loaded or NULL, which is refused; the place to write to is valid.
        unsafe { (self.pdfium.FPDF_GetPageBoundingBox)(self.page, &mut rect) };
        [rect.left, rect.bottom, rect.right, rect.top].map(f64::from)
    }

    /// A box that the page has itself, as the file has it.
    pub(crate) fn own_box(&self, which: OwnBox) -> Option<Box4> {
        let get = match which {
            OwnBox::Media => self.pdfium.FPDFPage_GetMediaBox,
            OwnBox::Crop => self.pdfium.FPDFPage_GetCropBox,
            OwnBox::Trim => self.pdfium.FPDFPage_GetTrimBox,
            OwnBox::Bleed => self.pdfium.FPDFPage_GetBleedBox,
            OwnBox::Art => self.pdfium.FPDFPage_GetArtBox,
        };
        let [mut left, mut bottom, mut right, mut top] = [0.0; 4];
        // SAFETY: the page is loaded or NULL, which is refused; the places to write to are valid.
        let found = unsafe { get(self.page, &mut left, &mut bottom, &mut right, &mut top) };
        (found != 0).then(|| [left, bottom, right, top].map(f64::from))
    }

    /// Gives the page this crop box, in memory; its bounding box follows.
    pub(crate) fn set_crop_box(&mut self, [x0, y0, x1, y1]: Box4) {
        // SAFETY: the page is loaded or NULL, which is refused.
        unsafe { (self.pdfium.FPDFPage_SetCropBox)(self.page, x0 as f32, y0 as f32, x1 as f32, y1 as f32) };
    }

    /// Gives the page this media box and crop box, in memory; its bounding box follows.
    pub(crate) fn set_page_boxes(&mut self, page_box: Box4) {
        let [x0, y0, x1, y1] = page_box;
        // SAFETY: the page is loaded or NULL, which is refused.
        unsafe { (self.pdfium.FPDFPage_SetMediaBox)(self.page, x0 as f32, y0 as f32, x1 as f32, y1 as f32) };
        self.set_crop_box(page_box);
    }

    /// Clockwise quarter turns.
    pub(crate) fn rotation(&self) -> c_int {
        // SAFETY: the page is loaded or NULL, which is refused.
        unsafe { (self.pdfium.FPDFPage_GetRotation)(self.page) }
    }

    /// Draws the loaded page over `out`, so that its bounding box fills the image.
    pub(crate) fn draw_page(&mut self, annotations: bool, out: &mut Pixmap) -> Result<(), RenderError> {
        if self.page.is_null() {
            return Err(RenderError::Backend { detail: "no page is loaded".to_owned() });
        }
        let bytes = out.data().len() as u64;
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
        let format = if out.format() == PixelFormat::Rgba8 { BITMAP_BGRA } else { BITMAP_BGRX };
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
            let bitmap = (pdfium.FPDFBitmap_CreateEx)(width, height, format, pixels, stride);
            if bitmap.is_null() {
                let detail = format!("PDFium makes no image of {width} × {height} px");
                return Err(RenderError::Backend { detail });
            }
            (pdfium.FPDF_RenderPageBitmap)(bitmap, self.page, 0, 0, width, height, 0, flags);
            if let Some(form) = form {
                (pdfium.FPDF_FFLDraw)(form, bitmap, self.page, 0, 0, width, height, 0, flags);
            }
            (pdfium.FPDFBitmap_Destroy)(bitmap);
        }
        Ok(())
    }

    /// A document of one page: a copy of the page with this index, as PDFium writes it.
    pub(crate) fn copy_of_page(&mut self, page: PageIndex) -> Option<Vec<u8>> {
        let index = c_int::try_from(page.0).ok()?;
        let mut writer = FileWrite { version: 1, write_block, bytes: Vec::new() };
        // SAFETY: both documents are open; there is one index, and it is read during the call; the
        // writer is of the layout that its version promises, and longer, and is used during the call.
        let complete = unsafe {
            let copy = (self.pdfium.FPDF_CreateNewDocument)();
            if copy.is_null() {
                return None;
            }
            let complete = (self.pdfium.FPDF_ImportPagesByIndex)(copy, self.document, &index, 1, 0) != 0
                && (self.pdfium.FPDF_SaveAsCopy)(copy, &mut writer, SAVE_WHOLE) != 0;
            (self.pdfium.FPDF_CloseDocument)(copy);
            complete
        };
        complete.then_some(writer.bytes)
    }

    /// What draws form fields, set up when it is first needed; none if the document has no form.
    fn form(&mut self) -> Option<Form> {
        if let FormEnvironment::NotAsked = self.form {
            self.form = self.form_environment();
            if let FormEnvironment::Set { form, .. } = self.form {
                // SAFETY: the page is loaded, and of the same document as the form environment.
                unsafe { (self.pdfium.FORM_OnAfterLoadPage)(self.page, form) };
            }
        }
        match self.form {
            FormEnvironment::Set { form, .. } => Some(form),
            FormEnvironment::NotAsked | FormEnvironment::None => None,
        }
    }

    fn form_environment(&self) -> FormEnvironment {
        // SAFETY: the document is open.
        if unsafe { (self.pdfium.FPDF_GetFormType)(self.document) } == 0 {
            return FormEnvironment::None;
        }
        // No function and no JavaScript platform: nothing of a form can call back.
        let info = Box::into_raw(Box::new(FormFillInfo { version: 1, entries: [ptr::null_mut(); 48] }));
        // SAFETY: the document is open; the structure is of the layout that its version promises, and
        // longer, and is freed after the environment that uses it.
        unsafe {
            let form = (self.pdfium.FPDFDOC_InitFormFillEnvironment)(self.document, info);
            if form.is_null() {
                drop(Box::from_raw(info));
                return FormEnvironment::None;
            }
            // The colour behind fields is for those who fill them in.
            (self.pdfium.FPDF_SetFormFieldHighlightAlpha)(form, 0);
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
                (self.pdfium.FORM_OnBeforeClosePage)(self.page, form);
            }
            (self.pdfium.FPDF_ClosePage)(self.page);
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
                (self.pdfium.FPDFDOC_ExitFormFillEnvironment)(form);
                drop(Box::from_raw(info));
            }
            (self.pdfium.FPDF_CloseDocument)(self.document);
        }
    }
}

/// Takes what PDFium writes. It can fail, and not panic.
unsafe extern "C" fn write_block(writer: *mut FileWrite, data: *const c_void, bytes: c_ulong) -> c_int {
    let Ok(length) = usize::try_from(bytes) else { return 0 };
    if data.is_null() || length == 0 {
        return 1;
    }
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

// What follows mirrors PDFium's public headers.

const ERROR_FORMAT: c_ulong = 3;
const ERROR_PASSWORD: c_ulong = 4;
const ERROR_SECURITY: c_ulong = 5;
const ERROR_PAGE: c_ulong = 6;

const BITMAP_BGRX: c_int = 3;
const BITMAP_BGRA: c_int = 4;

const ANNOTATIONS: c_int = 0x01;
const REVERSE_BYTE_ORDER: c_int = 0x10;

/// Not as an update of another file.
const SAVE_WHOLE: c_ulong = 2;

const RENDERER_AGG: c_int = 0;

type Document = *mut OpaqueDocument;
type Page = *mut OpaquePage;
type Bitmap = *mut OpaqueBitmap;
type Form = *mut OpaqueForm;

#[repr(C)]
struct OpaqueDocument([u8; 0]);
#[repr(C)]
struct OpaquePage([u8; 0]);
#[repr(C)]
struct OpaqueBitmap([u8; 0]);
#[repr(C)]
struct OpaqueForm([u8; 0]);

#[repr(C)]
#[derive(Default)]
struct Rect {
    left: f32,
    top: f32,
    right: f32,
    bottom: f32,
}

/// `FPDF_LIBRARY_CONFIG` of version 2, and room for what later versions append.
#[repr(C)]
struct LibraryConfig {
    version: c_int,
    user_font_paths: *const *const c_char,
    isolate: *mut c_void,
    embedder_slot: u32,
    platform: *mut c_void,
    renderer_type: c_int,
    reserved: [c_int; 8],
}

/// `FPDF_SYSFONTINFO` of version 1.
#[repr(C)]
struct SystemFontInfo {
    version: c_int,
    release: Option<unsafe extern "C" fn(this: *mut SystemFontInfo)>,
    enumerate: Option<unsafe extern "C" fn(this: *mut SystemFontInfo, mapper: *mut c_void)>,
    map_font: Option<MapFont>,
    get_font: Option<unsafe extern "C" fn(this: *mut SystemFontInfo, face: *const c_char) -> *mut c_void>,
    get_font_data: Option<GetFontData>,
    get_face_name: Option<GetFaceName>,
    get_font_charset: Option<unsafe extern "C" fn(this: *mut SystemFontInfo, font: *mut c_void) -> c_int>,
    delete_font: Option<unsafe extern "C" fn(this: *mut SystemFontInfo, font: *mut c_void)>,
}

type MapFont = unsafe extern "C" fn(
    this: *mut SystemFontInfo,
    weight: c_int,
    italic: c_int,
    charset: c_int,
    pitch_and_family: c_int,
    face: *const c_char,
    exact: *mut c_int,
) -> *mut c_void;

type GetFontData = unsafe extern "C" fn(
    this: *mut SystemFontInfo,
    font: *mut c_void,
    table: c_uint,
    buffer: *mut c_uchar,
    buffer_bytes: c_ulong,
) -> c_ulong;

type GetFaceName = unsafe extern "C" fn(
    this: *mut SystemFontInfo,
    font: *mut c_void,
    buffer: *mut c_char,
    buffer_bytes: c_ulong,
) -> c_ulong;

/// `FPDF_FILEWRITE` of version 1, and what is written.
#[repr(C)]
struct FileWrite {
    version: c_int,
    write_block: unsafe extern "C" fn(writer: *mut FileWrite, data: *const c_void, bytes: c_ulong) -> c_int,
    bytes: Vec<u8>,
}

/// `FPDF_FORMFILLINFO` without any function, and room for what later versions append.
#[repr(C)]
struct FormFillInfo {
    version: c_int,
    entries: [*mut c_void; 48],
}
