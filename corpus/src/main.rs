//! `corpus generate | check | list | pin`: the documents as files.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use clap::{Parser, Subcommand};
use corpus::manifest::{COMMITTED, Entry, Manifest};
use corpus::{Document, document, documents, hostile};

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
    /// Lists the documents and the hostile inputs.
    List,
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
        Command::List => list(),
        Command::Pin { manifest } => {
            let text = Manifest::of_documents().to_toml()?;
            std::fs::write(&manifest, text).with_context(|| format!("failed to write {}", manifest.display()))
        }
    }
}

fn generate(dir: &std::path::Path, with_hostile: bool, ids: &[String]) -> Result<()> {
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
    for document in documents() {
        let note = if document.on_demand { " (on demand)" } else { "" };
        println!(
            "{:18} {:7} {:4} pages  {}{note}",
            document.id, document.class, document.pages, document.exercises
        );
    }
    for hostile in hostile::documents() {
        println!("{:26} {}", hostile.id, hostile.what);
    }
    Ok(())
}
