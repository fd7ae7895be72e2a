//! What takes the bytes of an executable: its sections, and whose crates and C libraries they are.
//!
//! **Invariant:** what is told apart sums up to the length of the file.

mod owner;

use std::collections::BTreeMap;
use std::ops::Range;

use anyhow::{Context, Result};
use object::read::elf::ElfFile64;
use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};

/// What is not in any section: the headers of file and sections, and the gaps between sections.
const HEADERS: &str = "headers and gaps";

/// The longest gap between two symbols that alignment makes. Longer ones hold something.
const ALIGNMENT: u64 = 63;

/// The bytes of a file by section.
///
/// # Errors
///
/// If it is not an ELF file of 64 bits.
pub fn by_section(file: &[u8]) -> Result<BTreeMap<String, u64>> {
    let elf = parse(file)?;
    let mut sections = BTreeMap::new();
    for section in elf.sections() {
        let name = section.name().context("a section has no name")?;
        if let Some((_, bytes)) = section.file_range().filter(|(_, bytes)| *bytes > 0) {
            *sections.entry(name.to_owned()).or_default() += bytes;
        }
    }
    with_rest(sections, file.len() as u64)
}

/// The bytes of a stripped file by crate and C library, the largest first.
///
/// `with_symbols` is the same file before it was stripped. What no symbol names is told by section.
///
/// # Errors
///
/// If one is not an ELF file of 64 bits, or they are not of one build.
pub fn by_part(stripped: &[u8], with_symbols: &[u8]) -> Result<Vec<(String, u64)>> {
    let (shipped, named) = (parse(stripped)?, parse(with_symbols)?);
    let mut parts: BTreeMap<String, u64> = BTreeMap::new();
    for section in shipped.sections() {
        let name = section.name().context("a section has no name")?;
        let Some((_, bytes)) = section.file_range().filter(|(_, bytes)| *bytes > 0) else { continue };
        if !is_loaded(&section) {
            *parts.entry(HEADERS.to_owned()).or_default() += bytes;
            continue;
        }
        let twin = named.section_by_name(name);
        let twin = twin.filter(|it| it.address() == section.address() && it.size() == section.size());
        let twin = twin.with_context(|| {
            format!("the section {name} is another one with symbols than without: they are of two builds")
        })?;
        match purpose(name) {
            Some(purpose) => *parts.entry(purpose.to_owned()).or_default() += bytes,
            None => {
                for (part, bytes) in attribute(&named, &twin)? {
                    *parts.entry(part).or_default() += bytes;
                }
            }
        }
    }
    let parts = with_rest(parts, stripped.len() as u64)?;
    let mut parts: Vec<_> = parts.into_iter().collect();
    parts.sort_by(|(one, first), (two, second)| second.cmp(first).then(one.cmp(two)));
    Ok(parts)
}

fn parse(file: &[u8]) -> Result<ElfFile64<'_>> {
    ElfFile64::parse(file).context("not an ELF file of 64 bits")
}

fn with_rest(mut parts: BTreeMap<String, u64>, length: u64) -> Result<BTreeMap<String, u64>> {
    let named: u64 = parts.values().sum();
    let rest = length.checked_sub(named).context("the sections are longer than the file")?;
    if rest > 0 {
        *parts.entry(HEADERS.to_owned()).or_default() += rest;
    }
    Ok(parts)
}

/// Whether a section gets an address, which only what is loaded does.
fn is_loaded<'a>(section: &impl ObjectSection<'a>) -> bool {
    section.address() != 0
}

/// What a section is for that is not anybody's code or data.
fn purpose(section: &str) -> Option<&'static str> {
    match section {
        ".eh_frame" | ".eh_frame_hdr" | ".gcc_except_table" => Some("unwind tables"),
        ".interp" | ".dynamic" | ".dynsym" | ".dynstr" | ".hash" | ".gnu.hash" | ".plt" | ".got"
        | ".got.plt" => Some("dynamic linking"),
        _ if section.starts_with(".rel") => Some("relocations"),
        _ if section.starts_with(".gnu.version") => Some("dynamic linking"),
        _ if section.starts_with(".note") => Some(HEADERS),
        _ => None,
    }
}

/// A run of bytes of a section that one symbol names.
struct Piece {
    range: Range<u64>,
    owner: Option<String>,
}

/// The symbols of one source file that only it knows: they stand together in the table.
struct SourceFile {
    name: String,
    symbols: Range<usize>,
    owner: Option<String>,
}

