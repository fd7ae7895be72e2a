//! Compiles `shim.c` against the headers of the MuPDF that `mupdf-sys` builds.

use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::process::Command;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=shim.c");
    println!("cargo:rerun-if-changed=shim.h");
    // `mupdf-sys` compiles its own wrapper with the headers' default configuration, as is done
    // here: the `FZ_ENABLE_*` that it sets choose what is built and change no declaration we use.
    cc::Build::new().file("shim.c").include(mupdf_include_dir()?).warnings(true).compile("render-mupdf-shim");
    Ok(())
}

/// Finds the directory of MuPDF's headers inside the source of `mupdf-sys`.
///
/// `mupdf-sys` does not tell its dependents where it lies, and it lies elsewhere in a registry
/// cache than in a vendor directory. Cargo knows.
fn mupdf_include_dir() -> Result<PathBuf, Box<dyn Error>> {
    // Offline first: every package that this target needs is on disk by now. It fails only where
    // another member of the workspace has dependencies that were never fetched.
    let metadata = cargo_metadata(&["--offline"]).or_else(|_| cargo_metadata(&[]))?;
    let manifest = metadata["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|package| package["name"] == "mupdf-sys")
        .and_then(|package| package["manifest_path"].as_str())
        .ok_or("cargo metadata lists no package mupdf-sys")?;
    let include_dir = PathBuf::from(manifest).with_file_name("mupdf").join("include");
    if include_dir.join("mupdf/fitz.h").is_file() {
        Ok(include_dir)
    } else {
        Err(format!("no MuPDF headers in {}", include_dir.display()).into())
    }
}

fn cargo_metadata(more_args: &[&str]) -> Result<serde_json::Value, Box<dyn Error>> {
    let output = Command::new(env::var_os("CARGO").ok_or("CARGO is not set")?)
        .args(["metadata", "--format-version=1", "--locked", "--filter-platform"])
        .arg(env::var("TARGET")?)
        .args(more_args)
        .output()?;
    if !output.status.success() {
        return Err(format!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
