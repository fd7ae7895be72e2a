//! What a document of the corpus is, and the list of all of them.

use std::fmt;
use std::str::FromStr;

use crate::{cjk, forms, mixed, office, photo, poster, print, scan, shading, slides, text, vector};

/// A document that every engine must draw.
#[derive(Debug, Clone, Copy)]
pub struct Document {
    /// The name used in benchmarks, on the command line and, with `.pdf`, as the file name.
    pub id: &'static str,
    /// What kind of document it is.
    pub class: Class,
    /// The number of pages.
    pub pages: u32,
    /// The file of the code that makes it, from the repository's root.
    pub origin: &'static str,
    /// What it exercises, in one sentence.
    pub exercises: &'static str,
    /// Whether it is too large to be made by default.
    pub on_demand: bool,
    pub(crate) generate: fn() -> Vec<u8>,
}

impl Document {
    /// Makes the document: the same bytes each time.
    pub fn bytes(&self) -> Vec<u8> {
        (self.generate)()
    }

    /// The file name that it has on disk.
    pub fn file_name(&self) -> String {
        format!("{}.pdf", self.id)
    }
}

/// Every document, grouped by class, the small ones of a class first.
pub fn documents() -> &'static [Document] {
    &DOCUMENTS
}

/// The document of that id.
pub fn document(id: &str) -> Option<&'static Document> {
    DOCUMENTS.iter().find(|document| document.id == id)
}

/// What kind of work a document is for an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Glyphs of embedded fonts, of an alphabet or of East Asia, and hardly anything else.
    Text,
    /// What word processors print: ruled and shaded tables, lists, a logo on each page.
    Office,
    /// Slides of a talk: gradients, shadows and pictures on wide pages.
    Slides,
    /// Thousands of paths, with clips, dashes and transparency.
    Vector,
    /// Smooth transitions of colour, by functions and by meshes.
    Shading,
    /// One image of a sheet of paper to a page, in gray or colour.
    Scan,
    /// One image of a sheet of paper to a page, in black and white alone.
    Bilevel,
    /// One large colour photograph to a page.
    Photo,
    /// Form fields and annotations.
    Forms,
    /// Pages of many sizes, rotations and boxes.
    Mixed,
    /// One page of some square metre.
    Poster,
    /// Inks and colour profiles, for a printing press.
    Print,
}

impl Class {
    /// Every class.
    pub const ALL: [Class; 12] = [
        Class::Text,
        Class::Office,
        Class::Slides,
        Class::Vector,
        Class::Shading,
        Class::Scan,
        Class::Bilevel,
        Class::Photo,
        Class::Forms,
        Class::Mixed,
        Class::Poster,
        Class::Print,
    ];

