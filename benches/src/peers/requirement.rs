//! How many times faster than a peer the product has to be.

use std::fmt;
use std::str::FromStr;

use super::programs::PROGRAMS;
use super::record::Case;
use crate::documents::Source;
use crate::format::Format;

/// A factor for some cases, written `pdftoppm:text=3` or `pdftoppm:text:png=40`.
#[derive(Debug, Clone, PartialEq)]
pub struct Requirement {
    /// Than whom.
    pub program: String,
    /// On which documents: a class of the corpus, or the id of one document.
    pub documents: String,
    /// In which format; `None` is any.
    pub format: Option<Format>,
    /// How many times.
    pub times: f64,
}

impl Requirement {
    /// Whether a case has to meet it.
    pub fn covers(&self, case: &Case) -> bool {
        [&case.document, &case.class].contains(&&self.documents)
            && self.format.is_none_or(|format| format == case.format)
            // Where a program cannot write the format, there is nothing to be faster than.
            && case.sides.iter().any(|side| side.program == self.program)
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.program, self.documents)?;
        if let Some(format) = self.format {
            write!(f, ":{format}")?;
        }
        write!(f, "={}", self.times)
    }
}

impl FromStr for Requirement {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let malformed = || {
            format!("{s:?} is not of the form program:documents[:format]=times, like pdftoppm:text:png=40")
        };
        let (cases, times) = s.split_once('=').ok_or_else(malformed)?;
        let (program, documents, format) = match cases.split(':').collect::<Vec<_>>()[..] {
            [program, documents] => (program, documents, None),
            [program, documents, format] => (program, documents, Some(format.parse()?)),
            _ => return Err(malformed()),
        };
        if PROGRAMS.iter().all(|it| it.name != program) {
            let known: Vec<_> = PROGRAMS.iter().map(|it| it.name).collect();
            return Err(format!("no program {program:?}: there is {}", known.join(", ")));
        }
        Source::named(documents).map_err(|error| error.to_string())?;
        let times = times.parse().ok().filter(|times: &f64| times.is_finite() && *times > 0.0);
        Ok(Requirement {
            program: program.to_owned(),
            documents: documents.to_owned(),
            format,
            times: times.ok_or_else(|| format!("{s:?}: how many times must be a number above 0"))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requirement_is_read_as_it_is_written() {
        let requirement: Requirement = "pdftoppm:text=3".parse().unwrap();
        assert_eq!((requirement.format, requirement.times), (None, 3.0));
        assert_eq!(requirement.to_string(), "pdftoppm:text=3");
        let requirement: Requirement = "mutool:scan-gray:png=2.5".parse().unwrap();
        assert_eq!((requirement.format, requirement.times), (Some(Format::Png), 2.5));
        assert_eq!(requirement.to_string(), "mutool:scan-gray:png=2.5");
    }

    #[test]
    fn a_malformed_requirement_says_what_is_wrong() {
        let refusal = |text: &str| text.parse::<Requirement>().unwrap_err();
        assert!(refusal("pdftoppm").contains("program:documents"));
        assert!(refusal("pdftoppm=3").contains("program:documents"));
        assert!(refusal("pdftoppm:text").contains("program:documents"));
        assert!(refusal("pdftoppm:text:tiff=3").contains("png, jpeg"));
        assert!(refusal("word:text=3").contains("pdftoppm, mutool"));
        assert!(refusal("mutool:poems=3").contains("poems"));
        for times in ["0", "-1", "NaN", "inf", "x"] {
            assert!(refusal(&format!("mutool:text={times}")).contains("above 0"), "{times}");
        }
    }
}
