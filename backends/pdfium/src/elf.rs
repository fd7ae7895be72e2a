//! A look at the head of a shared library.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use crate::library::LoadError;

/// What the head of the file tells.
pub(crate) struct Inspected {
    /// The id that the linker gave the build, in hexadecimal.
    pub(crate) build_id: Option<String>,
}

/// Makes sure that the file is a library for this machine.
pub(crate) fn inspect(path: &Path) -> Result<Inspected, LoadError> {
    let unreadable = |source| LoadError::Unreadable { path: path.to_path_buf(), source };
    let not_a_library = || LoadError::NotALibrary { path: path.to_path_buf() };
    let mut file = File::open(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.is_dir() {
        return Err(not_a_library());
    }
    let header = read_at(&mut file, 0, HEADER_BYTES).map_err(unreadable)?;
    // 64 bits, little-endian, a shared object.
    let is_library =
        header.len() == HEADER_BYTES && header.starts_with(b"\x7FELF\x02\x01") && u16_at(&header, 16) == 3;
    if !is_library {
        return Err(not_a_library());
    }
    let machine = u16_at(&header, 18);
    if machine_name(machine) != std::env::consts::ARCH {
        return Err(LoadError::OtherMachine {
            path: path.to_path_buf(),
            found: machine_name(machine).to_owned(),
            wanted: std::env::consts::ARCH,
        });
    }
    Ok(Inspected { build_id: build_id(&mut file, &header).map_err(unreadable)? })
}

const HEADER_BYTES: usize = 64;
const SEGMENT_BYTES: usize = 56;
/// More than the notes of any library.
const MAX_NOTE_BYTES: usize = 4096;
const SEGMENT_NOTE: u32 = 4;
const NOTE_BUILD_ID: u32 = 3;

/// The GNU build id, which is a note in a segment of notes.
fn build_id(file: &mut File, header: &[u8]) -> io::Result<Option<String>> {
    let (table, count) = (u64_at(header, 32), usize::from(u16_at(header, 56)));
    let segments = read_at(file, table, count.min(64) * SEGMENT_BYTES)?;
    for segment in segments.chunks_exact(SEGMENT_BYTES) {
        if u32_at(segment, 0) == SEGMENT_NOTE {
            let bytes = usize::try_from(u64_at(segment, 32)).unwrap_or(usize::MAX).min(MAX_NOTE_BYTES);
            let notes = read_at(file, u64_at(segment, 8), bytes)?;
            if let Some(id) = build_id_in(&notes) {
                return Ok(Some(id.iter().map(|byte| format!("{byte:02x}")).collect()));
            }
        }
    }
    Ok(None)
}

fn build_id_in(mut notes: &[u8]) -> Option<&[u8]> {
    while notes.len() >= 12 {
        let (name_bytes, id_bytes, kind) = (u32_at(notes, 0), u32_at(notes, 4), u32_at(notes, 8));
        let padded = |bytes: u32| (bytes as usize).next_multiple_of(4);
        let name_end = 12_usize.checked_add(padded(name_bytes))?;
        let name = notes.get(12..name_end)?;
        if kind == NOTE_BUILD_ID && name == b"GNU\0" {
            return notes.get(name_end..name_end.checked_add(id_bytes as usize)?);
        }
        notes = notes.get(name_end.checked_add(padded(id_bytes))?..)?;
    }
    None
}

/// Up to `bytes` bytes; fewer where the file ends.
fn read_at(file: &mut File, offset: u64, bytes: usize) -> io::Result<Vec<u8>> {
    let mut read = Vec::new();
    file.seek(SeekFrom::Start(offset.min(i64::MAX as u64)))?;
    file.take(bytes as u64).read_to_end(&mut read)?;
    Ok(read)
}

fn machine_name(machine: u16) -> &'static str {
    match machine {
        3 => "x86",
        40 => "arm",
        62 => "x86_64",
        183 => "aarch64",
        243 => "RISC-V",
        _ => "another machine",
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_id_is_found_behind_other_notes() {
        let mut notes = Vec::new();
        notes.extend([4_u32, 2, 1].map(u32::to_le_bytes).concat());
        notes.extend(b"GNU\0\x01\x02\0\0");
        notes.extend([4_u32, 3, NOTE_BUILD_ID].map(u32::to_le_bytes).concat());
        notes.extend(b"GNU\0\xAB\xCD\xEF\0");
        assert_eq!(build_id_in(&notes), Some(&[0xAB, 0xCD, 0xEF][..]));
        for end in 0..notes.len() - 1 {
            assert_eq!(build_id_in(&notes[..end]), None, "{end} bytes");
        }
    }

    #[test]
    fn lengths_that_lie_end_the_search() {
        let notes = [u32::MAX - 2, u32::MAX - 2, 9].map(u32::to_le_bytes).concat();
        assert_eq!(build_id_in(&notes), None);
    }
}
