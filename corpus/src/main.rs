//! `corpus generate | check | list | fetch | pin`: the documents as files.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::{Parser, Subcommand};
use corpus::manifest::{COMMITTED, Entry, Manifest, sha256};
use corpus::public::{self, Fetched, Public, PublicDocument};
use corpus::{Document, document, documents, folder, hostile};

/// Makes the test documents of pdf2img.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Writes documents as files: those named, or all but the ones made on demand.
    Generate {
        /// The directory to write to.
        #[arg(long, default_value = "corpus/documents")]
        dir: PathBuf,
        /// Also writes the hostile inputs.
        #[arg(long)]
        hostile: bool,
        /// The documents to write.
        ids: Vec<String>,
    },
    /// Makes every document in memory and compares it with the manifest.
    Check,
    /// Lists the documents and the hostile inputs, or the PDFs of a folder with their sizes and hashes.
    List {
        /// The folder to list instead.
        #[arg(long)]
        dir: Option<PathBuf>,
    },
    /// Downloads documents that others have published, and holds them to their hashes; needs `curl`.
    Fetch {
        /// The directory to write to.
        #[arg(long, default_value = "corpus/documents/public")]
        dir: PathBuf,
        /// A list of another's, of the same form as `corpus/public.toml`.
        #[arg(long)]
        list: Option<PathBuf>,
        /// The documents to fetch; all of the list, if none is named.
        ids: Vec<String>,
    },
    /// Writes the image that `fixtures/scan.jp2` was compressed from, as PPM.
    Sheet {
        /// The file to write.
        file: PathBuf,
    },
    /// Rewrites the manifest after a document was meant to change.
    Pin {
        /// The manifest to write.
        #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/manifest.toml"))]
        manifest: PathBuf,
    },
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Generate { dir, hostile, ids } => generate(&dir, hostile, &ids),
        Command::Check => check(),
        Command::List { dir: None } => list(),
        Command::List { dir: Some(dir) } => list_folder(&dir),
        Command::Fetch { dir, list, ids } => fetch(&dir, list.as_deref(), &ids),
        Command::Sheet { file } => std::fs::write(&file, corpus::scan::jpx_source())
            .with_context(|| format!("failed to write {}", file.display())),
        Command::Pin { manifest } => {
            let text = Manifest::of_documents().to_toml()?;
            std::fs::write(&manifest, text).with_context(|| format!("failed to write {}", manifest.display()))
        }
    }
}

fn generate(dir: &Path, with_hostile: bool, ids: &[String]) -> Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("failed to make {}", dir.display()))?;
    let write = |name: String, bytes: Vec<u8>| {
        let path = dir.join(name);
        println!("{}  {} bytes", path.display(), bytes.len());
        std::fs::write(&path, bytes).with_context(|| format!("failed to write {}", path.display()))
    };
    let chosen: Vec<&Document> = if ids.is_empty() {
        documents().iter().filter(|document| !document.on_demand).collect()
    } else {
        ids.iter()
            .map(|id| document(id).with_context(|| format!("no document {id}: `list` shows what there is")))
            .collect::<Result<_>>()?
    };
    for document in chosen {
        write(document.file_name(), document.bytes())?;
    }
    if with_hostile {
        for hostile in hostile::documents() {
            write(hostile.file_name(), hostile.bytes())?;
        }
    }
    Ok(())
}

fn check() -> Result<()> {
    let manifest = Manifest::parse(COMMITTED).context("failed to read the manifest")?;
    let mut wrong = 0;
    for document in documents() {
        let made = Entry::of(document);
        let verdict = match manifest.documents.iter().find(|entry| entry.id == document.id) {
            None => "is not in the manifest",
            Some(entry) if *entry == made => "ok",
            Some(_) => "differs from the manifest",
        };
        wrong += u32::from(verdict != "ok");
        println!("{:18} {} {verdict}", document.id, &made.sha256[..16]);
    }
    for entry in &manifest.documents {
        if document(&entry.id).is_none() {
            bail!("the manifest has {}, which no code makes", entry.id);
        }
    }
    ensure!(wrong == 0, "{wrong} documents are not what the manifest says; `pin` if that is meant");
    Ok(())
}

fn list() -> Result<()> {
    let mut lines = String::new();
    for document in documents() {
        let Document { id, class, pages, exercises, .. } = document;
        let note = if document.on_demand { " (on demand)" } else { "" };
        writeln!(lines, "{id:18} {class:7} {pages:4} pages  {exercises}{note}")?;
    }
    for hostile in hostile::documents() {
        writeln!(lines, "{:26} {}", hostile.id, hostile.what)?;
    }
    print(&lines)
}

/// Writes to standard output, whose reader may have seen enough: `head` has.
fn print(lines: &str) -> Result<()> {
    match io::stdout().write_all(lines.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome.context("failed to write to standard output"),
    }
}

fn list_folder(dir: &Path) -> Result<()> {
    let mut lines = String::new();
    for document in folder(dir)? {
        let bytes =
            document.bytes().with_context(|| format!("failed to read {}", document.path.display()))?;
        writeln!(lines, "{}  {:9} bytes  {}", sha256(&bytes), bytes.len(), document.id)?;
    }
    print(&lines)
}

fn fetch(dir: &Path, list: Option<&Path>, ids: &[String]) -> Result<()> {
    let public = match list {
        None => Public::parse(public::COMMITTED).context("failed to read the committed list")?,
        Some(file) => std::fs::read_to_string(file)
            .map_err(anyhow::Error::from)
            .and_then(|text| Public::parse(&text))
            .with_context(|| format!("failed to read {}", file.display()))?,
    };
    for id in ids {
        ensure!(public.documents.iter().any(|document| document.id == *id), "the list has no document {id}");
    }
    let is_wanted = |document: &&PublicDocument| ids.is_empty() || ids.contains(&document.id);
    std::fs::create_dir_all(dir).with_context(|| format!("failed to make {}", dir.display()))?;
    let mut failures = 0;
    for document in public.documents.iter().filter(is_wanted) {
        match document.fetch(dir) {
            Ok(Fetched::Present) => println!("{}  is there", document.id),
            Ok(Fetched::Downloaded) => {
                println!("{}  {} bytes, {}", document.id, document.bytes, document.licence);
            }
            Err(error) => {
                failures += 1;
                eprintln!("{}  {error:#}", document.id);
            }
        }
    }
    ensure!(failures == 0, "{failures} documents could not be fetched; the others are in {}", dir.display());
    Ok(())
}
