//! What the corpus says of the documents that were measured.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// A document.
#[derive(Debug, Deserialize)]
pub struct Document {
    id: String,
    /// What kind of document it is.
    pub class: String,
    /// How many pages it has.
    pub pages: u32,
}

static DOCUMENTS: LazyLock<BTreeMap<String, Document>> = LazyLock::new(|| {
    #[derive(Deserialize)]
    struct Manifest {
        document: Vec<Document>,
    }
    // A test holds the two together; a report of a corpus that cannot be read has names and no classes.
    let manifest = toml::from_str::<Manifest>(include_str!("../../../corpus/manifest.toml"));
    let documents = manifest.map(|it| it.document).unwrap_or_default();
    documents.into_iter().map(|it| (it.id.clone(), it)).collect()
});

/// The document of that name, with or without `.pdf`.
pub fn document(name: &str) -> Option<&'static Document> {
    DOCUMENTS.get(name.strip_suffix(".pdf").unwrap_or(name))
}

/// Its class; the name itself of what is not in the corpus.
pub fn class_of(name: &str) -> &str {
    document(name).map_or(name, |it| &it.class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corpus_is_understood() {
        assert_eq!(class_of("text-20"), "text");
        assert_eq!(document("text-20.pdf").unwrap().pages, 20);
        assert_eq!(class_of("report"), "report");
    }
}
