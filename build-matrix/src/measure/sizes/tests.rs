use std::fs;
use std::process::Command;

use super::*;

/// A small program with symbols and without, of the same sources.
fn specimen() -> (Vec<u8>, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("specimen.rs");
    let program = "#[unsafe(no_mangle)] #[inline(never)] pub extern \"C\" fn fz_draw(n: u64) -> u64 { (0..n).map(|it| it ^ n).sum() }\n\
        #[unsafe(no_mangle)] pub static resources_icc_specimen: [u8; 5000] = [7; 5000];\n\
        fn main() { println!(\"{}\", fz_draw(u64::from(resources_icc_specimen[std::env::args().count()]))); }";
    fs::write(&source, program).unwrap();
    let compile = |strip: &str| {
        let out = dir.path().join(strip);
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let mut command = Command::new(rustc);
        command
            .args(["--edition", "2024", "-O", "-C", &format!("strip={strip}"), "-o"])
            .arg(&out)
            .arg(&source);
        assert!(command.status().unwrap().success());
        fs::read(out).unwrap()
    };
    (compile("symbols"), compile("none"))
}

#[test]
fn sections_and_parts_sum_up_to_the_file() {
    let (stripped, with_symbols) = specimen();
    for file in [&stripped, &with_symbols] {
        let sections = by_section(file).unwrap();
        assert_eq!(sections.values().sum::<u64>(), file.len() as u64);
        assert!(sections[".text"] > 10_000, "{sections:?}");
    }
    let parts = by_part(&stripped, &with_symbols).unwrap();
    assert_eq!(parts.iter().map(|(_, bytes)| bytes).sum::<u64>(), stripped.len() as u64);
    assert!(parts.is_sorted_by_key(|(_, bytes)| u64::MAX - bytes), "{parts:?}");
    let of = |name: &str| parts.iter().find(|(part, _)| part == name).map_or(0, |(_, bytes)| *bytes);
    assert!((5_000..6_000).contains(&of("MuPDF")), "{parts:?}");
    assert!(of("Rust's standard library") > 10_000, "{parts:?}");
    assert!(of("unwind tables") > 1_000, "{parts:?}");
}

#[test]
fn symbols_of_another_build_are_refused() {
    let (stripped, _) = specimen();
    let other = fs::read("/proc/self/exe").unwrap();
    let error = by_part(&stripped, &other).unwrap_err().to_string();
    assert!(error.contains("of two builds"), "{error}");
    assert!(by_section(b"no executable").is_err());
}

#[test]
fn what_stands_between_two_of_one_owner_is_theirs() {
    let owned = |owners: &[Option<&str>]| owners.iter().map(|it| it.map(str::to_owned)).collect::<Vec<_>>();
    let mut things = owned(&[None, Some("a"), None, None, Some("a"), None, Some("b"), None]);
    fill_between(&mut things, |it| it);
    let (a, b) = (Some("a"), Some("b"));
    assert_eq!(things, owned(&[None, a, a, a, a, None, b, None]));
}
