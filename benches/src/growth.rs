//! What memory a document of 1,000 pages takes, beside shorter ones.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::machine::{Executable, FORM, Machine};
use crate::memory::{Peak, Share};
use crate::process::{self, Cost};
use crate::table::Table;

/// The documents, of one kind and ever longer.
const DOCUMENTS: [&str; 3] = ["text-20", "text-100", "text-1000"];

/// All that was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    /// The form of the record.
    pub form: u32,
    /// Where.
    pub machine: Machine,
    /// What was run.
    pub executable: Executable,
    /// The flags that it was given beside file and output directory.
    pub flags: Vec<String>,
    /// One for each document, the shortest first.
    pub documents: Vec<Measured>,
}

/// One document.
#[derive(Debug, Clone, Serialize)]
pub struct Measured {
    /// The document of the corpus.
    pub document: String,
    /// Its number of pages.
    pub pages: u32,
    /// The largest memory seen.
    pub peak: Peak,
    /// The time, which the sampling has lengthened.
    pub cost: Cost,
}

/// Renders each document once, and looks at the memory of the process tree all the while.
///
/// # Errors
///
/// If the executable is missing, or a document cannot be rendered.
pub fn run(bin_dir: &Path, interval: Duration) -> Result<Record> {
    let machine = Machine::detect_in_full();
    let executable = Executable::in_dir(bin_dir, "pdf2img")?.with_version();
    let flags: Vec<String> =
        ["--dpi", "150", "--format", "jpeg", "--quality", "75"].map(str::to_owned).to_vec();
    let mut documents = Vec::new();
    for id in DOCUMENTS {
        let document = corpus::document(id).with_context(|| format!("the corpus has no {id}"))?;
        let scratch = tempfile::tempdir().context("failed to make a directory")?;
        let file = scratch.path().join(document.file_name());
        std::fs::write(&file, document.bytes())
            .with_context(|| format!("failed to write {}", file.display()))?;
        let mut command = Command::new(&executable.path);
        command.arg("render").arg(&file).arg("-o").arg(scratch.path().join("out")).args(&flags);
        let (cost, peak) = process::run_sampled(&mut command, interval)?;
        documents.push(Measured { document: id.to_owned(), pages: document.pages, peak, cost });
    }
    Ok(Record { form: FORM, machine, executable, flags, documents })
}

impl Record {
    /// The figures as Markdown.
    pub fn to_markdown(&self) -> String {
        let mut table = Table::new(&[
            "document",
            "pages",
            "PSS, MB",
            "parent",
            "workers",
            "RSS, MB",
            "parent",
            "workers",
            "processes",
            "samples",
        ]);
        for measured in &self.documents {
            let mut cells = vec![measured.document.clone(), measured.pages.to_string()];
            cells.extend(measured.peak.pss.map_or_else(|| vec!["?".to_owned(); 3], share_cells));
            cells.extend(share_cells(measured.peak.rss));
            cells.extend([measured.peak.processes.to_string(), measured.peak.samples.to_string()]);
            table.row(cells);
        }
        format!("{table}\nMB are 10⁶ bytes; each triple is of the moment at which its sum was largest.\n")
    }

    /// The peak of the longest document, in bytes.
    pub fn largest_bytes(&self) -> u64 {
        self.documents.iter().map(|measured| measured.peak.total_bytes()).max().unwrap_or(0)
    }
}

fn share_cells(share: Share) -> Vec<String> {
    [share.total_bytes(), share.leader_bytes, share.descendants_bytes]
        .map(|bytes| format!("{:.1}", bytes as f64 / 1e6))
        .to_vec()
}
