//! PDFs that others have published, fetched by URL and held to their SHA-256.
//!
//! They are not in this repository; `public.toml` has where they are and what they must be. Whatever comes
//! from there gets its name only if it is that. The download itself is done by `curl`.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::manifest::sha256;

/// The list as it is committed.
pub const COMMITTED: &str = include_str!("../public.toml");

/// A list of published documents.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Public {
    /// One entry for each document.
    #[serde(rename = "document")]
    pub documents: Vec<PublicDocument>,
}

/// A published document.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicDocument {
    /// The name, and with `.pdf` the file name: letters, digits, `-` and `_`.
    pub id: String,
    /// Where it is; of a version that does not change.
    pub url: String,
    /// The SHA-256 of the bytes, in lower-case hexadecimal.
    pub sha256: String,
    /// The length in bytes; more is not fetched.
    pub bytes: u64,
    /// Who published it.
    pub origin: String,
    /// The licence of the document.
    pub licence: String,
    /// What it exercises.
    pub exercises: String,
}

/// What was done for a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fetched {
    /// It was there already, whole.
    Present,
    /// It was downloaded.
    Downloaded,
}

impl Public {
    /// Reads a list.
    ///
    /// # Errors
    ///
    /// If the text is not TOML, an entry lacks a field or has an unknown one, an id is no file name or is
    /// there twice, a URL is neither `https` nor `http`, or a hash is no SHA-256.
    pub fn parse(text: &str) -> Result<Public> {
        let public: Public = toml::from_str(text)?;
        for (i, document) in public.documents.iter().enumerate() {
            let PublicDocument { id, url, sha256, .. } = document;
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            ensure!(!id.is_empty() && id.chars().all(is_name), "{id:?} cannot be a file name");
            let is_new = public.documents[..i].iter().all(|other| other.id != *id);
            ensure!(is_new, "{id} is listed twice");
            let is_web = url.starts_with("https://") || url.starts_with("http://");
            ensure!(is_web, "{id}: {url:?} is no web address");
            let is_digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
            let is_hash = sha256.len() == 64 && sha256.chars().all(is_digit);
            ensure!(is_hash, "{id}: {sha256:?} is no SHA-256 in lower-case hexadecimal");
        }
        Ok(public)
    }
}

impl PublicDocument {
    /// The file name that it has on disk.
    pub fn file_name(&self) -> String {
        format!("{}.pdf", self.id)
    }

    /// Downloads the document into a folder, unless it is there.
    ///
    /// A file of its name that is something else is replaced.
    ///
    /// # Errors
    ///
    /// If `curl` is missing or fails, if what comes is not the document, or if the folder cannot be written to.
    pub fn fetch(&self, folder: &Path) -> Result<Fetched> {
        self.fetch_with(OsStr::new("curl"), folder)
    }

    fn fetch_with(&self, curl: &OsStr, folder: &Path) -> Result<Fetched> {
        let file = folder.join(self.file_name());
        if file.is_file() && self.is(&read(&file)?) {
            return Ok(Fetched::Present);
        }
        let part = folder.join(format!("{}.part", self.file_name()));
        let result = self.download(curl, &part).and_then(|()| {
            fs::rename(&part, &file).with_context(|| format!("failed to write {}", file.display()))
        });
        if result.is_err() {
            // It may never have been written.
            let _ = fs::remove_file(&part);
        }
        result.map(|()| Fetched::Downloaded)
    }

    /// Writes what is at the URL to a file, and makes sure that it is the document.
    fn download(&self, curl: &OsStr, part: &Path) -> Result<()> {
        let limit = self.bytes.to_string();
        let output = Command::new(curl)
            .args(["--fail", "--silent", "--show-error", "--location", "--proto", "=https,http"])
            .args(["--connect-timeout", "20", "--max-time", "600", "--retry", "2"])
            .args(["--max-filesize", &limit, "--output"])
            .arg(part)
            .args(["--url", &self.url])
            .output()
            .with_context(|| {
                format!("failed to start {}, which downloads: install it", curl.to_string_lossy())
            })?;
        if !output.status.success() {
            // It says the same after each attempt.
            let said = String::from_utf8_lossy(&output.stderr);
            let complaint = said.lines().last().unwrap_or("no reason was given");
            bail!("failed to fetch {} from {}: {complaint}", self.id, self.url);
        }
        let bytes = read(part)?;
        ensure!(
            self.is(&bytes),
            "{} is not {} any more: {} bytes with the SHA-256 {}, where {} bytes with {} were expected; \
             nothing was kept",
            self.url,
            self.id,
            bytes.len(),
            sha256(&bytes),
            self.bytes,
            self.sha256
        );
        Ok(())
    }

