//! Whether two templates can give a document the same key.

/// A piece of a template, with all that is the same for every page of a document as one symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Text(String),
    /// The document's folder: nothing, or a text that ends with a slash.
    Folder,
    /// The document's name: one or more characters, none of them a slash.
    Stem,
    /// The number of some page, no digit beside it.
    Page {
        digits: usize,
    },
}

/// Whether two templates never give a document the same key, for any two of its pages.
///
/// What both begin or end with is taken away. Then they are apart if the next characters differ,
/// or if one is longer than the other whatever folder, name and page. Where neither shows, they
/// may meet: `{stem}/{page}.png` and `{page}/{stem}.png` do, for a document called 1.
pub(super) fn never_meet(a: &[Token], b: &[Token]) -> bool {
    let (mut a, mut b) = (a.to_vec(), b.to_vec());
    for from in [Side::Start, Side::End] {
        if strip_common(&mut a, &mut b, from) == Verdict::Apart {
            return true;
        }
    }
    is_longer(&a, &b) || is_longer(&b, &a)
}

#[derive(Clone, Copy)]
enum Side {
    Start,
    End,
}

#[derive(PartialEq, Eq)]
enum Verdict {
    Apart,
    Unknown,
}

/// Takes away what both begin or end with.
fn strip_common(a: &mut Vec<Token>, b: &mut Vec<Token>, from: Side) -> Verdict {
    while !a.is_empty() && !b.is_empty() {
        let (Some(first), Some(second)) = (take(a, from), take(b, from)) else { break };
        match (first, second) {
            // A number ends where its digits end, so equal keys have equal numbers here.
            (Token::Page { .. }, Token::Page { .. })
            | (Token::Folder, Token::Folder)
            | (Token::Stem, Token::Stem) => {}
            (Token::Text(mut first), Token::Text(mut second)) => {
                while let (Some(x), Some(y)) = (next_char(&first, from), next_char(&second, from)) {
                    if x != y {
                        return Verdict::Apart;
                    }
                    drop_char(&mut first, from);
                    drop_char(&mut second, from);
                }
                put_back(a, Token::Text(first), from);
                put_back(b, Token::Text(second), from);
            }
            (first, second) => {
                let are_apart = match (&first, &second) {
                    (Token::Text(text), Token::Page { .. }) | (Token::Page { .. }, Token::Text(text)) => {
                        next_char(text, from).is_some_and(|c| !c.is_ascii_digit())
                    }
                    (Token::Text(text), Token::Stem) | (Token::Stem, Token::Text(text)) => {
                        next_char(text, from) == Some('/')
                    }
                    _ => false,
                };
                put_back(a, first, from);
                put_back(b, second, from);
                return if are_apart { Verdict::Apart } else { Verdict::Unknown };
            }
        }
    }
    Verdict::Unknown
}

fn take(tokens: &mut Vec<Token>, from: Side) -> Option<Token> {
    match from {
        Side::Start => (!tokens.is_empty()).then(|| tokens.remove(0)),
        Side::End => tokens.pop(),
    }
}

fn put_back(tokens: &mut Vec<Token>, token: Token, from: Side) {
    if token == Token::Text(String::new()) {
        return;
    }
    match from {
        Side::Start => tokens.insert(0, token),
        Side::End => tokens.push(token),
    }
}

fn next_char(text: &str, from: Side) -> Option<char> {
    match from {
        Side::Start => text.chars().next(),
        Side::End => text.chars().next_back(),
    }
}

fn drop_char(text: &mut String, from: Side) {
    match from {
        Side::Start => drop(text.remove(0)),
        Side::End => drop(text.pop()),
    }
}

/// Whether `a` gives more bytes than `b`, whatever folder, name and pages.
fn is_longer(a: &[Token], b: &[Token]) -> bool {
    let (a, b) = (Content::of(a), Content::of(b));
    // A further name in `a` is a byte at least, and a folder may be nothing.
    let surplus = a.folders >= b.folders && a.stems >= b.stems && b.page_bytes == 0;
    surplus && a.text_bytes + a.page_bytes + (a.stems - b.stems) > b.text_bytes
}

#[derive(Default)]
struct Content {
    folders: usize,
    stems: usize,
    text_bytes: usize,
    /// The fewest; a page's number has no most.
    page_bytes: usize,
}

impl Content {
    fn of(tokens: &[Token]) -> Content {
        let mut content = Content::default();
        for token in tokens {
            match token {
                Token::Text(text) => content.text_bytes += text.len(),
                Token::Folder => content.folders += 1,
                Token::Stem => content.stems += 1,
                Token::Page { digits } => content.page_bytes += digits,
            }
        }
        content
    }
}

#[cfg(test)]
mod tests {
    use crate::encode::ImageFormat::{self, Jpeg, Png, Webp};
    use crate::plan::KeyTemplate;

    fn never_meet(a: (&str, ImageFormat), b: (&str, ImageFormat)) -> bool {
        let (first, second): (KeyTemplate, KeyTemplate) = (a.0.parse().unwrap(), b.0.parse().unwrap());
        let verdict = first.never_meets(a.1, &second, b.1);
        assert_eq!(second.never_meets(b.1, &first, a.1), verdict, "{a:?} {b:?}");
        verdict
    }

    const DEFAULT: &str = "{stem}/page-{page:04}.{ext}";

    #[test]
    fn templates_that_differ_in_their_text_never_meet() {
        for (a, b) in [
            ((DEFAULT, Png), ("{stem}/thumb-{page:04}.{ext}", Png)),
            ((DEFAULT, Png), (DEFAULT, Webp)),
            ((DEFAULT, Png), ("{stem}/page-{page:04}-small.{ext}", Png)),
            ((DEFAULT, Png), ("{stem}/page-x{page:04}.{ext}", Png)),
            ((DEFAULT, Png), ("/thumbs/{key}/page-{page:04}.{ext}", Png)),
            ((DEFAULT, Png), ("small/{stem}/page-{page:04}.{ext}", Png)),
            (("{stem}-{page}.jpeg", Jpeg), ("{stem}-thumb-{page}.jpeg", Jpeg)),
            (("{stem}-{page}.jpeg", Jpeg), ("thumbs/{stem}-{page}.jpeg", Jpeg)),
            (("/{key}/{page}.{ext}", Png), ("/{key}/{page}/small.{ext}", Png)),
            (("{stem}/{page}.png", Png), ("{stem}/1.{page}.png", Png)),
        ] {
            assert!(never_meet(a, b), "{a:?} {b:?}");
        }
    }

    #[test]
    fn templates_that_could_meet_are_told() {
        for (a, b) in [
            ((DEFAULT, Png), (DEFAULT, Png)),
            ((DEFAULT, Png), ("{stem}/page-{page:04}.png", Png)),
            // Page 10,000 has five digits either way.
            ((DEFAULT, Png), ("{stem}/page-{page:05}.{ext}", Png)),
            ((DEFAULT, Png), ("{stem}/page-{page}.{ext}", Png)),
            // For a document in the bucket's root.
            ((DEFAULT, Png), ("/{key}/page-{page}.{ext}", Png)),
            (("/a/{folder}/{stem}-{page}.png", Png), ("/{folder}/a/{stem}-{page}.png", Png)),
            // For a document called 1.
            (("{stem}/{page}.png", Png), ("{page}/{stem}.png", Png)),
        ] {
            assert!(!never_meet(a, b), "{a:?} {b:?}");
        }
    }
}
