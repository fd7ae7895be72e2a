//! The sheets' HTML.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Write};

use pdf2img::manifest::{Failure, Image, Manifest, PageEntry, PageResult, Status};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{DocumentSummary, sheet_key};

const STYLE: &str = include_str!("style.css");

/// What stays as it is in a segment of a link's path.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The page of one document.
pub(super) fn document_page(manifest: &Manifest, bucket: &str, manifest_key: &str) -> String {
    let folder = folder_of(manifest_key);
    let up_to_data = "../".repeat(folder.matches('/').count() + 1);
    let source = &manifest.source;
    let status = status_word(manifest.status);
    let mut body = format!(
        "<nav><a href=\"{up_to_data}index.html\">All documents</a></nav>\n\
         <div class=\"head\"><h1>{}</h1><span class=\"status {status}\">{status}</span></div>\n\
         <p class=\"source\"><a href=\"{up_to_data}{}/{}\">s3://{}/{}</a></p>\n",
        Escaped(file_name(&source.key)),
        Link(&source.bucket),
        Link(&source.key),
        Escaped(&source.bucket),
        Escaped(&source.key),
    );
    body.push_str(&facts(manifest));
    if let Some(error) = &manifest.error {
        push(&mut body, format_args!("<div class=\"problem\">{}</div>\n", Problem(error)));
    }
    body.push_str(&settings(manifest, file_name(manifest_key)));
    body.push_str("<ul class=\"pages\">\n");
    for page in &manifest.pages {
        body.push_str(&page_card(page, folder));
    }
    body.push_str("</ul>\n");
    let bucket_note = format!("Images are in s3://{bucket}. Written by {}.", manifest.generator);
    page(file_name(&source.key), &body, &bucket_note)
}

/// The list of all documents, the newest first.
pub(super) fn list_page(documents: &BTreeMap<String, DocumentSummary>, bucket: &str) -> String {
    let mut rows: Vec<(&String, &DocumentSummary)> = documents.iter().collect();
    rows.sort_by_key(|(_, document)| std::cmp::Reverse(document.written));
    let count = |status| documents.values().filter(|document| document.manifest.status == status).count();
    let images: u64 = documents.values().map(|document| u64::from(document.manifest.totals.images)).sum();
    let bytes: u64 = documents.values().map(|document| document.manifest.totals.bytes).sum();
    let mut body = String::from("<div class=\"head\"><h1>Documents</h1></div>\n<dl class=\"facts\">");
    for (name, value) in [
        ("Documents", documents.len().to_string()),
        ("Complete", count(Status::Complete).to_string()),
        ("Partial", count(Status::Partial).to_string()),
        ("Failed", count(Status::Failed).to_string()),
        ("Images", images.to_string()),
        ("Image bytes", Bytes(bytes).to_string()),
    ] {
        push(&mut body, format_args!("<div><dt>{name}</dt><dd>{value}</dd></div>"));
    }
    body.push_str(
        "</dl>\n<div class=\"wide\"><table>\n<tr><th>Document</th><th>Status</th>\
         <th class=\"n\">Pages</th><th class=\"n\">Images</th><th class=\"n\">Failed</th>\
         <th class=\"n\">Bytes</th><th class=\"n\">Time</th><th class=\"n\">Written (UTC)</th></tr>\n",
    );
    for (key, document) in rows {
        let Manifest { source, totals, status, error, .. } = &document.manifest;
        let status = status_word(*status);
        push(
            &mut body,
            format_args!(
                "<tr><td><a href=\"{}/{}\">{}</a><small>s3://{}/{}</small></td>\
                 <td><span class=\"status {status}\">{status}</span>",
                Link(bucket),
                Link(&sheet_key(key)),
                Escaped(file_name(&source.key)),
                Escaped(&source.bucket),
                Escaped(&source.key),
            ),
        );
        if let Some(error) = error {
            push(&mut body, format_args!("<small>{}</small>", Escaped(&error.code)));
        }
        push(
            &mut body,
            format_args!(
                "</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
                 <td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>\n",
                totals.pages,
                totals.images,
                totals.failed + totals.missing,
                Bytes(totals.bytes),
                Milliseconds(totals.ms.total),
                document.written.strftime("%F %T"),
            ),
        );
    }
    body.push_str("</table></div>\n");
    page("Documents", &body, &format!("All manifests in s3://{bucket}."))
}