    fn is(&self, bytes: &[u8]) -> bool {
        bytes.len() as u64 == self.bytes && sha256(bytes) == self.sha256
    }
}

fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("failed to read {}", file.display()))
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const BODY: &[u8] = b"%PDF-1.7 of somebody else";

    /// Serves [`BODY`] at `/a.pdf` and nothing else; counts the requests.
    fn server() -> (String, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        // It ends with the process of the tests.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let request = lines.next().unwrap().unwrap();
                while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
                counted.fetch_add(1, Ordering::SeqCst);
                let (status, body) = if request.starts_with("GET /a.pdf ") {
                    ("200 OK", BODY)
                } else {
                    ("404 Not Found", &b""[..])
                };
                write!(
                    stream,
                    "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                )
                .unwrap();
                stream.write_all(body).unwrap();
            }
        });
        (url, count)
    }

    fn document(url: String) -> PublicDocument {
        PublicDocument {
            id: "a".to_owned(),
            url,
            sha256: sha256(BODY),
            bytes: BODY.len() as u64,
            origin: String::new(),
            licence: String::new(),
            exercises: String::new(),
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_document_is_fetched_once_and_again_if_it_was_damaged() {
        let (url, requests) = server();
        let folder = tempfile::tempdir().unwrap();
        let document = document(format!("{url}/a.pdf"));
        assert_eq!(document.fetch(folder.path()).unwrap(), Fetched::Downloaded);
        assert_eq!(fs::read(folder.path().join("a.pdf")).unwrap(), BODY);
        assert_eq!(document.fetch(folder.path()).unwrap(), Fetched::Present);
        assert_eq!(requests.load(Ordering::SeqCst), 1);
        fs::write(folder.path().join("a.pdf"), "cut off").unwrap();
        assert_eq!(document.fetch(folder.path()).unwrap(), Fetched::Downloaded);
        assert_eq!(requests.load(Ordering::SeqCst), 2);
        assert_eq!(names(folder.path()), ["a.pdf"]);
    }

    #[test]
    fn what_is_not_the_document_leaves_no_file() {
        let (url, _) = server();
        let folder = tempfile::tempdir().unwrap();
        let whole = document(format!("{url}/a.pdf"));
        let other = PublicDocument { sha256: sha256(b"other"), ..whole.clone() };
        let error = other.fetch(folder.path()).unwrap_err().to_string();
        assert!(error.contains(&other.sha256) && error.contains(&sha256(BODY)), "{error}");
        let larger = PublicDocument { bytes: 3, ..whole.clone() };
        let error = larger.fetch(folder.path()).unwrap_err().to_string();
        assert!(error.contains("/a.pdf"), "{error}");
        let missing = document(format!("{url}/b.pdf"));
        let error = missing.fetch(folder.path()).unwrap_err().to_string();
        assert!(error.contains("404") && error.contains("/b.pdf"), "{error}");
        let error = whole.fetch_with(OsStr::new("no-such-curl"), folder.path()).unwrap_err().to_string();
        assert!(error.contains("no-such-curl") && error.contains("install"), "{error}");
        assert_eq!(names(folder.path()), Vec::<String>::new());
    }

    #[test]
    fn the_committed_list_is_whole_and_by_https() {
        let public = Public::parse(COMMITTED).unwrap();
        assert!(public.documents.len() >= 4);
        for document in &public.documents {
            assert!(document.url.starts_with("https://"), "{}", document.url);
            assert!(!document.licence.is_empty() && !document.origin.is_empty(), "{}", document.id);
        }
    }

    #[test]
    fn a_list_with_a_bad_entry_is_an_error() {
        let entry = |id: &str, url: &str, sha256: &str| {
            format!(
                "[[document]]\nid = {id:?}\nurl = {url:?}\nsha256 = {sha256:?}\nbytes = 1\norigin = \"\"\n\
                 licence = \"\"\nexercises = \"\"\n"
            )
        };
        let hash = sha256(b"");
        assert!(Public::parse(&entry("a", "https://example.org/a", &hash)).is_ok());
        let twice = entry("a", "https://example.org/a", &hash).repeat(2);
        for (text, said) in [
            (entry("../a", "https://example.org/a", &hash), "file name"),
            (entry("a", "file:///etc/passwd", &hash), "web address"),
            (entry("a", "https://example.org/a", "ABC"), "SHA-256"),
            (twice, "twice"),
        ] {
            let error = Public::parse(&text).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
