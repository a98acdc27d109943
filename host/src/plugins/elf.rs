//! Looks at a library's headers before anything maps it: the dynamic linker does not survive every
//! damaged file, and it misnames libraries of other processors.
//!
//! Must not know: where the bytes come from, what the library does.

pub(super) mod glibc;

use super::Refusal;
use object::{
    Endianness,
    elf::{self, FileHeader64},
    read::elf::{FileHeader, ProgramHeader},
};

/// Checks that `bytes` are a whole shared object for this machine. `file` is for the message.
pub(super) fn check(file: &str, bytes: &[u8]) -> Result<(), Refusal> {
    let not_a_library =
        |detail: &str| Refusal::NotALibrary { file: file.to_owned(), detail: detail.to_owned() };
    if bytes.is_empty() {
        return Err(not_a_library("the file is empty"));
    }
    if !bytes.starts_with(&elf::ELFMAG) {
        return Err(not_a_library("it does not begin as an ELF file does"));
    }
    if bytes.get(4) == Some(&elf::ELFCLASS32) {
        return Err(not_a_library("it is a 32-bit ELF file"));
    }
    let truncated = |detail: String| Refusal::Truncated { file: file.to_owned(), detail };
    let header = FileHeader64::<Endianness>::parse(bytes).map_err(|_| {
        truncated(format!("it ends after {} bytes, inside its header", bytes.len()))
    })?;
    let endian = header.endian().map_err(|error| not_a_library(&error.to_string()))?;
    let machine = header.e_machine(endian);
    if machine != OURS {
        return Err(Refusal::WrongMachine {
            file: file.to_owned(),
            found: machine_name(machine),
            wanted: machine_name(OURS),
        });
    }
    if header.e_type(endian) != elf::ET_DYN {
        return Err(not_a_library("it is an ELF file of another kind"));
    }
    let segments = header
        .program_headers(endian, bytes)
        .map_err(|_| truncated("its list of segments is cut off".to_owned()))?;
    let mut mapped = 0_u32;
    for segment in segments.iter().filter(|segment| segment.p_type(endian) == elf::PT_LOAD) {
        let end = segment.p_offset(endian).checked_add(segment.p_filesz(endian));
        if end.is_none_or(|end| end > bytes.len() as u64) {
            let needs = end.map_or_else(|| "more".to_owned(), |end| end.to_string());
            let has = bytes.len();
            return Err(truncated(format!("it has {has} bytes, its segments need {needs}")));
        }
        mapped += 1;
    }
    if mapped == 0 {
        return Err(not_a_library("it has nothing to load"));
    }
    // Not needed for loading, but it stands last: without it the end of the file is missing.
    header.section_headers(endian, bytes).map_err(|_| {
        truncated(format!("it ends after {} bytes, before its sections", bytes.len()))
    })?;
    Ok(())
}

#[cfg(target_arch = "x86_64")]
const OURS: u16 = elf::EM_X86_64;
#[cfg(target_arch = "aarch64")]
const OURS: u16 = elf::EM_AARCH64;
#[cfg(target_arch = "riscv64")]
const OURS: u16 = elf::EM_RISCV;
#[cfg(target_arch = "powerpc64")]
const OURS: u16 = elf::EM_PPC64;
#[cfg(target_arch = "s390x")]
const OURS: u16 = elf::EM_S390;

fn machine_name(machine: u16) -> String {
    match machine {
        elf::EM_X86_64 => "x86-64".to_owned(),
        elf::EM_AARCH64 => "AArch64".to_owned(),
        elf::EM_RISCV => "RISC-V".to_owned(),
        elf::EM_PPC64 => "PowerPC 64".to_owned(),
        elf::EM_S390 => "IBM S/390".to_owned(),
        elf::EM_386 => "x86".to_owned(),
        elf::EM_ARM => "ARM".to_owned(),
        other => format!("ELF machine {other}"),
    }
}

#[cfg(test)]
mod tests;
