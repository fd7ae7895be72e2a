//! The template of image keys: `{stem}/page-{page:04}.{ext}`.

use std::fmt;
use std::str::FromStr;

use crate::config::RenditionName;
use crate::encode::ImageFormat;
use crate::plan::PlanError;
use crate::plan::overlap::{self, Token};

/// The template of image keys.
///
/// | Placeholder | Stands for |
/// |---|---|
/// | `{page}` | the page's number, counted from 1 |
/// | `{page:04}` | the same with at least 4 digits; larger numbers stay whole |
/// | `{stem}` | the PDF's file name without its suffix |
/// | `{key}` | the PDF's whole key without its suffix; only after a leading `/` |
/// | `{folder}` | the PDF's folder; only after a leading `/`, and as a whole segment |
/// | `{ext}` | `png`, `jpeg` or `webp` |
///
/// Keys begin in the PDF's folder, or with a leading `/` at the root of the bucket. They end with
/// `.{ext}` or with the extension of a format. `{stem}-{page}.jpeg` gives keys such as
/// `inbox/report-1.jpeg`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyTemplate {
    text: String,
    pub(super) from_root: bool,
    pub(super) page_key: Vec<Part>,
    pub(super) manifest_key: Vec<Part>,
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Literal(String),
    Stem,
    Key,
    /// With the slash that follows it, which goes away with an empty folder.
    Folder,
    Page {
        digits: usize,
    },
    Ext,
}

/// The longest template, in bytes: half of what a key may have.
const MAX_BYTES: usize = 512;

/// The most digits of a page's number.
pub(super) const MAX_PAGE_DIGITS: usize = 10;

impl KeyTemplate {
    /// The extension of keys of this format, without the dot.
    pub fn extension(&self, format: ImageFormat) -> &str {
        match self.page_key.last() {
            Some(Part::Literal(text)) => text.rsplit('.').next().unwrap_or_default(),
            _ => format.extension(),
        }
    }

    /// The format whose extension the template has literally; `None` if it has `{ext}`.
    pub fn literal_format(&self) -> Option<ImageFormat> {
        match self.page_key.last() {
            Some(Part::Literal(text)) => format_of(text),
            _ => None,
        }
    }

    /// The template of a rendition that has none of its own: `{stem}/<name>-{page:04}.{ext}`.
    pub fn of_rendition(name: &RenditionName) -> KeyTemplate {
        KeyTemplate::in_own_folder(name.as_str())
    }

    /// Whether this template in one format and another template in another format always give a
    /// document different keys, whatever the document and whichever its pages.
    ///
    /// It says no also where it cannot tell.
    pub fn never_meets(&self, format: ImageFormat, other: &KeyTemplate, other_format: ImageFormat) -> bool {
        overlap::never_meet(&self.tokens(format), &other.tokens(other_format))
    }

    /// Whether an image or a manifest of some document could have this key.
    ///
    /// `{ext}` stands for every format, since a direct invoke may have asked for another.
    pub(super) fn could_be_output(&self, key: &str) -> bool {
        self.could_be_image(key) || matches(&self.manifest_key, self.from_root, key)
    }

    /// Whether an image of some document could have this key, in any format.
    pub(super) fn could_be_image(&self, key: &str) -> bool {
        matches(&self.page_key, self.from_root, key)
    }

    fn in_own_folder(image: &str) -> KeyTemplate {
        let page_key = vec![
            Part::Stem,
            Part::Literal(format!("/{image}-")),
            Part::Page { digits: 4 },
            Part::Literal(".".to_owned()),
            Part::Ext,
        ];
        KeyTemplate {
            text: format!("{{stem}}/{image}-{{page:04}}.{{ext}}"),
            from_root: false,
            manifest_key: manifest_parts(&page_key),
            page_key,
        }
    }