fn page(title: &str, body: &str, foot: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{} · pdf2img</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}\
         <footer>{}</footer>\n</main>\n</body>\n</html>\n",
        Escaped(title),
        Escaped(foot),
    )
}

fn facts(manifest: &Manifest) -> String {
    let totals = &manifest.totals;
    let pages = match manifest.page_count {
        Some(count) if count != totals.pages => format!("{} of {count}", totals.pages),
        _ => totals.pages.to_string(),
    };
    let mut facts = vec![("Pages", pages), ("Images", totals.images.to_string())];
    if totals.failed > 0 {
        facts.push(("Failed", totals.failed.to_string()));
    }
    if totals.missing > 0 {
        facts.push(("Not reached", totals.missing.to_string()));
    }
    if let Some(bytes) = manifest.source.bytes {
        facts.push(("PDF", Bytes(bytes).to_string()));
    }
    facts.push(("Image bytes", Bytes(totals.bytes).to_string()));
    facts.push(("Total time", Milliseconds(totals.ms.total).to_string()));
    for (name, ms) in [
        ("Fetch", totals.ms.fetch),
        ("Open", totals.ms.open),
        ("Render (sum)", totals.ms.render),
        ("Encode (sum)", totals.ms.encode),
        ("Upload (sum)", totals.ms.upload),
    ] {
        facts.push((name, Milliseconds(ms).to_string()));
    }
    let mut html = String::from("<dl class=\"facts\">");
    for (name, value) in facts {
        push(&mut html, format_args!("<div><dt>{name}</dt><dd>{value}</dd></div>"));
    }
    html + "</dl>\n"
}

fn settings(manifest: &Manifest, manifest_file: &str) -> String {
    let mut html = String::from("<details><summary>");
    match &manifest.backend {
        Some(engine) => {
            let (name, version) = (Escaped(&engine.name), Escaped(&engine.version));
            push(&mut html, format_args!("Drawn by {name} {version}; settings and source"));
        }
        None => html.push_str("Settings and source"),
    }
    html.push_str("</summary>\n<table>\n");
    let mut row = |name: &str, value: &str| {
        push(&mut html, format_args!("<tr><td>{}</td><td>{}</td></tr>\n", Escaped(name), Escaped(value)));
    };
    for (name, value) in &manifest.settings {
        row(name, &value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    }
    row("settings hash", &manifest.settings_hash);
    if let Some(etag) = &manifest.source.etag {
        row("source ETag", etag);
    }
    if let Some(version) = &manifest.source.version_id {
        row("source version", version);
    }
    push(
        &mut html,
        format_args!("</table>\n<p><a href=\"{}\">manifest.json</a></p></details>\n", Link(manifest_file)),
    );
    html
}

fn page_card(entry: &PageEntry, folder: &str) -> String {
    let number = entry.page;
    match &entry.result {
        PageResult::Image(image) => {
            let Image { key, width, height, bytes, content_errors, ms, .. } = image;
            let link = relative_link(folder, key);
            let mut html = format!(
                "<li class=\"card\" id=\"page-{number}\"><a href=\"{link}\"><img src=\"{link}\" \
                 width=\"{width}\" height=\"{height}\" loading=\"lazy\" alt=\"Page {number}\"></a>\
                 <div class=\"caption\"><b>Page {number}</b>{width} × {height} px · {}<br>\
                 render {} · encode {}",
                Bytes(*bytes),
                Milliseconds(ms.render),
                Milliseconds(ms.encode),
            );
            if *content_errors > 0 {
                let plural = if *content_errors == 1 { "" } else { "s" };
                push(
                    &mut html,
                    format_args!("<br><span class=\"warn\">{content_errors} content error{plural}</span>"),
                );
            }
            html + "</div></li>\n"
        }
        PageResult::Failed { error } => format!(
            "<li class=\"card lost\" id=\"page-{number}\"><div class=\"none\">{}</div>\
             <div class=\"caption\"><b>Page {number}</b>no image</div></li>\n",
            Problem(error)
        ),
    }
}

/// The path from a folder to an object of the same bucket, encoded.
fn relative_link(folder: &str, key: &str) -> String {
    let from: Vec<&str> = folder.split_terminator('/').collect();
    let to: Vec<&str> = key.split('/').collect();
    let shared = from.iter().zip(&to[..to.len() - 1]).take_while(|(a, b)| a == b).count();
    format!("{}{}", "../".repeat(from.len() - shared), Link(&to[shared..].join("/")))
}

/// The folder of a key, with its slash; empty at the bucket's top.
fn folder_of(key: &str) -> &str {
    key.rfind('/').map_or("", |slash| &key[..=slash])
}

fn file_name(key: &str) -> &str {
    &key[folder_of(key).len()..]
}

fn status_word(status: Status) -> &'static str {
    match status {
        Status::Complete => "complete",
        Status::Partial => "partial",
        Status::Failed => "failed",
    }
}