    /// The name used in the manifest and in benchmark ids.
    pub fn as_str(self) -> &'static str {
        match self {
            Class::Text => "text",
            Class::Office => "office",
            Class::Slides => "slides",
            Class::Vector => "vector",
            Class::Shading => "shading",
            Class::Scan => "scan",
            Class::Bilevel => "bilevel",
            Class::Photo => "photo",
            Class::Forms => "forms",
            Class::Mixed => "mixed",
            Class::Poster => "poster",
            Class::Print => "print",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Class {
    type Err = ();

    fn from_str(s: &str) -> Result<Self, ()> {
        Class::ALL.into_iter().find(|class| class.as_str() == s).ok_or(())
    }
}

static DOCUMENTS: [Document; 28] = [
    Document {
        id: "text-1",
        class: Class::Text,
        pages: 1,
        origin: "corpus/src/text.rs",
        exercises: "One dense page in embedded subsets of CFF fonts.",
        on_demand: false,
        generate: || text::article(1),
    },
    Document {
        id: "text-20",
        class: Class::Text,
        pages: 20,
        origin: "corpus/src/text.rs",
        exercises: "Twenty dense pages that share their fonts.",
        on_demand: false,
        generate: || text::article(20),
    },
    Document {
        id: "text-100",
        class: Class::Text,
        pages: 100,
        origin: "corpus/src/text.rs",
        exercises: "A hundred dense pages: the text benchmark.",
        on_demand: false,
        generate: || text::article(100),
    },
    Document {
        id: "text-300",
        class: Class::Text,
        pages: 300,
        origin: "corpus/src/text.rs",
        exercises: "Three hundred dense pages: between what is usual and what is long.",
        on_demand: true,
        generate: || text::article(300),
    },
    Document {
        id: "text-1000",
        class: Class::Text,
        pages: 1000,
        origin: "corpus/src/text.rs",
        exercises: "A thousand dense pages: memory must not grow with the page count.",
        on_demand: true,
        generate: || text::article(1000),
    },
    Document {
        id: "text-cjk",
        class: Class::Text,
        pages: 4,
        origin: "corpus/src/cjk.rs",
        exercises: "Chinese, Japanese and Korean in one subset of a TrueType font with hundreds of characters.",
        on_demand: false,
        generate: cjk::pages,
    },
    Document {
        id: "office-tables",
        class: Class::Office,
        pages: 7,
        origin: "corpus/src/office.rs",
        exercises: "Ruled, shaded tables over several pages, lists, a logo with a soft mask, CFF and TrueType fonts.",
        on_demand: false,
        generate: office::report,
    },
    Document {
        id: "slides",
        class: Class::Slides,
        pages: 8,
        origin: "corpus/src/slides.rs",
        exercises: "Gradients behind every page, large text, clipped pictures, shadows of translucent shapes.",
        on_demand: false,
        generate: slides::talk,
    },
    Document {
        id: "vector-map",
        class: Class::Vector,
        pages: 1,
        origin: "corpus/src/vector.rs",
        exercises: "Ten thousand filled, stroked and dashed paths under a clip.",
        on_demand: false,
        generate: vector::map,
    },
    Document {
        id: "vector-map-100k",
        class: Class::Vector,
        pages: 1,
        origin: "corpus/src/vector.rs",
        exercises: "A hundred thousand paths on one sheet of A2.",
        on_demand: true,
        generate: vector::city_map,
    },
    Document {
        id: "vector-charts",
        class: Class::Vector,
        pages: 2,
        origin: "corpus/src/vector.rs",
        exercises: "Charts: polylines, bars, thousands of markers, an axial gradient, light transparency.",
        on_demand: false,
        generate: vector::charts,
    },
    Document {
        id: "vector-alpha",
        class: Class::Vector,
        pages: 1,
        origin: "corpus/src/vector.rs",
        exercises: "Hundreds of overlapping translucent curves in blend modes and groups, and a soft mask.",
        on_demand: false,
        generate: vector::alpha,
    },
    Document {
        id: "shadings",
        class: Class::Shading,
        pages: 3,
        origin: "corpus/src/shading.rs",
        exercises: "Every type of shading, gradients as patterns, a mesh of 330 patches over a whole page.",
        on_demand: false,
        generate: shading::pages,
    },
    Document {
        id: "scan-gray",
        class: Class::Scan,
        pages: 2,
        origin: "corpus/src/scan.rs",
        exercises: "Full-page gray JPEG at 300 dpi.",
        on_demand: false,
        generate: scan::gray,
    },
    Document {
        id: "scan-color",
        class: Class::Scan,
        pages: 2,
        origin: "corpus/src/scan.rs",
        exercises: "Full-page colour JPEG at 300 dpi with subsampled chroma.",
        on_demand: false,
        generate: scan::color,
    },
    Document {
        id: "scan-gray-600",
        class: Class::Scan,
        pages: 1,
        origin: "corpus/src/scan.rs",
        exercises: "Full-page gray JPEG at 600 dpi.",
        on_demand: true,
        generate: scan::fine_gray,
    },
    Document {
        id: "scan-jpx",
        class: Class::Scan,
        pages: 1,
        origin: "corpus/src/scan.rs",
        exercises: "Full-page colour JPEG 2000 at 300 dpi, lossy.",
        on_demand: false,
        generate: scan::jpx,
    },
    Document {
        id: "scan-ccitt-300",
        class: Class::Bilevel,
        pages: 1,
        origin: "corpus/src/scan.rs",
        exercises: "Full-page bilevel image at 300 dpi, CCITT group 4.",
        on_demand: false,
        generate: scan::ccitt,
    },
    Document {
        id: "scan-ccitt-600",
        class: Class::Bilevel,
        pages: 1,
        origin: "corpus/src/scan.rs",
        exercises: "Full-page bilevel image at 600 dpi, CCITT group 4.",
        on_demand: true,
        generate: scan::fine_ccitt,
    },
    Document {
        id: "scan-jbig2",
        class: Class::Bilevel,
        pages: 1,
        origin: "corpus/src/scan.rs",
        exercises: "Full-page bilevel image at 300 dpi, JBIG2 with one generic region.",
        on_demand: false,
        generate: scan::jbig2,
    },
    Document {
        id: "photo-1",
        class: Class::Photo,
        pages: 1,
        origin: "corpus/src/photo.rs",
        exercises: "One colour JPEG of 12 megapixels that is scaled down.",
        on_demand: false,
        generate: photo::landscape,
    },
    Document {
        id: "forms-appearance",
        class: Class::Forms,
        pages: 1,
        origin: "corpus/src/forms.rs",
        exercises: "Text, checkbox, radio and choice fields with appearance streams.",
        on_demand: false,
        generate: || forms::fields(forms::Appearances::Given),
    },
    Document {
        id: "forms-bare",
        class: Class::Forms,
        pages: 1,
        origin: "corpus/src/forms.rs",
        exercises: "The same fields without appearance streams: the engine must make them.",
        on_demand: false,
        generate: || forms::fields(forms::Appearances::Missing),
    },
    Document {
        id: "annotations",
        class: Class::Forms,
        pages: 2,
        origin: "corpus/src/forms.rs",
        exercises: "Highlight, square, ink, link, stamp, free text and popup, with and without appearances.",
        on_demand: false,
        generate: forms::annotations,
    },
    Document {
        id: "mixed-pages",
        class: Class::Mixed,
        pages: 13,
        origin: "corpus/src/mixed.rs",
        exercises: "Sizes from 10 pt to A0, every rotation, a crop box off the origin, a user unit of 2.",
        on_demand: false,
        generate: mixed::pages,
    },
    Document {
        id: "mixed-sizes",
        class: Class::Mixed,
        pages: 12,
        origin: "corpus/src/mixed.rs",
        exercises: "Text on a card, a receipt, a slide, A5 to A2, US letter; every rotation, a crop box.",
        on_demand: false,
        generate: mixed::bundle,
    },
    Document {
        id: "poster-a0",
        class: Class::Poster,
        pages: 1,
        origin: "corpus/src/poster.rs",
        exercises: "One sheet of A0: tens of thousands of cells, contours, small print from afar, a photograph.",
        on_demand: false,
        generate: poster::conference,
    },
    Document {
        id: "cmyk",
        class: Class::Print,
        pages: 3,
        origin: "corpus/src/print.rs",
        exercises: "CMYK vectors and images, Separation and DeviceN, profiles of RGB and gray, trim and bleed boxes.",
        on_demand: false,
        generate: print::sheets,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_each_class_has_a_document() {
        for (i, document) in DOCUMENTS.iter().enumerate() {
            assert!(DOCUMENTS[..i].iter().all(|other| other.id != document.id), "{} twice", document.id);
        }
        for class in Class::ALL {
            assert!(DOCUMENTS.iter().any(|document| document.class == class), "{class} is empty");
            assert_eq!(class.as_str().parse(), Ok(class));
        }
    }

    #[test]
    fn the_origin_of_a_document_is_a_file() {
        for document in &DOCUMENTS {
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(document.origin);
            assert!(path.is_file(), "{}: {}", document.id, document.origin);
        }
    }

    #[test]
    fn a_document_has_as_many_page_objects_as_it_says() {
        for document in DOCUMENTS.iter().filter(|document| !document.on_demand) {
            let bytes = document.bytes();
            assert!(bytes.starts_with(b"%PDF-"), "{}", document.id);
            let count = |name: &[u8]| bytes.windows(name.len()).filter(|window| *window == name).count();
            let pages = count(b"/Type /Page") - count(b"/Type /Pages");
            assert_eq!(pages, document.pages as usize, "{}", document.id);
        }
    }

    #[test]
    fn a_document_is_the_same_bytes_each_time() {
        for document in DOCUMENTS.iter().filter(|document| !document.on_demand) {
            assert!(document.bytes() == document.bytes(), "{} differs", document.id);
        }
    }
}