    fn tokens(&self, format: ImageFormat) -> Vec<Token> {
        let mut tokens = Vec::new();
        let mut push = |token| match (tokens.last_mut(), token) {
            (Some(Token::Text(before)), Token::Text(text)) => before.push_str(&text),
            (_, token) => tokens.push(token),
        };
        if !self.from_root {
            push(Token::Folder);
        }
        for part in &self.page_key {
            match part {
                Part::Literal(text) => push(Token::Text(text.clone())),
                Part::Stem => push(Token::Stem),
                Part::Key => {
                    push(Token::Folder);
                    push(Token::Stem);
                }
                Part::Folder => push(Token::Folder),
                Part::Page { digits } => push(Token::Page { digits: *digits }),
                Part::Ext => push(Token::Text(format.extension().to_owned())),
            }
        }
        tokens
    }
}

impl Default for KeyTemplate {
    fn default() -> Self {
        KeyTemplate::in_own_folder("page")
    }
}

impl fmt::Display for KeyTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for KeyTemplate {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Self, PlanError> {
        parse(text).map_err(|reason| PlanError::Template { template: text.to_owned(), reason })
    }
}

fn parse(text: &str) -> Result<KeyTemplate, String> {
    if text.len() > MAX_BYTES {
        return Err(format!("it has {} bytes, more than {MAX_BYTES}", text.len()));
    }
    if text.chars().any(char::is_control) {
        return Err("it has a control character".to_owned());
    }
    let path = text.strip_prefix('/');
    let from_root = path.is_some();
    let path = path.unwrap_or(text);
    if let Some(segment) = path.split('/').find(|segment| matches!(*segment, "" | "." | "..")) {
        return Err(match segment {
            "" => "it has an empty path segment".to_owned(),
            _ => format!("the path segment {segment:?} is not allowed"),
        });
    }
    let page_key = parse_parts(path, from_root)?;
    check_page(&page_key)?;
    let ends_well = match page_key.as_slice() {
        [.., Part::Literal(dot), Part::Ext] => dot.ends_with('.'),
        [.., Part::Literal(end)] => format_of(end).is_some(),
        _ => false,
    };
    if !ends_well {
        return Err("it must end with .{ext}, .png, .jpeg, .jpg or .webp".to_owned());
    }
    Ok(KeyTemplate { text: text.to_owned(), from_root, manifest_key: manifest_parts(&page_key), page_key })
}

fn parse_parts(path: &str, from_root: bool) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        let (literal, after) = rest.split_at(rest.find(['{', '}']).unwrap_or(rest.len()));
        if !literal.is_empty() {
            parts.push(Part::Literal(literal.to_owned()));
        }
        if after.is_empty() {
            break;
        }
        let Some((name, after)) = after.strip_prefix('{').and_then(|after| after.split_once('}')) else {
            return Err("it has a brace without its partner".to_owned());
        };
        rest = after;
        parts.push(match name {
            "stem" => Part::Stem,
            "ext" => Part::Ext,
            "key" | "folder" if !from_root => {
                return Err(format!(
                    "{{{name}}} is counted from the bucket's root, so the template must begin with /"
                ));
            }
            "key" => Part::Key,
            "folder" => {
                let begins_segment = match parts.last() {
                    None => true,
                    Some(Part::Literal(before)) => before.ends_with('/'),
                    Some(_) => false,
                };
                rest = after
                    .strip_prefix('/')
                    .filter(|_| begins_segment)
                    .ok_or("{folder} must be a whole path segment: /{folder}/")?;
                Part::Folder
            }
            _ => Part::Page { digits: page_digits(name).ok_or_else(|| unknown(name))? },
        });
    }
    Ok(parts)
}

/// Reads `page`, `page:04`: the least number of digits.
fn page_digits(name: &str) -> Option<usize> {
    match name.strip_prefix("page")? {
        "" => Some(1),
        digits => digits
            .strip_prefix(":0")
            .and_then(|digits| digits.parse().ok())
            .filter(|digits| (1..=MAX_PAGE_DIGITS - 1).contains(digits)),
    }
}

fn unknown(name: &str) -> String {
    format!(
        "{{{name}}} is not known: there are {{page}}, {{page:04}}, {{stem}}, {{key}}, {{folder}}, {{ext}}"
    )
}

