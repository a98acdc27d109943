//! Damaged and foreign files against the header check. The good file is this test program itself,
//! which is a position-independent executable and so has the header of a shared object.

use super::*;

fn ourselves() -> Vec<u8> {
    let exe = std::env::current_exe().expect("a running test has a path");
    std::fs::read(exe).expect("a running test can be read")
}

#[test]
fn a_whole_file_passes() {
    assert_eq!(check("x.so", &ourselves()), Ok(()));
}

#[test]
fn an_empty_file_a_text_and_a_32_bit_file_are_not_libraries() {
    let mut narrow = ourselves();
    narrow[4] = elf::ELFCLASS32;
    for bytes in [&b""[..], b"#!/bin/sh\nexit 0\n", &narrow] {
        let refusal = check("dir/x.so", bytes).unwrap_err();
        assert!(matches!(refusal, Refusal::NotALibrary { .. }), "{refusal}");
        assert!(refusal.to_string().starts_with("dir/x.so: not a library: "), "{refusal}");
    }
}

#[test]
fn a_file_cut_anywhere_before_its_segments_end_is_truncated() {
    let whole = ourselves();
    let header = FileHeader64::<Endianness>::parse(&*whole).unwrap();
    let endian = header.endian().unwrap();
    let segments = header.program_headers(endian, &*whole).unwrap();
    let loaded = segments.iter().filter(|segment| segment.p_type(endian) == elf::PT_LOAD);
    let end = loaded.map(|s| s.p_offset(endian) + s.p_filesz(endian)).max().unwrap();
    let end = usize::try_from(end).unwrap();
    for bytes in [5, 40, 70, 500, end / 2, end - 1, whole.len() / 2, whole.len() - 1] {
        let refusal = check("x.so", &whole[..bytes]).unwrap_err();
        assert!(matches!(refusal, Refusal::Truncated { .. }), "{bytes} bytes: {refusal}");
    }
}

#[test]
fn another_processor_is_named() {
    let mut foreign = ourselves();
    let machine = if OURS == elf::EM_AARCH64 { elf::EM_X86_64 } else { elf::EM_AARCH64 };
    foreign[18..20].copy_from_slice(&machine.to_le_bytes());
    let refusal = check("x.so", &foreign).unwrap_err();
    assert!(
        matches!(&refusal, Refusal::WrongMachine { found, .. } if *found == machine_name(machine))
    );
}

#[test]
fn an_object_file_is_not_a_library() {
    let mut object = ourselves();
    object[16..18].copy_from_slice(&elf::ET_REL.to_le_bytes());
    assert!(matches!(check("x.so", &object), Err(Refusal::NotALibrary { .. })));
}
