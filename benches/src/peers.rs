//! `pdf2img render` against the commands that people use for the same job.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use corpus::Document;
use serde::Serialize;
use tempfile::TempDir;

use crate::certify::{self, Certificate};
use crate::machine::{Executable, Machine};
use crate::memory::Peak;
use crate::process::{self, Cost};
use crate::stats::{self, Ratio};
use crate::table::Table;

const DPI: &str = "150";
const QUALITY: &str = "75";

/// How often the memory is looked at in the runs that are not timed.
const SAMPLING: Duration = Duration::from_millis(5);

/// A command to be compared with, in the format that it is compared in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Peer {
    /// Poppler's command, writing JPEG.
    Pdftoppm,
    /// MuPDF's command, writing PNG.
    Mutool,
}

impl Peer {
    /// Every peer.
    pub const ALL: [Peer; 2] = [Peer::Pdftoppm, Peer::Mutool];

    /// The name of the command.
    pub fn as_str(self) -> &'static str {
        match self {
            Peer::Pdftoppm => "pdftoppm",
            Peer::Mutool => "mutool",
        }
    }

    /// The image format of the comparison.
    pub fn format(self) -> &'static str {
        match self {
            Peer::Pdftoppm => "jpeg",
            Peer::Mutool => "png",
        }
    }

    fn command(self, executable: &Executable, file: &Path, out: &Path) -> Command {
        let mut command = Command::new(&executable.path);
        match self {
            Peer::Pdftoppm => {
                command.args(["-jpeg", "-jpegopt", &format!("quality={QUALITY}"), "-r", DPI]);
                command.arg(file).arg(out.join("page"));
            }
            Peer::Mutool => {
                command.args(["draw", "-q", "-F", "png", "-r", DPI, "-o"]).arg(out.join("%d.png")).arg(file);
            }
        }
        command
    }

    fn our_command(self, executable: &Executable, extra: &[String], file: &Path, out: &Path) -> Command {
        let mut command = Command::new(&executable.path);
        command.arg("render").arg(file).arg("-o").arg(out);
        command.args(["--dpi", DPI, "--format", self.format()]);
        if self == Peer::Pdftoppm {
            command.args(["--quality", QUALITY]);
        }
        command.args(extra);
        command
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Peer {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let known = || Peer::ALL.map(Peer::as_str).join(", ");
        Peer::ALL
            .into_iter()
            .find(|peer| peer.as_str() == s)
            .ok_or_else(|| format!("no peer {s:?}: there is {}", known()))
    }
}

/// How many times faster than a peer the product must be, written `pdftoppm:text=3`.
#[derive(Debug, Clone, PartialEq)]
pub struct Requirement {
    /// Than whom.
    pub peer: Peer,
    /// On which documents: a class of the corpus, or the id of one document.
    pub documents: String,
    /// How many times.
    pub times: f64,
}

impl Requirement {
    fn covers(&self, comparison: &Comparison) -> bool {
        self.peer == comparison.peer
            && (self.documents == comparison.document || self.documents == comparison.class)
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}={}", self.peer, self.documents, self.times)
    }
}

impl FromStr for Requirement {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let malformed = || format!("{s:?} is not of the form peer:documents=times, like pdftoppm:text=3");
        let (peer, rest) = s.split_once(':').ok_or_else(malformed)?;
        let (documents, times) = rest.split_once('=').ok_or_else(malformed)?;
        let is_known = corpus::document(documents).is_some() || documents.parse::<corpus::Class>().is_ok();
        if !is_known {
            return Err(format!("{documents:?} is neither a class nor a document of the corpus"));
        }
        let times = times.parse().ok().filter(|times: &f64| times.is_finite() && *times > 0.0);
        Ok(Requirement {
            peer: peer.parse()?,
            documents: documents.to_owned(),
            times: times.ok_or_else(|| format!("{s:?}: how many times must be a number above 0"))?,
        })
    }
}

/// What to compare.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where the executables of the product are.
    pub bin_dir: PathBuf,
    /// The documents of the corpus, by id.
    pub documents: Vec<String>,
    /// With whom.
    pub peers: Vec<Peer>,
    /// How many pairs are timed for each comparison.
    pub runs: usize,
    /// Further flags for `pdf2img render`.
    pub our_flags: Vec<String>,
}