/// A page's number must be there, and stand apart: `{stem}{page}` would give page 1 of `a1` and
/// page 11 of `a` the same key.
fn check_page(parts: &[Part]) -> Result<(), String> {
    let is_page = |part: Option<&Part>| matches!(part, Some(Part::Page { .. }));
    if !parts.iter().any(|part| is_page(Some(part))) {
        return Err("it has no {page}, so that all pages would have one key".to_owned());
    }
    for pair in parts.windows(2) {
        let apart = match pair {
            [Part::Page { .. }, Part::Literal(text)] => !text.starts_with(|c: char| c.is_ascii_digit()),
            [Part::Literal(text), Part::Page { .. }] => !text.ends_with(|c: char| c.is_ascii_digit()),
            // A folder ends with its slash.
            [Part::Folder, Part::Page { .. }] => true,
            [a, b] => !is_page(Some(a)) && !is_page(Some(b)),
            _ => true,
        };
        if !apart {
            return Err(
                "{page} must stand apart from digits and other placeholders, as in {stem}-{page}".to_owned()
            );
        }
    }
    Ok(())
}

fn format_of(end: &str) -> Option<ImageFormat> {
    let (_, extension) = end.rsplit_once('.')?;
    if extension == "jpg" { Some(ImageFormat::Jpeg) } else { extension.parse().ok() }
}

/// The manifest stands in the folder of the pages. If that is the document's own, its name is
/// `manifest.json`, else the document's name is part of it.
fn manifest_parts(page_key: &[Part]) -> Vec<Part> {
    let before_page: Vec<&Part> =
        page_key.iter().take_while(|part| !matches!(part, Part::Page { .. })).collect();
    let mut parts: Vec<Part> = before_page.into_iter().cloned().collect();
    // Cut to the last slash.
    while let Some(part) = parts.pop() {
        match part {
            Part::Literal(text) => {
                if let Some(slash) = text.rfind('/') {
                    parts.push(Part::Literal(text[..=slash].to_owned()));
                    break;
                }
            }
            Part::Folder => {
                parts.push(Part::Folder);
                break;
            }
            Part::Stem | Part::Key | Part::Page { .. } | Part::Ext => {}
        }
    }
    let is_own = parts.iter().any(|part| matches!(part, Part::Stem | Part::Key));
    if is_own {
        parts.push(Part::Literal("manifest.json".to_owned()));
    } else {
        parts.push(Part::Stem);
        parts.push(Part::Literal(".manifest.json".to_owned()));
    }
    parts
}

/// Whether a key is what the parts give for some document and page.
///
/// It follows all possibilities at once, so that its time is the product of both lengths.
fn matches(parts: &[Part], from_root: bool, key: &str) -> bool {
    let bytes = key.as_bytes();
    // reached[i]: the parts so far can give the first i bytes.
    let mut reached: Vec<bool> =
        (0..=bytes.len()).map(|i| i == 0 || (!from_root && bytes[i - 1] == b'/')).collect();
    for part in parts {
        let mut next = vec![false; bytes.len() + 1];
        let mut literal = |text: &str| {
            for at in (0..=bytes.len()).filter(|&at| reached[at] && bytes[at..].starts_with(text.as_bytes()))
            {
                next[at + text.len()] = true;
            }
        };
        match part {
            Part::Literal(text) => literal(text),
            Part::Ext => ImageFormat::ALL.iter().for_each(|format| literal(format.extension())),
            Part::Stem => spread(&reached, &mut next, |at| bytes[at] != b'/'),
            Part::Key => spread(&reached, &mut next, |_| true),
            Part::Folder => {
                spread(&reached, &mut next, |_| true);
                for at in 0..=bytes.len() {
                    next[at] = reached[at] || (next[at] && bytes[at - 1] == b'/');
                }
            }
            Part::Page { digits } => {
                for at in (0..bytes.len()).filter(|&at| reached[at]) {
                    let found = bytes[at..].iter().take_while(|b| b.is_ascii_digit()).count();
                    // A longer number has no zeros in front.
                    let is_number = found == *digits || (found > *digits && bytes[at] != b'0');
                    if is_number && found <= MAX_PAGE_DIGITS {
                        next[at + found] = true;
                    }
                }
            }
        }
        reached = next;
    }
    reached[bytes.len()]
}

