//! Further images of each page: a thumbnail beside the full page.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value, json};

use crate::config::ConfigError;
use crate::config::options::{self, Given, Origin};
use crate::config::scale::Scale;
use crate::encode::{ColorMode, Encoding, JpegScans};
use crate::plan::KeyTemplate;

/// The most renditions that a page can have beside its main image.
pub const MAX_RENDITIONS: usize = 8;

/// The options that a rendition may have of its own; all others hold for all images of a page.
pub const OPTIONS_OF_A_RENDITION: [&str; 10] = [
    "dpi",
    "width",
    "height",
    "fit",
    "format",
    "quality",
    "progressive",
    "png-effort",
    "color",
    "output-key",
];

/// A further image of each page.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendition {
    /// What it is called in manifests, metadata and, unless the template is another, keys.
    pub name: RenditionName,
    /// How large it becomes.
    pub scale: Scale,
    /// Its format. Default: the main image's, with its settings; a format of its own begins with
    /// that format's defaults.
    pub encoding: Encoding,
    /// What becomes of colour. Default: as in the main image.
    pub color: ColorMode,
    /// Its keys. Default: `{stem}/<name>-{page:04}.{ext}`.
    pub output_key: KeyTemplate,
}

impl Rendition {
    /// Its options in force, by name: given again, they bring about the same rendition.
    pub fn canonical(&self) -> Map<String, Value> {
        let mut map = Map::new();
        write_image(&mut map, self.scale, self.encoding, self.color);
        map.insert("output_key".to_owned(), self.output_key.to_string().into());
        map
    }
}

/// Writes the options that the main image and a rendition have in common.
pub(super) fn write_image(map: &mut Map<String, Value>, scale: Scale, encoding: Encoding, color: ColorMode) {
    let mut insert = |name: &str, value: Value| map.insert(name.to_owned(), value);
    match scale {
        Scale::Dpi(dpi) => {
            insert("dpi", json!(dpi));
        }
        Scale::Box { width_px, height_px, fit } => {
            if let Some(width_px) = width_px {
                insert("width", width_px.into());
            }
            if let Some(height_px) = height_px {
                insert("height", height_px.into());
            }
            if width_px.is_some() && height_px.is_some() {
                insert("fit", fit.as_str().into());
            }
        }
    }
    insert("format", encoding.format().as_str().into());
    match encoding {
        Encoding::Png { effort } => {
            insert("png_effort", effort.as_str().into());
        }
        Encoding::Jpeg { quality, scans } => {
            insert("quality", quality.get().into());
            insert("progressive", (scans == JpegScans::Progressive).into());
        }
        Encoding::WebpLossless => {}
        Encoding::WebpLossy { quality } => {
            insert("quality", quality.get().into());
        }
    }
    insert("color", color.as_str().into());
}

/// The name of a rendition: 1–32 of `a`–`z`, `0`–`9` and `-`, but not `page` or `manifest`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RenditionName(String);

impl RenditionName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RenditionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// As text, so that a map by names can be asked by text.
impl Borrow<str> for RenditionName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl FromStr for RenditionName {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        let is_name = (1..=32).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            // These are the names of the main image and of the record of all.
            && !["page", "manifest"].contains(&name);
        is_name.then(|| RenditionName(name.to_owned())).ok_or(())
    }
}

/// A rendition as it was asked for, before the main image is known.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) name: RenditionName,
    pub(super) options: Given,
}

/// Reads renditions, in the order of their names: a JSON object, or the short form
/// `thumb: width=320 format=webp; preview: dpi=72`.
///
/// # Errors
///
/// What is wrong, with the name of the rendition, for a person.
pub(super) fn parse(text: &str) -> Result<Vec<Request>, String> {
    let listed = if text.starts_with('{') { parse_json(text)? } else { parse_short(text)? };
    if listed.len() > MAX_RENDITIONS {
        return Err(format!("there are {}, and at most {MAX_RENDITIONS} are made", listed.len()));
    }
    let mut requests = Vec::with_capacity(listed.len());
    for (name, options) in listed {
        let request = Request {
            name: name.parse().map_err(|()| {
                format!(
                    "{name:?} cannot be a name: it takes 1 to 32 of a-z, 0-9 and -, but not page or manifest"
                )
            })?,
            options: parse_options(&options).map_err(|reason| format!("{name}: {reason}"))?,
        };
        if requests.iter().any(|earlier: &Request| earlier.name == request.name) {
            return Err(format!("{name} is there twice"));
        }
        requests.push(request);
    }
    requests.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(requests)
}

type Listed = Vec<(String, Map<String, Value>)>;