/// The bytes of a section by who they belong to.
fn attribute<'a>(file: &ElfFile64<'_>, section: &impl ObjectSection<'a>) -> Result<BTreeMap<String, u64>> {
    let all = section.address()..section.address() + section.size();
    let mut pieces = pieces(file, section, &all)?;
    fill_between(&mut pieces, |it| &mut it.owner);
    let name = section.name().context("a section has no name")?;
    let mut parts: BTreeMap<String, u64> = BTreeMap::new();
    let mut give = |part: &str, bytes: u64| {
        if bytes > 0 {
            *parts.entry(part.to_owned()).or_default() += bytes;
        }
    };
    let (unnamed, other) = (format!("without symbols, in {name}"), "other C");
    let mut end = all.start;
    let mut before = None;
    for piece in &pieces {
        let owner = piece.owner.as_deref().unwrap_or(other);
        let gap = piece.range.start.saturating_sub(end);
        // What stands before a function so that it begins at an even address is its neighbour's.
        give(if gap <= ALIGNMENT { before.unwrap_or(owner) } else { &unnamed }, gap);
        // Some symbols lie upon others; who came first has the bytes.
        give(owner, piece.range.end.saturating_sub(piece.range.start.max(end)));
        end = end.max(piece.range.end);
        before = Some(owner);
    }
    give(&unnamed, all.end - end);
    Ok(parts)
}

/// The symbols of a section in the order of their addresses.
fn pieces<'a>(
    file: &ElfFile64<'_>,
    section: &impl ObjectSection<'a>,
    all: &Range<u64>,
) -> Result<Vec<Piece>> {
    let files = source_files(file)?;
    let mut named: Vec<(Range<u64>, Option<String>)> = Vec::new();
    for symbol in file.symbols() {
        if symbol.section_index() != Some(section.index())
            || !matches!(
                symbol.kind(),
                SymbolKind::Text
                    | SymbolKind::Data
                    | SymbolKind::Tls
                    | SymbolKind::Unknown
                    | SymbolKind::Label
            )
        {
            continue;
        }
        let name = symbol.name().context("a symbol has no name")?;
        // The symbols of thread-locals count from the start of their section.
        let from = if symbol.kind() == SymbolKind::Tls { all.start } else { 0 };
        let start = from + symbol.address();
        let range = start..start.saturating_add(symbol.size()).min(all.end);
        // Marks for the assembler and the linker, not somebody's name.
        let is_mark = name.is_empty() || name.starts_with('$') || name.starts_with(".L");
        if all.contains(&start) && !is_mark {
            let local = || {
                let index = Some(symbol.index().0).filter(|_| symbol.is_local())?;
                let after = files.partition_point(|it| it.symbols.start <= index);
                let file = files[..after].last().filter(|it| it.symbols.contains(&index))?;
                file.owner.clone()
            };
            named.push((range, owner::of_name(name).or_else(local)));
        }
    }
    named.sort_by_key(|(range, _)| (range.start, u64::MAX - range.end));
    // A function written in assembler often has no length: it reaches to the next one.
    let starts: Vec<u64> = named.iter().map(|(range, _)| range.start).collect();
    for (range, _) in &mut named {
        if range.is_empty() {
            let next = starts.partition_point(|start| *start <= range.start);
            range.end = starts.get(next).copied().unwrap_or(all.end);
        }
    }
    Ok(named.into_iter().map(|(range, owner)| Piece { range, owner }).collect())
}

/// The source files that the table of symbols names, in the order in which they were linked.
///
/// A file is its symbols' where most of them say so, else that of its name, else that of the files on both sides.
fn source_files(file: &ElfFile64<'_>) -> Result<Vec<SourceFile>> {
    let mut files: Vec<SourceFile> = Vec::new();
    let mut votes: BTreeMap<String, u64> = BTreeMap::new();
    for symbol in file.symbols().filter(|it| it.is_local()) {
        let (name, index) = (symbol.name().context("a symbol has no name")?, symbol.index().0);
        if symbol.kind() == SymbolKind::File {
            elect(files.last_mut(), &mut votes);
            let name = name.rsplit('/').next().unwrap_or(name).to_owned();
            files.push(SourceFile { name, symbols: index + 1..index + 1, owner: None });
        } else if let Some(last) = files.last_mut() {
            last.symbols.end = index + 1;
            if let Some(owner) = owner::of_name(name) {
                *votes.entry(owner).or_default() += symbol.size().max(1);
            }
        }
    }
    elect(files.last_mut(), &mut votes);
    files.retain(|it| !owner::is_of_rust(&it.name));
    fill_between(&mut files, |it| &mut it.owner);
    Ok(files)
}

fn elect(file: Option<&mut SourceFile>, votes: &mut BTreeMap<String, u64>) {
    let votes = std::mem::take(votes);
    if let Some(file) = file {
        let most = votes.into_iter().max_by_key(|(_, bytes)| *bytes);
        file.owner = most.map(|(owner, _)| owner).or_else(|| owner::of_file(&file.name));
    }
}

/// Gives what stands between two things of one owner to that owner: a library is linked as one piece.
fn fill_between<T>(things: &mut [T], owner: impl Fn(&mut T) -> &mut Option<String>) {
    let mut last: Option<(usize, String)> = None;
    for at in 0..things.len() {
        let Some(here) = owner(&mut things[at]).clone() else { continue };
        if let Some((from, before)) = last.filter(|(_, before)| *before == here) {
            for thing in &mut things[from + 1..at] {
                *owner(thing) = Some(before.clone());
            }
        }
        last = Some((at, here));
    }
}

#[cfg(test)]
mod tests;