/// All that was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    /// Where.
    pub machine: Machine,
    /// What was measured.
    pub ours: Executable,
    /// Further flags that it was given.
    pub our_flags: Vec<String>,
    /// What it was compared with.
    pub theirs: Vec<Executable>,
    /// The peers that are not installed.
    pub skipped: Vec<Peer>,
    /// The comparisons whose pictures were certified.
    pub comparisons: Vec<Comparison>,
    /// Those that were refused or could not be run, and why.
    pub refused: Vec<String>,
}

/// One document, one peer.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// The document of the corpus.
    pub document: String,
    /// Its class.
    pub class: String,
    /// With whom.
    pub peer: Peer,
    /// The image format of both.
    pub format: &'static str,
    /// What the outputs have in common.
    pub certificate: Certificate,
    /// The product.
    pub ours: Side,
    /// The peer.
    pub theirs: Side,
    /// How many times longer the peer takes on the wall clock.
    pub wall: Ratio,
    /// How many times more CPU time the peer takes.
    pub cpu: Ratio,
    /// The wall clock of the product against itself: the noise floor.
    pub noise: Ratio,
    /// The timings of the product against itself.
    pub noise_costs: Vec<(Cost, Cost)>,
}

/// What one side was seen to take.
#[derive(Debug, Clone, Serialize)]
pub struct Side {
    /// The length of all pictures, in bytes.
    pub picture_bytes: u64,
    /// The largest memory, in a run that was not timed.
    pub peak: Peak,
    /// Each timed run.
    pub costs: Vec<Cost>,
}

/// Compares each document with each peer that is installed.
///
/// # Errors
///
/// If `pdf2img` is missing or a document is unknown. That a comparison is refused is no error here,
/// but part of the record.
pub fn run(plan: &Plan) -> Result<Record> {
    let machine = Machine::detect();
    let ours = Executable::in_dir(&plan.bin_dir, "pdf2img")?.with_version();
    let mut record = Record {
        machine,
        ours,
        our_flags: plan.our_flags.clone(),
        theirs: Vec::new(),
        skipped: Vec::new(),
        comparisons: Vec::new(),
        refused: Vec::new(),
    };
    let documents = plan
        .documents
        .iter()
        .map(|id| corpus::document(id).with_context(|| format!("the corpus has no document {id:?}")))
        .collect::<Result<Vec<_>>>()?;
    for &peer in &plan.peers {
        let Some(theirs) = Executable::on_path(peer.as_str(), "-v") else {
            record.skipped.push(peer);
            continue;
        };
        for document in &documents {
            eprintln!("{}: pdf2img and {peer}, {} pairs", document.id, plan.runs);
            match compare(plan, &record.ours, peer, &theirs, document) {
                Ok(comparison) => record.comparisons.push(comparison),
                Err(error) => record.refused.push(format!("{} with {peer}: {error:#}", document.id)),
            }
        }
        record.theirs.push(theirs);
    }
    Ok(record)
}