/// From every place reached, one or more bytes on, as long as they are accepted.
fn spread(reached: &[bool], next: &mut [bool], accepts: impl Fn(usize) -> bool) {
    let mut is_within = false;
    for at in 0..next.len() - 1 {
        is_within = (is_within || reached[at]) && accepts(at);
        next[at + 1] = is_within;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_what_its_text_says() {
        let template = KeyTemplate::default();
        assert_eq!(template.to_string().parse(), Ok(template));
    }

    #[test]
    fn templates_that_lose_or_mix_up_images_are_refused_with_the_reason() {
        for (text, reason) in [
            ("{stem}.{ext}", "no {page}"),
            ("{stem}{page}.{ext}", "apart"),
            ("{page}{stem}.{ext}", "apart"),
            ("p1{page}.{ext}", "apart"),
            ("{page}0.{ext}", "apart"),
            ("{stem}/{page}", "must end with"),
            ("{stem}/{page}.pdf", "must end with"),
            ("{stem}/{page}{ext}", "apart"),
            ("../{page}.{ext}", "\"..\""),
            ("a//{page}.{ext}", "empty path segment"),
            ("//{page}.{ext}", "empty path segment"),
            ("", "empty path segment"),
            ("{name}/{page}.{ext}", "{name} is not known"),
            ("{page:4}.{ext}", "{page:4} is not known"),
            ("{page:00}.{ext}", "is not known"),
            ("{page:0100}.{ext}", "is not known"),
            ("{stem/{page}.{ext}", "is not known"),
            ("stem}/{page}.{ext}", "brace"),
            ("{key}/{page}.{ext}", "must begin with /"),
            ("/a{folder}/{page}.{ext}", "whole path segment"),
            ("/{folder}-{page}.{ext}", "whole path segment"),
            ("a\n{page}.{ext}", "control"),
        ] {
            let error = text.parse::<KeyTemplate>().unwrap_err().to_string();
            assert!(error.contains(reason), "{text:?}: {error}");
        }
        assert!(format!("{}{{page}}.png", "x".repeat(MAX_BYTES)).parse::<KeyTemplate>().is_err());
    }

    #[test]
    fn a_literal_extension_names_its_format() {
        for (text, format, extension) in [
            ("{stem}-{page}.jpeg", Some(ImageFormat::Jpeg), "jpeg"),
            ("{stem}-{page}.jpg", Some(ImageFormat::Jpeg), "jpg"),
            ("{stem}-{page}.v2.webp", Some(ImageFormat::Webp), "webp"),
            ("{stem}-{page}.{ext}", None, "png"),
        ] {
            let template: KeyTemplate = text.parse().unwrap();
            assert_eq!(template.literal_format(), format, "{text}");
            assert_eq!(template.extension(ImageFormat::Png), extension, "{text}");
        }
    }

    #[test]
    fn outputs_are_told_from_inputs_by_their_keys() {
        let could_be =
            |template: &str, key: &str| template.parse::<KeyTemplate>().unwrap().could_be_output(key);
        let default = "{stem}/page-{page:04}.{ext}";
        for key in [
            "a/page-0001.png",
            "in/b c/page-12345.png",
            "a/manifest.json",
            "x/y/manifest.json",
            "a/page-0001.jpeg",
        ] {
            assert!(could_be(default, key), "{key}");
        }
        for key in [
            "inbox/page-0001.pdf",
            "page-0001.png",
            "a/page-1.png",
            "a/page-00001.png",
            "a/page-0001.gif",
            "a/xpage-0001.png",
            "a/page-0001.png.pdf",
            "manifest.json",
            "a/my-manifest.json",
        ] {
            assert!(!could_be(default, key), "{key}");
        }
        assert!(could_be("/out/{folder}/{stem}-{page}.{ext}", "out/x-1.png"));
        assert!(could_be("/out/{folder}/{stem}-{page}.{ext}", "out/a/b/x-1.png"));
        assert!(could_be("/out/{folder}/{stem}-{page}.{ext}", "out/a/x.manifest.json"));
        assert!(!could_be("/out/{folder}/{stem}-{page}.{ext}", "in/x-1.png"));
        assert!(could_be("/{key}/{page}.{ext}", "a/b/7.png"));
    }
}
