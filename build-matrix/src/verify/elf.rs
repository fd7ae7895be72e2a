//! What an ELF file says about itself.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use object::elf::{self, Machine};
use object::read::elf::{Dyn, ElfFile64, FileHeader, ProgramHeader};
use object::{Endianness, FileKind};

/// The facts that decide where a file runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Elf {
    /// The machine as `uname -m` names it.
    pub(super) machine: String,
    /// The dynamic loader that the kernel is to start.
    pub(super) interpreter: Option<String>,
    /// The libraries that it needs.
    pub(super) needed: Vec<String>,
    /// The versions of symbols that it needs, by library.
    pub(super) versions: BTreeMap<String, Vec<String>>,
    /// Whether its stack is executable; `None` if it does not say, which some systems take for a yes.
    pub(super) executable_stack: Option<bool>,
}

impl Elf {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// If it is no 64-bit ELF file, or a damaged one.
    pub(super) fn parse(bytes: &[u8]) -> Result<Elf> {
        match FileKind::parse(bytes) {
            Ok(FileKind::Elf64) => {}
            Ok(FileKind::Elf32) => bail!("it is a 32-bit ELF file, and 64-bit is needed"),
            _ => bail!("it is no ELF file, so Linux cannot run it"),
        }
        let file = ElfFile64::<Endianness>::parse(bytes).context("it is a damaged ELF file")?;
        let endian = file.endian();
        let mut elf = Elf {
            machine: machine_name(file.elf_header().e_machine(endian)),
            interpreter: None,
            needed: Vec::new(),
            versions: BTreeMap::new(),
            executable_stack: None,
        };
        let mut needed_entries = 0;
        for segment in file.elf_program_headers() {
            if let Some(path) = segment.interpreter(endian, bytes)? {
                elf.interpreter = Some(text(path));
            }
            if segment.p_type(endian) == elf::PT_GNU_STACK {
                elf.executable_stack = Some(segment.p_flags(endian).contains(elf::PF_X));
            }
            // The loader goes by this table, whatever the sections say.
            if let Some(entries) = segment.dynamic(endian, bytes)? {
                let entries = entries.iter().map(|it| it.d_tag(endian)).take_while(|&it| it != elf::DT_NULL);
                needed_entries += entries.filter(|&it| it == elf::DT_NEEDED).count();
            }
        }
        let table = file.elf_dynamic_table()?;
        for entry in &table {
            if entry.tag == elf::DT_NEEDED {
                elf.needed.push(text(table.string(entry)?));
            }
        }
        if elf.needed.len() != needed_entries {
            bail!(
                "it needs {needed_entries} libraries by its segments and {} by its sections, so it cannot be told which; \
                 strip symbols only",
                elf.needed.len()
            );
        }
        let sections = file.elf_section_table();
        if let Some((libraries, link)) = sections.gnu_verneed(endian, bytes)? {
            let strings = sections.strings(endian, bytes, link)?;
            for library in libraries {
                let (library, versions) = library?;
                let names = elf.versions.entry(text(library.file(endian, strings)?)).or_default();
                for version in versions {
                    names.push(text(version?.name(endian, strings)?));
                }
            }
        }
        Ok(elf)
    }
}

fn machine_name(machine: Machine) -> String {
    match machine {
        elf::EM_X86_64 => "x86_64".to_owned(),
        elf::EM_AARCH64 => "aarch64".to_owned(),
        elf::EM_RISCV => "riscv64".to_owned(),
        elf::EM_PPC64 => "ppc64".to_owned(),
        elf::EM_S390 => "s390x".to_owned(),
        other => format!("ELF machine {}", other.0),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
