//! Cells by the machine that measured them: times are compared within a group only.

use super::entry::Entry;
use super::figures::Machine;

/// The measured cells of one description of a machine.
#[derive(Debug, Clone)]
pub struct Group<'a> {
    /// A letter for tables.
    pub letter: char,
    /// The machine.
    pub machine: &'a Machine,
    /// The cells.
    pub entries: Vec<&'a Entry>,
}

impl Group<'_> {
    /// The machine in a few words.
    pub fn title(&self) -> String {
        let Machine { cpu, cpus, emulated_by, .. } = self.machine;
        match emulated_by {
            Some(emulator) => format!("Emulated by {emulator} on {cpu}"),
            None => format!("{cpu}, {cpus} CPUs"),
        }
    }

    /// Whether its cells ran without an emulator.
    pub fn is_native(&self) -> bool {
        self.machine.emulated_by.is_none()
    }
}

/// Every group: those without an emulator first, then by the first of their cells.
pub fn groups(entries: &[Entry]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group> = Vec::new();
    for entry in entries {
        let Some(machine) = &entry.figures.machine else { continue };
        match groups.iter_mut().find(|it| it.machine == machine) {
            Some(group) => group.entries.push(entry),
            None => groups.push(Group { letter: 'A', machine, entries: vec![entry] }),
        }
    }
    groups.sort_by_key(|it| !it.is_native());
    for (group, letter) in groups.iter_mut().zip('A'..='Z') {
        group.letter = letter;
    }
    groups
}

/// What a cell's times are marked with in a table of all cells.
pub fn mark(groups: &[Group], entry: &Entry) -> &'static str {
    let group = groups.iter().find(|it| Some(it.machine) == entry.figures.machine.as_ref());
    if group.is_some_and(|it| !it.is_native()) { " *" } else { "" }
}
