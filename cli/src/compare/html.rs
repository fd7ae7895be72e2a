//! The page to look at: what is divided first, the worst at the top.

use std::fmt::{self, Display};

use fidelity::Verdict;

use super::page::in_words;
use super::record::{Document, Page, Pair, Record};
use super::summary::counted;
use crate::local::contact_sheet::html::{Escaped, Link};

const STYLE: &str = include_str!("style.css");

/// Without a script the page shows everything; this hides what is not asked for.
const SCRIPT: &str = include_str!("filter.js");

/// The whole page; its pictures are beside it.
pub(super) fn page(record: &Record) -> String {
    let mut pages: Vec<(&Document, &Page)> = record
        .documents
        .iter()
        .flat_map(|document| document.pages.iter().map(move |page| (document, page)))
        .filter(|(_, page)| !page.pictures.is_empty())
        .collect();
    pages.sort_by_key(|(_, page)| {
        std::cmp::Reverse((page.agreement.is_divided(), !page.failures.is_empty(), page.disagreement()))
    });
    let cards: String = pages.iter().map(|(document, page)| card(document, page)).collect();
    let rows: String = record.documents.iter().map(row).collect();
    let body = format!(
        "<div class=\"head\"><h1>How engines agree</h1></div>\n<p class=\"soft\">{}</p>\n\
         <p class=\"soft\">{}</p>\n{}{}{FILTER}<div id=\"pages\">\n{cards}</div>\n\
         <p class=\"soft\">Pictures are kept of the pages that were asked for with <code>--pictures</code>; all figures are \
         in <a href=\"compare.json\">compare.json</a>.</p>\n\
         <h2>Documents</h2>\n<div class=\"wide\"><table id=\"documents\">\n<tr><th>Document</th>\
         <th class=\"n\">Pages</th><th>Who agrees</th><th>Worst</th><th>Failures</th></tr>\n{rows}</table></div>\n",
        engines(record),
        settings(record),
        totals(record),
        LEGEND,
    );
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>How engines agree · pdf2img</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}\
         <footer>Written by {}.</footer>\n</main>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n",
        Escaped(&record.generator),
    )
}

const LEGEND: &str = "<p class=\"legend\"><b>Difference:</b> <i class=\"first\"></i> only the first engine has ink \
    <i class=\"second\"></i> only the second has <i class=\"cell\"></i> something differs around here. \
    Antialiasing and a pixel's displacement are not counted.</p>\n";

const FILTER: &str = "<form id=\"filter\" hidden><label><input type=\"radio\" name=\"show\" value=\"divided\" checked> \
    Disagreeing</label><label><input type=\"radio\" name=\"show\" value=\"all\"> All</label>\
    <label>Alone <select name=\"alone\"><option value=\"\">anybody</option></select></label>\
    <output></output></form>\n";

fn engines(record: &Record) -> String {
    let named = |engine: &super::record::EngineVersion| {
        let version = engine.version.as_deref().unwrap_or("(drew nothing)");
        format!("{} {}", Escaped(&engine.name), Escaped(version))
    };
    record.engines.iter().map(named).collect::<Vec<_>>().join(" · ")
}

fn settings(record: &Record) -> String {
    let named = |(name, value): (&String, &serde_json::Value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{} {}", Escaped(name), Escaped(&value))
    };
    record.settings.iter().map(named).collect::<Vec<_>>().join(" · ")
}

fn totals(record: &Record) -> String {
    let fact = |name: &str, value: String| {
        format!("<div><dt>{}</dt><dd>{}</dd></div>", Escaped(name), Escaped(&value))
    };
    let (documents, pages) = (&record.totals.documents, &record.totals.pages);
    let mut html = String::from("<dl class=\"facts\">");
    html += &fact("Documents", documents.all.to_string());
    html += &fact("of which agree", documents.unanimous.to_string());
    html += &fact("Pages", pages.all.to_string());
    html += &fact("of which agree", pages.unanimous.to_string());
    for (engine, times) in &pages.odd_one_out {
        html += &fact(&format!("{engine} alone, pages"), times.to_string());
    }
    html += &fact("divided otherwise, pages", pages.divided.to_string());
    html += &fact("not compared, pages", pages.not_compared.to_string());
    html + &format!("</dl>\n<p class=\"soft\">Documents: {}.</p>\n", Escaped(&counted(documents)))
}

fn card(document: &Document, page: &Page) -> String {
    let standing = &page.agreement;
    let mut html = format!(
        "<section class=\"card\" data-divided=\"{}\" data-alone=\"{}\"><h3>{} <small>page {}</small></h3>\
         <p>{} <b>{}</b></p>\n<div class=\"pictures\">",
        standing.is_divided() || !page.failures.is_empty(),
        Escaped(standing.odd_one_out.as_deref().unwrap_or("")),
        Escaped(&document.file),
        page.page,
        standing.verdict.map_or(String::new(), |verdict| Badge(verdict).to_string()),
        Escaped(&standing.in_words()),
    );
    for (engine, file) in &page.pictures {
        html += &figure(file, &format!("{engine}, page {}", page.page), &Escaped(engine).to_string());
    }
    for (engine, failure) in &page.failures {
        html += &format!(
            "<figure class=\"lost\"><div><code>{}</code><p>{}</p></div><figcaption>{}</figcaption></figure>",
            Escaped(&failure.code),
            Escaped(&failure.message),
            Escaped(engine),
        );
    }
    for pair in &page.pairs {
        if let Some(file) = &pair.heat_map {
            html += &figure(file, &format!("Where {} differ", pair.name()), &between(pair));
        }
    }
    html += "</div>\n<ul class=\"figures\">";
    for pair in &page.pairs {
        html += &format!(
            "<li>{} {}: {}</li>",
            Badge(pair.verdict),
            between(pair),
            Escaped(&in_words(&pair.comparison))
        );
    }
    html + "</ul></section>\n"
}

fn between(pair: &Pair) -> String {
    format!(
        "<span class=\"first\">{}</span> / <span class=\"second\">{}</span>",
        Escaped(&pair.first),
        Escaped(&pair.second)
    )
}

fn figure(file: &str, alt: &str, caption: &str) -> String {
    let (link, alt) = (Link(file), Escaped(alt));
    format!(
        "<figure><a href=\"{link}\"><img src=\"{link}\" loading=\"lazy\" alt=\"{alt}\"></a>\
         <figcaption>{caption}</figcaption></figure>"
    )
}

fn row(document: &Document) -> String {
    let standing = &document.agreement;
    let mut failures: Vec<String> = document.failure_codes().into_iter().collect();
    failures.extend(document.error.as_ref().map(|error| error.code.clone()));
    if document.page_counts_differ() {
        failures.push("page counts differ".to_owned());
    }
    format!(
        "<tr data-divided=\"{}\" data-alone=\"{}\"><td>{}</td><td class=\"n\">{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
        standing.is_divided() || !failures.is_empty(),
        Escaped(standing.odd_one_out.as_deref().unwrap_or("")),
        Escaped(&document.file),
        document.pages.len(),
        Escaped(&standing.in_words()),
        standing.verdict.map_or(String::new(), |verdict| Badge(verdict).to_string()),
        Escaped(&failures.join(", ")),
    )
}

/// A verdict as a badge.
struct Badge(Verdict);

impl Display for Badge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<span class=\"status {0}\">{0}</span>", self.0.as_str())
    }
}