fn push(html: &mut String, text: fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = html.write_fmt(text);
}

/// Text, safe between tags and in attributes.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            c => f.write_char(c),
        })
    }
}

/// A key as the path of a link.
pub(crate) struct Link<'a>(pub(crate) &'a str);

impl Display for Link<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, segment) in self.0.split('/').enumerate() {
            let slash = if i == 0 { "" } else { "/" };
            write!(f, "{slash}{}", utf8_percent_encode(segment, SEGMENT))?;
        }
        Ok(())
    }
}

struct Problem<'a>(&'a Failure);

impl Display for Problem<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<code>{}</code><p>{}</p>", Escaped(&self.0.code), Escaped(&self.0.message))
    }
}

/// A length, in the unit that gives it two to four digits.
struct Bytes(u64);

impl Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0 as f64;
        match self.0 {
            0..1_000 => write!(f, "{} B", self.0),
            1_000..1_000_000 => write!(f, "{:.0} kB", bytes / 1e3),
            1_000_000..1_000_000_000 => write!(f, "{:.1} MB", bytes / 1e6),
            _ => write!(f, "{:.2} GB", bytes / 1e9),
        }
    }
}

struct Milliseconds(f64);

impl Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ms if ms < 10.0 => write!(f, "{ms:.1} ms"),
            ms if ms < 1_000.0 => write!(f, "{ms:.0} ms"),
            ms => write!(f, "{:.2} s", ms / 1_000.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_from_the_sheet_to_the_image_wherever_it_is() {
        assert_eq!(relative_link("a b/doc/", "a b/doc/page-0001.png"), "page-0001.png");
        assert_eq!(relative_link("a b/doc/", "a b/other/p #1.png"), "../other/p%20%231.png");
        assert_eq!(relative_link("", "x/1.png"), "x/1.png");
        assert_eq!(relative_link("a/", "1.png"), "../1.png");
    }

    #[test]
    fn text_from_a_document_cannot_become_markup() {
        let hostile = "<img src=x onerror='alert(\"1\")'>&";
        let escaped = Escaped(hostile).to_string();
        assert!(!escaped.contains(['<', '>', '"', '\'']), "{escaped}");
        assert!(escaped.ends_with("&amp;"));
        assert!(!Link("\"><script>").to_string().contains(['"', '<', '>']));
    }
}
