//! One document in one format at one resolution: certified, then timed in turn.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use tempfile::TempDir;

use super::Plan;
use super::programs::{Installed, Task};
use super::record::{Case, Side};
use crate::certify::{self, Certificate, Output};
use crate::documents::Source;
use crate::format::Format;
use crate::process::{self, Cost};
use crate::scratch;
use crate::stats;

/// How often the memory is looked at in the runs that are not timed.
const SAMPLING: Duration = Duration::from_millis(5);

/// What is drawn in a case.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The document.
    pub source: &'a Source,
    /// Where it is.
    pub file: &'a Path,
    /// The format of the images.
    pub format: Format,
    /// Their resolution, in dots per inch.
    pub dpi: u32,
}

/// Runs all programs that can write the format: once to be certified, then in turn to be timed.
///
/// # Errors
///
/// If no directory can be made. What a program does wrong is in the record.
pub fn measure(plan: &Plan, installed: &[Installed], subject: &Subject, scratch: &Path) -> Result<Case> {
    let able: Vec<&Installed> =
        installed.iter().filter(|it| it.program.formats.contains(&subject.format)).collect();
    let runs = Runs { plan, subject, scratch };
    let (mut sides, certificate) = runs.certified(&able)?;
    let mut of_side: Vec<&Installed> = able;
    // The product against itself: what differs there is noise.
    if let Some(ours) = (0..sides.len()).find(|&it| of_side[it].program.ours && sides[it].refused.is_none()) {
        sides.push(Side { again: true, ..sides[ours].clone() });
        of_side.push(of_side[ours]);
    }
    for turn in stats::turns(sides.len(), plan.runs) {
        let side = &mut sides[turn];
        // A slow program takes part in the first turns alone.
        if side.refused.is_some() || side.wall_s.len() == side.runs {
            continue;
        }
        match runs.timed(of_side[turn], side.picture_bytes) {
            Ok(Cost { wall_s, cpu_s }) => {
                side.wall_s.push(wall_s);
                side.cpu_s.push(cpu_s);
            }
            Err(why) => side.refuse(format!("{why:#}")),
        }
    }
    Ok(Case {
        document: subject.source.id.clone(),
        class: subject.source.class.clone(),
        pages: certificate.pages,
        format: subject.format,
        dpi: subject.dpi,
        compared_pages: certify::compared_pages(certificate.pages).len() as u32,
        sides,
        alike: certificate.alike,
    })
}

/// Whether the product takes part, and none of its engines that have run so far has drawn the document.
fn have_all_of_ours_failed(able: &[&Installed], sides: &[Side]) -> bool {
    let mut ours = able.iter().zip(sides).filter(|(installed, _)| installed.program.ours).peekable();
    ours.peek().is_some() && ours.all(|(_, side)| side.refused.is_some())
}

struct Runs<'a> {
    plan: &'a Plan,
    subject: &'a Subject<'a>,
    scratch: &'a Path,
}

impl Runs<'_> {
    /// Runs each program once, which warms up and says how much memory it takes, and compares what they wrote.
    fn certified(&self, able: &[&Installed]) -> Result<(Vec<Side>, Certificate)> {
        let mut sides = Vec::new();
        let mut written: Vec<TempDir> = Vec::new();
        for installed in able {
            let out = scratch::below(self.scratch)?;
            let mut side = Side::new(installed.program.name, installed.processes(self.plan.cpus));
            if !installed.program.ours && have_all_of_ours_failed(able, &sides) {
                side.refuse("not run: there is nothing of pdf2img to compare it with".to_owned());
            } else {
                let mut command = installed.command(&self.task(installed, out.path()));
                match process::run_sampled_within(&mut command, SAMPLING, self.plan.patience()) {
                    Ok((cost, peak)) => {
                        side.peak_bytes = peak.total_bytes();
                        side.runs = self.plan.runs_of(cost.wall_s);
                    }
                    Err(why) => side.refuse(format!("{why:#}")),
                }
            }
            side.picture_bytes = certify::picture_bytes(out.path()).unwrap_or(0);
            sides.push(side);
            written.push(out);
        }
        let ran: Vec<usize> = (0..sides.len()).filter(|&it| sides[it].refused.is_none()).collect();
        let output = |&it: &usize| Output {
            program: sides[it].program.clone(),
            engine: able[it].program.engine.to_owned(),
            directory: written[it].path().to_owned(),
        };
        let outputs: Vec<Output> = ran.iter().map(output).collect();
        let certificate = certify::certify(&outputs, self.subject.source.pages, self.subject.dpi);
        let found = certificate.refused.iter().zip(&certificate.first_page_px);
        for (&it, (refused, first_page_px)) in ran.iter().zip(found) {
            let side = &mut sides[it];
            (side.width_px, side.height_px) = first_page_px.unwrap_or_default();
            if let Some(why) = refused {
                side.refuse(why.clone());
            }
        }
        Ok((sides, certificate))
    }

    /// Runs a program into a fresh directory, and makes sure that it has written what was certified.
    fn timed(&self, installed: &Installed, certified_bytes: u64) -> Result<Cost> {
        let out = scratch::below(self.scratch)?;
        let mut command = installed.command(&self.task(installed, out.path()));
        let cost = process::run_within(&mut command, self.plan.patience())?;
        let bytes = certify::picture_bytes(out.path())?;
        ensure!(
            bytes == certified_bytes,
            "a timed run wrote {bytes} bytes, the certified one {certified_bytes}"
        );
        Ok(cost)
    }

    fn task<'a>(&'a self, installed: &Installed, out: &'a Path) -> Task<'a> {
        let Subject { file, format, dpi, .. } = *self.subject;
        let processes = installed.processes(self.plan.cpus);
        Task { file, out, format, dpi, processes, our_flags: &self.plan.our_flags }
    }
}
