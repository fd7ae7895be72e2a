//! The report as one page that asks nobody for anything.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::document::{Block, File, Plot, Section, Table};

const STYLE: &str = include_str!("page.css");

/// What stands above the sections.
#[derive(Debug, Clone)]
pub struct Head {
    /// What the page is called.
    pub title: String,
    /// Where and of what it was made.
    pub subtitle: String,
    /// The answers, each a paragraph.
    pub answers: Vec<String>,
    /// A few figures with their names.
    pub key_figures: Vec<(String, String)>,
}

/// The whole page.
pub fn page(head: &Head, sections: &[Section]) -> String {
    let mut body = String::new();
    let _ = write!(
        body,
        "<header><h1>{}</h1><p class=\"subtitle\">{}</p>",
        escape(&head.title),
        inline(&head.subtitle)
    );
    for answer in &head.answers {
        let _ = write!(body, "<p class=\"answer\">{}</p>", inline(answer));
    }
    if !head.key_figures.is_empty() {
        body += "<dl class=\"keys\">";
        for (name, figure) in &head.key_figures {
            let _ = write!(body, "<div><dt>{}</dt><dd>{}</dd></div>", inline(name), inline(figure));
        }
        body += "</dl>";
    }
    body += "<nav aria-label=\"Contents\"><ul>";
    for Section { id, title, .. } in sections {
        let _ = write!(body, "<li><a href=\"#{id}\">{}</a></li>", escape(title));
    }
    body += "</ul></nav></header>\n<main>";
    for section in sections {
        let _ = write!(body, "\n<section id=\"{}\"><h2>{}</h2>", section.id, escape(&section.title));
        for block in &section.blocks {
            self::block(&mut body, block);
        }
        body += "</section>";
    }
    body += "</main>";
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n\
         <link rel=\"icon\" href=\"data:,\"/>\n\
         <title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n",
        escape(&head.title)
    )
}

fn block(out: &mut String, block: &Block) {
    // Writing into a string does not fail.
    let _ = match block {
        Block::Text(text) => write!(out, "<p>{}</p>", inline(text)),
        Block::Heading(text) => write!(out, "<h3>{}</h3>", inline(text)),
        Block::List(items) => {
            let items: String = items.iter().map(|it| format!("<li>{}</li>", inline(it))).collect();
            write!(out, "<ul>{items}</ul>")
        }
        Block::Alarm(what, said) => write!(
            out,
            "<div class=\"alarm\" role=\"alert\"><p><strong>{}</strong></p><pre>{}</pre></div>",
            inline(what),
            escape(said)
        ),
        Block::Table(table) => write!(out, "{}", self::table(table)),
        Block::Folded(title, blocks) => {
            let mut inside = String::new();
            for it in blocks {
                self::block(&mut inside, it);
            }
            write!(out, "<details><summary>{}</summary>{inside}</details>", inline(title))
        }
        Block::Commands(text) | Block::Listing(text) => {
            write!(out, "<pre><code>{}</code></pre>", escape(text))
        }
        Block::Files(files) => {
            let items: String = files.iter().map(file).collect();
            write!(out, "<ul>{items}</ul>")
        }
        Block::Plot(plot) => write!(out, "{}", self::plot(plot)),
        Block::Panels(plots) => {
            let panels: String = plots.iter().map(self::plot).collect();
            write!(out, "<div class=\"panels\">{panels}</div>")
        }
    };
}

/// A link that has the file in it.
fn file(file: &File) -> String {
    let File { name, kind, content } = file;
    let (name, length) = (escape(name), super::text::bytes(content.len() as u64));
    let content = STANDARD.encode(content);
    format!("<li><a download=\"{name}\" href=\"data:{kind};base64,{content}\">{name}</a>, {length}</li>")
}

fn plot(plot: &Plot) -> String {
    let mut out = "<figure>".to_owned();
    if !plot.title.is_empty() {
        let _ = write!(out, "<figcaption>{}</figcaption>", inline(&plot.title));
    }
    if !plot.legend.is_empty() {
        out += "<ul class=\"legend\">";
        for (class, name) in &plot.legend {
            let _ = write!(out, "<li><i class=\"swatch {class}\"></i>{}</li>", inline(name));
        }
        out += "</ul>";
    }
    out + &plot.svg + "</figure>"
}

fn table(table: &Table) -> String {
    let class = |is_figure: bool| if is_figure { " class=\"figure\"" } else { "" };
    // Focusable, so that a keyboard can scroll it.
    let mut out =
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Table\"><table><thead><tr>"
            .to_owned();
    for (name, is_figure) in table.columns() {
        let _ = write!(out, "<th scope=\"col\"{}>{}</th>", class(is_figure), inline(name));
    }
    out += "</tr></thead><tbody>";
    for row in &table.rows {
        out += "<tr>";
        for (number, (cell, (_, is_figure))) in row.iter().zip(table.columns()).enumerate() {
            let _ = match number {
                0 => write!(out, "<th scope=\"row\">{}</th>", inline(cell)),
                // What is longer than a name or two may break.
                _ if !is_figure && cell.len() > 40 => write!(out, "<td class=\"long\">{}</td>", inline(cell)),
                _ => write!(out, "<td{}>{}</td>", class(is_figure), inline(cell)),
            };
        }
        out += "</tr>";
    }
    out + "</tbody></table></div>"
}

/// Text with `` `code` ``, `**strong**` and links as HTML.
fn inline(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['`', '*', '[']) {
        out += &escape(&rest[..at]);
        rest = &rest[at..];
        let (html, length) =
            code(rest).or_else(|| strong(rest)).or_else(|| link(rest)).unwrap_or_else(|| {
                let length = rest.chars().next().map_or(0, char::len_utf8);
                (escape(&rest[..length]), length)
            });
        out += &html;
        rest = &rest[length..];
    }
    out + &escape(rest)
}

fn code(text: &str) -> Option<(String, usize)> {
    let (code, _) = text.strip_prefix('`')?.split_once('`')?;
    Some((format!("<code>{}</code>", breakable(&escape(code))), code.len() + 2))
}

fn strong(text: &str) -> Option<(String, usize)> {
    let (strong, _) = text.strip_prefix("**")?.split_once("**")?;
    Some((format!("<strong>{}</strong>", inline(strong)), strong.len() + 4))
}

fn link(text: &str) -> Option<(String, usize)> {
    let (name, rest) = text.strip_prefix('[')?.split_once("](")?;
    let (target, _) = rest.split_once(')')?;
    let is_link = target.starts_with("https://") || target.starts_with('#');
    is_link.then(|| {
        (format!("<a href=\"{}\">{}</a>", escape(target), escape(name)), name.len() + target.len() + 4)
    })
}

/// Lets a long name break behind its hyphens.
fn breakable(name: &str) -> String {
    name.replace('-', "-<wbr/>")
}

/// Text that is nothing but text in HTML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_become_elements_and_everything_else_stays_text() {
        assert_eq!(inline("a `b<c` **d** & *e*"), "a <code>b&lt;c</code> <strong>d</strong> &amp; *e*");
        assert_eq!(
            inline("[x](https://example.com/?a=\"b\")"),
            "<a href=\"https://example.com/?a=&quot;b&quot;\">x</a>"
        );
        assert_eq!(inline("[x](javascript:1) `open"), "[x](javascript:1) `open");
    }
}