fn compare(
    plan: &Plan,
    ours: &Executable,
    peer: Peer,
    theirs: &Executable,
    document: &Document,
) -> Result<Comparison> {
    let scratch = tempfile::tempdir().context("failed to make a directory")?;
    let file = scratch.path().join(document.file_name());
    fs::write(&file, document.bytes()).with_context(|| format!("failed to write {}", file.display()))?;
    let our_command = |out: &Path| peer.our_command(ours, &plan.our_flags, &file, out);
    let their_command = |out: &Path| peer.command(theirs, &file, out);

    // The certified runs also warm the caches up.
    let (our_dir, their_dir) = (fresh_dir(scratch.path())?, fresh_dir(scratch.path())?);
    let (_, our_peak) = process::run_sampled(&mut our_command(our_dir.path()), SAMPLING)?;
    let (_, their_peak) = process::run_sampled(&mut their_command(their_dir.path()), SAMPLING)?;
    let certificate = certify::certify(our_dir.path(), their_dir.path(), document.pages)?;
    let our_bytes = certify::picture_bytes(our_dir.path())?;
    let their_bytes = certify::picture_bytes(their_dir.path())?;
    drop((our_dir, their_dir));

    let our_run = || timed(scratch.path(), our_bytes, our_command);
    let their_run = || timed(scratch.path(), their_bytes, their_command);
    let costs = stats::in_turn(plan.runs, our_run, their_run)?;
    let noise_costs = stats::in_turn(plan.runs, our_run, our_run)?;

    let their_ratio = |of: fn(&Cost) -> f64| {
        Ratio::of_pairs(&costs.iter().map(|(our, their)| (of(their), of(our))).collect::<Vec<_>>())
    };
    let (wall, cpu) = (their_ratio(|cost| cost.wall_s), their_ratio(|cost| cost.cpu_s));
    let noise = noise_costs.iter().map(|(first, second)| (first.wall_s, second.wall_s)).collect::<Vec<_>>();
    let (our_costs, their_costs) = costs.into_iter().unzip();
    Ok(Comparison {
        document: document.id.to_owned(),
        class: document.class.to_string(),
        peer,
        format: peer.format(),
        certificate,
        ours: Side { picture_bytes: our_bytes, peak: our_peak, costs: our_costs },
        theirs: Side { picture_bytes: their_bytes, peak: their_peak, costs: their_costs },
        wall,
        cpu,
        noise: Ratio::of_pairs(&noise),
        noise_costs,
    })
}

/// Runs a command into a fresh directory, and makes sure that it has written what was certified.
fn timed(scratch: &Path, certified_bytes: u64, command: impl Fn(&Path) -> Command) -> Result<Cost> {
    let out = fresh_dir(scratch)?;
    let cost = process::run(&mut command(out.path()))?;
    let bytes = certify::picture_bytes(out.path())?;
    ensure!(bytes == certified_bytes, "a timed run wrote {bytes} bytes, the certified one {certified_bytes}");
    Ok(cost)
}

fn fresh_dir(scratch: &Path) -> Result<TempDir> {
    tempfile::tempdir_in(scratch).context("failed to make a directory")
}

impl Side {
    fn median(&self, of: fn(&Cost) -> f64) -> f64 {
        stats::median(&self.costs.iter().map(of).collect::<Vec<_>>())
    }
}

impl Record {
    /// The figures as Markdown.
    pub fn to_markdown(&self) -> String {
        let mut table = Table::new(&[
            "document",
            "format",
            "peer",
            "wall, ms",
            "peer's",
            "times faster",
            "95 %",
            "noise floor",
            "CPU, ms",
            "peer's",
            "peak, MB",
            "peer's",
            "output, MB",
            "peer's",
        ]);
        for comparison in &self.comparisons {
            let Comparison { ours, theirs, wall, noise, .. } = comparison;
            let mut cells =
                vec![comparison.document.clone(), comparison.format.to_owned(), comparison.peer.to_string()];
            cells.extend([ours, theirs].map(|side| format!("{:.0}", side.median(|cost| cost.wall_s) * 1e3)));
            cells.push(if wall.is_a_difference(noise) {
                format!("{:.2}", wall.value)
            } else {
                "no difference".to_owned()
            });
            cells.extend([wall.interval(), noise.interval()]);
            cells.extend([ours, theirs].map(|side| format!("{:.0}", side.median(|cost| cost.cpu_s) * 1e3)));
            cells.extend([ours, theirs].map(|side| megabytes(side.peak.total_bytes())));
            cells.extend([ours, theirs].map(|side| megabytes(side.picture_bytes)));
            table.row(cells);
        }
        let mut text = format!("{table}\n");
        for comparison in &self.comparisons {
            let Certificate { pages, width_px, height_px, worst } = comparison.certificate;
            text += &format!(
                "Certified: {} with {}, {pages} pages from {width_px} × {height_px} pixels, at worst {:.2} levels \
                 and {:.3} % of the blocks apart.\n",
                comparison.document,
                comparison.peer,
                worst.mean,
                worst.wrong_blocks * 100.0
            );
        }
        for peer in &self.skipped {
            text += &format!("Skipped: {peer} is not installed.\n");
        }
        for refused in &self.refused {
            text += &format!("Refused: {refused}\n");
        }
        text
    }

