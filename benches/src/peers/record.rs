//! What is kept of a comparison, and the tables that are printed of it.

use serde::Serialize;

use super::programs::Installed;
use super::requirement::Requirement;
use crate::certify::Alike;
use crate::format::Format;
use crate::machine::{Executable, Machine};
use crate::stats::{self, Ratio};
use crate::table::Table;

/// All that was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    /// The form of the record.
    pub form: u32,
    /// Where.
    pub machine: Machine,
    /// Further flags that the product was given.
    pub our_flags: Vec<String>,
    /// The programs that took part.
    pub programs: Vec<Taking>,
    /// Those that are not here.
    pub skipped: Vec<Skipped>,
    /// One for each document, format and resolution.
    pub cases: Vec<Case>,
}

/// A program that takes part.
#[derive(Debug, Clone, Serialize)]
pub struct Taking {
    /// Its name.
    pub name: &'static str,
    /// What draws inside.
    pub engine: &'static str,
    /// Whether it is the product.
    pub ours: bool,
    /// Its file; for a library, that of its engine.
    #[serde(flatten)]
    pub executable: Executable,
}

/// A program that does not.
#[derive(Debug, Clone, Serialize)]
pub struct Skipped {
    /// Its name.
    pub name: &'static str,
    /// What is missing.
    pub reason: String,
}

/// One document in one format at one resolution.
#[derive(Debug, Clone, Serialize)]
pub struct Case {
    /// The document.
    pub document: String,
    /// Its class.
    pub class: String,
    /// Its number of pages.
    pub pages: u32,
    /// The format of the images.
    pub format: Format,
    /// Their resolution, in dots per inch.
    pub dpi: u32,
    /// Of how many pages the pictures were compared; all were counted, and their sizes compared.
    pub compared_pages: u32,
    /// One for each program that can write the format, and the product once more.
    pub sides: Vec<Side>,
    /// How alike the outputs of each two programs are.
    pub alike: Vec<Alike>,
}

/// What one program was seen to take. The `n`th of each list is of the `n`th turn.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Side {
    /// The name of the program.
    pub program: String,
    /// Whether this is the product once more, for the noise.
    pub again: bool,
    /// How many processes it draws with.
    pub processes: u32,
    /// How often it was to be timed: less often than others if it takes long.
    pub runs: usize,
    /// Wall-clock seconds of each run.
    pub wall_s: Vec<f64>,
    /// User and system time of each run, in seconds.
    pub cpu_s: Vec<f64>,
    /// The length of all pictures, in bytes.
    pub picture_bytes: u64,
    /// The most memory that all its processes held at a time, in a run that was not timed.
    pub peak_bytes: u64,
    /// The width of the first page, in pixels.
    pub width_px: usize,
    /// The height of the first page, in pixels.
    pub height_px: usize,
    /// Why its time does not count; then there is none.
    pub refused: Option<String>,
}

impl Taking {
    /// What is kept of a program.
    pub fn of(installed: &Installed) -> Taking {
        let program = installed.program;
        let executable = installed.executable.clone();
        Taking { name: program.name, engine: program.engine, ours: program.ours, executable }
    }
}

impl Side {
    /// A program that has not run yet.
    pub fn new(program: &str, processes: u32) -> Side {
        Side { program: program.to_owned(), processes, ..Side::default() }
    }

    /// Makes its times not count.
    pub fn refuse(&mut self, why: String) {
        self.wall_s.clear();
        self.cpu_s.clear();
        self.refused = Some(why);
    }

    /// How many times longer this side takes on the wall clock than another.
    fn times_wall(&self, other: &Side) -> Ratio {
        of_pairs(&self.wall_s, &other.wall_s)
    }
}

fn of_pairs(first: &[f64], second: &[f64]) -> Ratio {
    Ratio::of_pairs(&first.iter().copied().zip(second.iter().copied()).collect::<Vec<_>>())
}