fn parse_json(text: &str) -> Result<Listed, String> {
    let renditions: Map<String, Value> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    renditions
        .into_iter()
        .map(|(name, options)| match options {
            Value::Object(options) => Ok((name, options)),
            other => Err(format!("{name}: {other} is no object of options")),
        })
        .collect()
}

fn parse_short(text: &str) -> Result<Listed, String> {
    let mut listed = Vec::new();
    for rendition in text.split(';').map(str::trim).filter(|rendition| !rendition.is_empty()) {
        let (name, words) =
            rendition.split_once(':').ok_or_else(|| format!("{rendition:?} has no name, as in thumb: …"))?;
        let mut options = Map::new();
        for word in words.split_whitespace() {
            let (option, value) = word
                .split_once('=')
                .ok_or_else(|| format!("{name}: {word:?} is not written as option=value"))?;
            if options.insert(option.to_owned(), value.into()).is_some() {
                return Err(format!("{name}: {option} is there twice"));
            }
        }
        listed.push((name.trim().to_owned(), options));
    }
    Ok(listed)
}

fn parse_options(written: &Map<String, Value>) -> Result<Given, String> {
    for field in written.keys() {
        if let Some(option) = options::find_json(field)
            && !OPTIONS_OF_A_RENDITION.contains(&option.name)
        {
            let fields = OPTIONS_OF_A_RENDITION.map(|name| Origin::Event.spell(name)).join(", ");
            return Err(format!("{field} holds for all images of a page; a rendition takes {fields}"));
        }
    }
    let given = Given::from_json(written).map_err(|error: ConfigError| error.to_string())?;
    if !["dpi", "width", "height"].iter().any(|name| given.has(name)) {
        return Err("it needs a size: dpi, width or height".to_owned());
    }
    Ok(given)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        parse(text).expect_err(text)
    }

    #[test]
    fn both_forms_say_the_same() {
        let short = parse(" thumb: width=320 format=webp quality=80; preview: dpi=72 format=jpeg; ").unwrap();
        let object = parse(
            r#"{"thumb": {"width": 320, "format": "webp", "quality": 80}, "preview": {"dpi": 72, "format": "jpeg"}}"#,
        )
        .unwrap();
        let text = |requests: &[Request]| {
            requests.iter().map(|r| format!("{} {:?}", r.name, r.options.texts())).collect::<Vec<_>>()
        };
        assert_eq!(text(&short), text(&object));
        assert_eq!(short[0].name.as_str(), "preview");
        assert!(parse("").unwrap().is_empty() && parse("{}").unwrap().is_empty());
    }

    #[test]
    fn a_template_may_have_colons_in_either_form() {
        assert!(parse("thumb: width=9 output_key={stem}/t-{page:04}.{ext}").is_ok());
        assert!(parse(r#"{"thumb": {"width": 9, "output_key": "{stem}/my t-{page:04}.{ext}"}}"#).is_ok());
    }

    #[test]
    fn what_is_wrong_is_said_with_the_renditions_name() {
        for (text, reason) in [
            ("?!{", "has no name"),
            ("thumb", "has no name"),
            ("thumb:", "thumb: it needs a size: dpi, width or height"),
            ("thumb: format=png", "thumb: it needs a size"),
            ("thumb: width", "thumb: \"width\" is not written as option=value"),
            ("thumb: width=9 width=8", "thumb: width is there twice"),
            ("thumb: width=9; thumb: width=8", "thumb is there twice"),
            ("thumb: widht=9", "thumb: unknown option widht; did you mean width?"),
            ("thumb: width=9px", "thumb: width=\"9px\" is not accepted"),
            ("thumb: width=9 pages=1", "thumb: pages holds for all images of a page"),
            ("thumb: width=9 renditions=x", "thumb: renditions holds for all"),
            ("thumb: width=9 workers=3", "thumb: workers holds for all"),
            ("thumb: width=9 output_key={stem}.png", "thumb: output_key="),
            (r#"{"thumb": 320}"#, "thumb: 320 is no object of options"),
            (r#"{"thumb": {"width": [1]}}"#, "thumb: width=\"[1]\" is not accepted"),
            (r#"{"thumb""#, "EOF"),
            ("page: width=9", "\"page\" cannot be a name"),
            ("manifest: width=9", "\"manifest\" cannot be a name"),
            ("Thumb: width=9", "\"Thumb\" cannot be a name"),
            (": width=9", "\"\" cannot be a name"),
            ("an-entirely-too-long-name-of-thirty-three: width=9", "cannot be a name"),
        ] {
            let error = refused(text);
            assert!(error.contains(reason), "{text}: {error}");
        }
        let nine: String = (0..9).map(|i| format!("r{i}: width=9;")).collect();
        assert!(refused(&nine).contains("there are 9, and at most 8 are made"));
    }
}
