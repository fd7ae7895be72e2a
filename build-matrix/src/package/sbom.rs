use anyhow::{Context, Result, ensure};
use cyclonedx_bom::external_models::normalized_string::NormalizedString;
use cyclonedx_bom::external_models::uri::Purl;
use cyclonedx_bom::models::bom::{Bom, SpecVersion};
use cyclonedx_bom::models::component::{Classification, Component, Components};
use cyclonedx_bom::models::hash::{Hash, HashAlgorithm, HashValue, Hashes};
use cyclonedx_bom::models::license::{LicenseChoice, Licenses};
use cyclonedx_bom::models::metadata::Metadata;
use cyclonedx_bom::prelude::Validate;

use super::Contents;
use crate::Cell;
use crate::record::Built;

/// The bill of materials of a cell as CycloneDX 1.5 in JSON, without time and serial number, so that the same
/// contents give the same bytes.
///
/// # Errors
///
/// If it would not be a valid one.
pub(super) fn of(cell: &Cell, built: &Built, contents: &Contents) -> Result<Vec<u8>> {
    let mut whole =
        component(Classification::Application, &format!("pdf2img-{cell}"), Some(&built.commit), None);
    let sums = built.files.iter().filter(|(path, _)| *path == "lambda/bootstrap");
    whole.hashes = Some(Hashes(
        sums.map(|(_, file)| Hash { alg: HashAlgorithm::SHA_256, content: HashValue(file.sha256.clone()) })
            .collect(),
    ));
    let mut components = Vec::new();
    for package in &contents.packages {
        let version = package.version.to_string();
        let mut one = component(
            Classification::Library,
            package.name.as_str(),
            Some(&version),
            // A slash was once how cargo wrote an OR.
            package.license.as_ref().map(|it| it.replace('/', " OR ").replace("  ", " ")).as_deref(),
        );
        if package.source.is_some() {
            let purl = Purl::new("cargo", package.name.as_str(), &version);
            one.purl = Some(purl.with_context(|| format!("{} cannot be named by a purl", package.name))?);
        }
        components.push(one);
    }
    for it in &contents.components {
        components.push(component(
            Classification::Library,
            &it.name,
            it.version.as_deref(),
            Some(&it.licence),
        ));
    }
    for (path, file) in &built.files {
        if path == "lambda/lib/libpdfium.so" {
            let mut pdfium =
                component(Classification::Library, "PDFium", None, Some("BSD-3-Clause AND Apache-2.0"));
            let hash = Hash { alg: HashAlgorithm::SHA_256, content: HashValue(file.sha256.clone()) };
            pdfium.hashes = Some(Hashes(vec![hash]));
            components.push(pdfium);
        }
    }
    let bom = Bom {
        spec_version: SpecVersion::V1_5,
        serial_number: None,
        metadata: Some(Metadata { component: Some(whole), ..Metadata::default() }),
        components: Some(Components(components)),
        ..Bom::default()
    };
    let validity = bom.validate();
    ensure!(validity.passed(), "the bill of materials is not valid: {validity:?}");
    let mut json = Vec::new();
    bom.output_as_json_v1_5(&mut json).context("failed to write the bill of materials")?;
    json.push(b'\n');
    Ok(json)
}

fn component(kind: Classification, name: &str, version: Option<&str>, licence: Option<&str>) -> Component {
    let mut component = Component::new(kind, name, version.unwrap_or_default(), None);
    component.version = version.map(NormalizedString::new);
    component.licenses = licence.map(|it| Licenses(vec![LicenseChoice::expression(it)]));
    component
}