impl Case {
    /// The product with the first engine whose time counts.
    fn ours(&self) -> Option<&Side> {
        self.sides.iter().find(|it| it.program.starts_with("pdf2img-") && it.refused.is_none() && !it.again)
    }

    /// How many times longer a program takes than the product; `None` if either does not count.
    fn times(&self, program: &str) -> Option<Ratio> {
        let side = self.sides.iter().find(|it| it.program == program && it.refused.is_none())?;
        Some(side.times_wall(self.ours()?))
    }

    /// The product against itself; `None` if it was refused.
    fn noise(&self) -> Option<Ratio> {
        let ours = self.ours()?;
        let is_again = |it: &&Side| it.again && it.refused.is_none() && it.program == ours.program;
        Some(self.sides.iter().find(is_again)?.times_wall(ours))
    }

    /// What does not count, and why.
    pub fn refused(&self) -> Vec<String> {
        let Case { document, format, dpi, .. } = self;
        let at = format!("{document} as {format} at {dpi} dpi");
        let why = |side: &Side| side.refused.as_ref().map(|why| format!("{} with {at}: {why}", side.program));
        self.sides.iter().filter_map(why).collect()
    }

    fn cells(&self, side: &Side) -> Vec<String> {
        let mut cells = vec![
            self.document.clone(),
            self.format.to_string(),
            self.dpi.to_string(),
            format!("{}{}", side.program, if side.again { ", again" } else { "" }),
            side.processes.to_string(),
        ];
        let (None, Some(ours)) = (&side.refused, self.ours()) else {
            cells.extend(["refused", "-", "-", "-", "-", "-"].map(str::to_owned));
            return cells;
        };
        let wall = side.times_wall(ours);
        let is_difference = self.noise().is_none_or(|noise| wall.is_a_difference(&noise));
        cells.extend([
            format!("{:.2}", stats::median(&side.wall_s) * 1e3 / f64::from(self.pages)),
            if is_difference || side.program == ours.program {
                format!("{:.2}", wall.value)
            } else {
                "no difference".to_owned()
            },
            wall.interval(),
            format!("{:.2}", of_pairs(&side.cpu_s, &ours.cpu_s).value),
            format!("{:.2}", side.picture_bytes as f64 / ours.picture_bytes as f64),
            format!("{:.0}", side.peak_bytes as f64 / 1e6),
        ]);
        cells
    }
}

impl Record {
    /// The figures as Markdown.
    pub fn to_markdown(&self) -> String {
        let mut table = Table::new(&[
            "document",
            "format",
            "dpi",
            "program",
            "processes",
            "wall, ms a page",
            "times ours",
            "95 %",
            "CPU, times",
            "bytes, times",
            "peak, MB",
        ]);
        for case in &self.cases {
            for side in case.sides.iter().filter(|side| !side.again || side.refused.is_none()) {
                table.row(case.cells(side));
            }
        }
        let mut text = format!(
            "{table}\nMedians of wall-clock time; times, CPU and bytes are those of the first pdf2img that counts. \
             The same program again shows the noise.\n"
        );
        for Skipped { name, reason } in &self.skipped {
            text += &format!("Skipped: {name}: {reason}\n");
        }
        for refused in self.refused() {
            text += &format!("Refused: {refused}\n");
        }
        text
    }

    /// What does not count, and why.
    pub fn refused(&self) -> Vec<String> {
        self.cases.iter().flat_map(Case::refused).collect()
    }

    /// The requirements that are not met; one that no case covers is not.
    pub fn missed<'a>(&self, requirements: &'a [Requirement]) -> Vec<&'a Requirement> {
        let met = |requirement: &Requirement| {
            let mut covered = self.cases.iter().filter(|case| requirement.covers(case)).peekable();
            covered.peek().is_some()
                && covered.all(|case| {
                    case.times(&requirement.program).is_some_and(|times| times.value >= requirement.times)
                })
        };
        requirements.iter().filter(|requirement| !met(requirement)).collect()
    }
}
