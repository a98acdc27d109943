//! Which version of the system's C library a library needs, and which one is here.
//!
//! Read from the tables of the files themselves. Must not know: plugins.

use object::{
    Endianness,
    elf::FileHeader64,
    read::elf::{FileHeader, SectionTable},
};
use std::{fs, path::PathBuf};

const PREFIX: &str = "GLIBC_";
type Version = (u32, u32);

/// The newest version that `bytes`, a library, asks for; nothing when it asks for none.
pub(in crate::plugins) fn needed(bytes: &[u8]) -> Option<Version> {
    let (header, endian) = head(bytes)?;
    let sections: SectionTable<'_, FileHeader64<Endianness>> =
        header.sections(endian, bytes).ok()?;
    let (mut needs, strings) = sections.gnu_verneed(endian, bytes).ok()??;
    let strings = sections.strings(endian, bytes, strings).ok()?;
    let mut newest = None;
    while let Ok(Some((_, mut names))) = needs.next() {
        while let Ok(Some(name)) = names.next() {
            newest = newest.max(name.name(endian, strings).ok().and_then(version));
        }
    }
    newest
}

/// The version this process runs on.
pub(in crate::plugins) fn present() -> Option<Version> {
    let bytes = fs::read(mapped()?).ok()?;
    let (header, endian) = head(&bytes)?;
    let sections: SectionTable<'_, FileHeader64<Endianness>> =
        header.sections(endian, bytes.as_slice()).ok()?;
    let (mut definitions, strings) = sections.gnu_verdef(endian, bytes.as_slice()).ok()??;
    let strings = sections.strings(endian, bytes.as_slice(), strings).ok()?;
    let mut newest = None;
    while let Ok(Some((_, mut names))) = definitions.next() {
        while let Ok(Some(name)) = names.next() {
            newest = newest.max(name.name(endian, strings).ok().and_then(version));
        }
    }
    newest
}

fn head(bytes: &[u8]) -> Option<(&FileHeader64<Endianness>, Endianness)> {
    let header = FileHeader64::<Endianness>::parse(bytes).ok()?;
    Some((header, header.endian().ok()?))
}

/// The file of the C library in this process.
fn mapped() -> Option<PathBuf> {
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    let mut paths = maps.split_whitespace().filter(|word| word.starts_with('/'));
    paths.find(|path| path.contains("/libc.so.6") || path.contains("/libc-2.")).map(PathBuf::from)
}

fn version(name: &[u8]) -> Option<Version> {
    let text = std::str::from_utf8(name).ok()?.strip_prefix(PREFIX)?;
    let mut parts = text.split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_very_program_fits_this_very_system() {
        let bytes = fs::read(std::env::current_exe().unwrap()).unwrap();
        let (needed, present) = (needed(&bytes).unwrap(), present().unwrap());
        assert!(needed <= present && needed.0 == 2, "{needed:?} {present:?}");
    }

    #[test]
    fn versions_are_numbers_and_other_names_are_none() {
        assert_eq!(version(b"GLIBC_2.34"), Some((2, 34)));
        assert_eq!(version(b"GLIBC_2.3.4"), Some((2, 3)));
        assert_eq!(version(b"GLIBC_PRIVATE"), None);
        assert_eq!(version(b"GCC_3.0"), None);
        assert_eq!(needed(b"no library"), None);
    }
}
