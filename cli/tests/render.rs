//! `pdf2img render` as a shell and a script see it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

#[test]
fn every_page_becomes_a_file_and_the_exit_code_is_0() {
    let desk = Desk::new();
    let file = desk.write("in/Ünï côdé (1).PDF", &sheets(2));
    let output = desk.render([file.to_str().unwrap(), "-o", "out", "--dpi", "72"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(output.stdout.is_empty());
    assert_eq!(desk.files("out"), ["Ünï côdé (1)/page-0001.png", "Ünï côdé (1)/page-0002.png"]);
    assert_eq!(size(&desk.read("out/Ünï côdé (1)/page-0001.png")), (60, 40));
    let said = stderr(&output);
    assert!(said.contains("2 of 2 pages") && said.contains("out/Ünï côdé (1)"), "{said}");
}

#[test]
fn renditions_are_files_beside_their_pages() {
    let desk = Desk::new();
    desk.write("a.pdf", &sheets(2));
    let output = desk.render([
        "a.pdf",
        "-o",
        "out",
        "--dpi",
        "72",
        "--renditions",
        "thumb: width=30; web: dpi=36 format=webp",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let names = [
        "page-0001.png",
        "page-0002.png",
        "thumb-0001.png",
        "thumb-0002.png",
        "web-0001.webp",
        "web-0002.webp",
    ];
    assert_eq!(desk.files("out"), names.map(|name| format!("a/{name}")));
    assert_eq!(size(&desk.read("out/a/page-0002.png")), (60, 40));
    assert_eq!(size(&desk.read("out/a/thumb-0002.png")), (30, 20));
    assert_eq!(&desk.read("out/a/web-0001.webp")[8..12], b"WEBP");

    let output = desk.render(["a.pdf", "-o", "out", "--renditions", "thumb: width=30 quality=5"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--renditions, thumb: quality=5 and format=png"), "{}", stderr(&output));
    let output = desk.render(["a.pdf", "-o", "-", "--pages", "1", "--renditions", "thumb: width=30"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("-o - takes one image"), "{}", stderr(&output));
}

#[test]
fn pages_that_fail_are_named_and_the_exit_code_is_1() {
    let desk = Desk::new();
    desk.write("a.pdf", &sheets(2));
    let output = desk.render(["a.pdf", "-o", "out", "--pages", "1,9"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(desk.files("out"), ["a/page-0001.png"]);
    let said = stderr(&output);
    assert!(
        said.contains("a.pdf: page 9 was asked for, but the document has 2 (page_out_of_range)"),
        "{said}"
    );
    assert!(said.contains("1 of 2 pages"), "{said}");
}

#[test]
fn where_nothing_is_rendered_the_exit_code_is_2() {
    let desk = Desk::new();
    desk.write("page.pdf", b"<html></html>");
    desk.write("empty.pdf", b"");
    for (file, code) in [("page.pdf", "not_a_pdf"), ("empty.pdf", "empty_file"), ("gone.pdf", "unreadable")] {
        let output = desk.render([file, "-o", "out"]);
        assert_eq!(output.status.code(), Some(2), "{file}");
        let said = stderr(&output);
        assert!(said.starts_with(file) && said.contains(code), "{said}");
    }
    assert_eq!(desk.files("out"), [""; 0]);
}

#[test]
fn several_files_are_rendered_side_by_side_and_a_bad_one_costs_no_other() {
    let desk = Desk::new();
    desk.write("a.pdf", &sheets(2));
    desk.write("b.pdf", &sheets(1));
    desk.write("bad.pdf", b"<html></html>");
    let output = desk.render(["a.pdf", "bad.pdf", "missing.pdf", "b.pdf", "-o", "out", "--dpi", "36"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(desk.files("out"), ["a/page-0001.png", "a/page-0002.png", "b/page-0001.png"]);
    let said = stderr(&output);
    assert!(said.contains("bad.pdf: ") && said.contains("(not_a_pdf)"), "{said}");
    assert!(said.contains("missing.pdf: ") && said.contains("No such file"), "{said}");
}

#[test]
fn a_script_gets_one_json_object_a_document() {
    let desk = Desk::new();
    desk.write("a.pdf", &sheets(2));
    desk.write("bad.pdf", b"<html></html>");
    let output =
        desk.render(["a.pdf", "bad.pdf", "-o", "out", "--json", "--pages", "2,3", "--format", "jpeg"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stderr.is_empty(), "{}", stderr(&output));
    let lines: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    let of = |file: &str| lines.iter().find(|line| line["file"] == file).unwrap();
    let (good, bad) = (of("a.pdf"), of("bad.pdf"));
    assert_eq!((good["page_count"].as_u64(), good["images"].as_u64()), (Some(2), Some(1)), "{good}");
    let page = &good["pages"][0];
    assert_eq!(page["page"], 2);
    assert_eq!(page["key"], "out/a/page-0002.jpeg");
    assert_eq!(page["bytes"].as_u64(), Some(desk.read("out/a/page-0002.jpeg").len() as u64));
    assert_eq!((page["width"].as_u64(), page["height"].as_u64()), (Some(125), Some(84)));
    assert_eq!(page["sha256"].as_str().map(str::len), Some(64));
    assert!(page["ms"]["render"].is_f64());
    assert_eq!(good["pages"][1]["error"]["code"], "page_out_of_range");
    assert_eq!((bad["images"].as_u64(), &bad["error"]["code"]), (Some(0), &Value::from("not_a_pdf")));
    assert!(good["ms"].as_f64().is_some_and(|ms| ms > 0.0));
}

#[test]
fn a_pdf_comes_from_standard_input_and_an_image_goes_to_standard_output() {
    let desk = Desk::new();
    let output = desk.render_stdin(["-", "-o", "out"], &sheets(1));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(desk.files("out"), ["stdin/page-0001.png"]);

    let output = desk.render_stdin(["-", "-o", "-", "--dpi", "72"], &sheets(1));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(size(&output.stdout), (60, 40));
    assert!(output.stderr.is_empty());

    let output = desk.render_stdin(["-", "-o", "-", "--pages", "-1", "--width", "30"], &sheets(3));
    assert_eq!((output.status.code(), size(&output.stdout)), (Some(0), (30, 20)));
}

#[test]
fn what_standard_output_cannot_take_is_refused_with_the_remedy_and_writes_nothing() {
    let desk = Desk::new();
    desk.write("a.pdf", &sheets(3));
    desk.write("bad.pdf", b"<html></html>");
    for (arguments, remedy) in [
        (&["a.pdf", "-o", "-"][..], "--pages"),
        (&["a.pdf", "bad.pdf", "-o", "-"], "-o - takes one file"),
        (&["a.pdf", "-o", "-", "--json", "--pages", "1"], "--json"),
        (&["bad.pdf", "-o", "-"], "not_a_pdf"),
        (&["a.pdf", "-o", "-", "--pages", "7"], "the document has 3"),
    ] {
        let output = desk.render(arguments.iter().copied());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert!(stderr(&output).contains(remedy), "{arguments:?}: {}", stderr(&output));
    }
}

#[test]
fn files_that_would_write_the_same_images_are_refused() {
    let desk = Desk::new();
    desk.write("one/a.pdf", &sheets(1));
    desk.write("two/a.pdf", &sheets(1));
    let output = desk.render(["one/a.pdf", "two/a.pdf", "-o", "out"]);
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    assert!(
        said.contains("one/a.pdf") && said.contains("two/a.pdf") && said.contains("same images"),
        "{said}"
    );
    assert_eq!(desk.files("out"), [""; 0]);
}

#[test]
fn a_flag_that_is_not_accepted_is_shown_with_what_is() {
    let desk = Desk::new();
    desk.write("a.pdf", &sheets(1));
    for (arguments, parts) in [
        (&["--dpi", "fast"][..], &["--dpi=\"fast\"", "a number from 1 to 2400"][..]),
        (&["--format", "gif"], &["--format=\"gif\"", "png, jpeg or webp"]),
        (&["--pages", "3-1"], &["--pages=\"3-1\""]),
        (&["--dpi", "72", "--width", "100"], &["--dpi", "--width"]),
        (&["--quality", "80"], &["--quality", "png"]),
        (&["--dip", "72"], &["--dip"]),
        (&["--output-key", "{stem}.png"], &["{page}"]),
    ] {
        let output = desk.render([&["a.pdf", "-o", "out"], arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        for part in parts {
            assert!(stderr(&output).contains(part), "{part} in {}", stderr(&output));
        }
    }
    assert_eq!(desk.files("out"), [""; 0]);
}

#[test]
fn a_template_names_the_files() {
    let desk = Desk::new();
    desk.write("in/a.pdf", &sheets(2));
    let output = desk.render(["in/a.pdf", "-o", "out", "--output-key", "{stem}-{page}.{ext}"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(desk.files("out"), ["a-1.png", "a-2.png"]);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let desk = Desk::new();
    desk.write("a.pdf", &sheets(60));
    desk.write("file", b"no folder");
    let output = desk.render(["a.pdf", "-o", "file/out"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("failed to create the output folder file/out"), "{}", stderr(&output));

    // The folder is there, but the document's own cannot be made.
    desk.write("out/a", b"in the way");
    let output = desk.render(["a.pdf", "-o", "out"]);
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    assert!(said.starts_with("a.pdf: failed to write out/a/page-0001.png: "), "{said}");
    // Those that were drawn already say so too; the others are not drawn, and not told of.
    assert!(said.contains("(not_written)") && said.lines().count() < 60, "{said}");
}

#[test]
fn an_encrypted_file_needs_its_password() {
    let desk = Desk::new();
    desk.write("a.pdf", include_bytes!("../../corpus/fixtures/encrypted-aes-256.pdf"));
    let output = desk.render(["a.pdf", "-o", "out"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("(encrypted)"), "{}", stderr(&output));
    let output = desk.render(["a.pdf", "-o", "out", "--password", "hunter2"]);
    assert!(stderr(&output).contains("(wrong_password)"), "{}", stderr(&output));
    assert!(!stderr(&output).contains("hunter2"));
    let output = desk.render(["a.pdf", "-o", "out", "--password", "user"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

/// A folder to work in.
struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new() -> Desk {
        Desk { folder: tempfile::tempdir().unwrap() }
    }

    fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.folder.path().join(name)).unwrap()
    }

    /// The files below a folder, in order; none if it is not there.
    fn files(&self, folder: &str) -> Vec<String> {
        fn walk(folder: &Path, root: &Path, files: &mut Vec<String>) {
            let Ok(entries) = fs::read_dir(folder) else { return };
            for path in entries.map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    walk(&path, root, files);
                } else {
                    files.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        let (root, mut files) = (self.folder.path().join(folder), Vec::new());
        walk(&root, &root, &mut files);
        files.sort();
        files
    }

    fn command<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pdf2img"));
        command.current_dir(self.folder.path()).arg("render").args(arguments);
        command
    }

    fn render<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Output {
        self.command(arguments).stdin(Stdio::null()).output().unwrap()
    }

    fn render_stdin<'a>(&self, arguments: impl IntoIterator<Item = &'a str>, input: &[u8]) -> Output {
        let mut command = self.command(arguments);
        let mut running =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        running.stdin.take().unwrap().write_all(input).unwrap();
        running.wait_with_output().unwrap()
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Width and height of a PNG.
fn size(png: &[u8]) -> (u32, u32) {
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"));
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

/// A document of blank pages of 60 × 40 pt. Its cross-reference table is left for the engine to mend.
fn sheets(pages: u32) -> Vec<u8> {
    let kids: String = (0..pages).map(|page| format!("{} 0 R ", 3 + page)).collect();
    let mut pdf = format!(
        "%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n\
         2 0 obj\n<</Type/Pages/Count {pages}/Kids[{kids}]>>\nendobj\n"
    );
    for page in 0..pages {
        pdf += &format!("{} 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 60 40]>>\nendobj\n", 3 + page);
    }
    pdf += "trailer\n<</Root 1 0 R>>\n%%EOF\n";
    pdf.into_bytes()
}