    /// The requirements that are not met; one that no comparison covers is not.
    pub fn missed<'a>(&self, requirements: &'a [Requirement]) -> Vec<&'a Requirement> {
        let met = |requirement: &Requirement| {
            let mut covered = self.comparisons.iter().filter(|it| requirement.covers(it)).peekable();
            covered.peek().is_some() && covered.all(|comparison| comparison.wall.value >= requirement.times)
        };
        requirements.iter().filter(|requirement| !met(requirement)).collect()
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requirement_is_read_as_it_is_written() {
        let requirement: Requirement = "pdftoppm:text=3".parse().unwrap();
        assert_eq!(
            requirement,
            Requirement { peer: Peer::Pdftoppm, documents: "text".to_owned(), times: 3.0 }
        );
        assert_eq!(requirement.to_string(), "pdftoppm:text=3");
        assert_eq!("mutool:scan-gray=2.5".parse::<Requirement>().unwrap().times, 2.5);
    }

    #[test]
    fn a_malformed_requirement_says_what_is_wrong() {
        let refusal = |text: &str| text.parse::<Requirement>().unwrap_err();
        assert!(refusal("pdftoppm").contains("peer:documents=times"));
        assert!(refusal("pdftoppm:text").contains("peer:documents=times"));
        assert!(refusal("ghostscript:text=3").contains("pdftoppm, mutool"));
        assert!(refusal("mutool:poems=3").contains("poems"));
        for times in ["0", "-1", "NaN", "inf", "x"] {
            assert!(refusal(&format!("mutool:text={times}")).contains("above 0"), "{times}");
        }
    }

    fn comparison(peer: Peer, document: &str, times: f64) -> Comparison {
        let side =
            Side { picture_bytes: 1, peak: Peak::default(), costs: vec![Cost { wall_s: 1.0, cpu_s: 1.0 }] };
        let ratio = Ratio { value: times, low: times, high: times };
        Comparison {
            document: document.to_owned(),
            class: corpus::document(document).unwrap().class.to_string(),
            peer,
            format: peer.format(),
            certificate: Certificate {
                pages: 1,
                width_px: 1,
                height_px: 1,
                worst: certify::Difference::default(),
            },
            ours: side.clone(),
            theirs: side,
            wall: ratio,
            cpu: ratio,
            noise: ratio,
            noise_costs: Vec::new(),
        }
    }

    #[test]
    fn a_requirement_is_missed_by_any_document_that_it_covers_and_when_it_covers_none() {
        let record = Record {
            machine: Machine::detect(),
            ours: Executable {
                path: PathBuf::new(),
                version: String::new(),
                bytes: 0,
                sha256: String::new(),
            },
            our_flags: Vec::new(),
            theirs: Vec::new(),
            skipped: vec![Peer::Mutool],
            comparisons: vec![
                comparison(Peer::Pdftoppm, "text-100", 3.1),
                comparison(Peer::Pdftoppm, "scan-gray", 2.5),
                comparison(Peer::Pdftoppm, "scan-color", 1.5),
            ],
            refused: Vec::new(),
        };
        let missed = |text: &str| record.missed(&[text.parse().unwrap()]).len();
        assert_eq!(missed("pdftoppm:text=3"), 0);
        assert_eq!(missed("pdftoppm:scan-gray=2"), 0);
        assert_eq!(missed("pdftoppm:scan=2"), 1);
        assert_eq!(missed("mutool:text=1"), 1);
        assert!(record.to_markdown().contains("Skipped: mutool"));
    }

    #[test]
    fn a_timed_run_that_writes_something_else_than_was_certified_is_an_error() {
        let scratch = tempfile::tempdir().unwrap();
        let command = |out: &Path| {
            let mut command = Command::new("sh");
            command.args(["-c", "printf 12345 > \"$0\"/1.png"]).arg(out);
            command
        };
        assert!(timed(scratch.path(), 5, command).is_ok());
        assert!(timed(scratch.path(), 6, command).unwrap_err().to_string().contains("wrote 5 bytes"));
    }
}
