//! What a single change to a cell makes of it.

use super::{Compared, Labels, Question, table, text};

pub(super) fn beside_base(question: &str, name: &str, compared: &[Compared]) -> Question {
    let labels = Labels::of(compared.iter().map(|it| &it.with.axes));
    let mut points = Vec::new();
    let mut ratios = Vec::new();
    for it in compared {
        let label = labels.label(&it.with.axes);
        let mut said = Vec::new();
        if let Some((of, to)) = it.bootstrap {
            let difference =
                if of == to { String::new() } else { format!(" ({})", text::byte_difference(of, to)) };
            said.push(format!("`bootstrap` is {}{difference}", text::smaller(of, to)));
        }
        if let Some((of, to)) = it.zip {
            said.push(format!("the zip {}", text::smaller(of, to)));
        }
        match (it.is_native(), it.no_times) {
            (true, _) => {
                let turns = if it.in_turns { "" } else { ", not measured in turns" };
                for (what, ratio) in
                    [("a start", it.start), ("a page", it.pages), ("a further document", it.further)]
                {
                    said.extend(ratio.map(|ratio| format!("{what} {}{turns}", text::takes(&ratio))));
                }
            }
            (false, Some(why)) => said.push(format!("no times ({why})")),
            (false, None) => said.push("times only under an emulator".to_owned()),
        }
        if it.is_native() {
            // One base goes without saying: the text above names it.
            let of = if compared.len() == 1 { String::new() } else { format!(", {label}") };
            ratios.extend(it.pages.map(|ratio| (format!("+{name}, page{of}"), ratio)));
            ratios.extend(it.further.map(|ratio| (format!("+{name}, further document{of}"), ratio)));
            ratios.extend(it.start.map(|ratio| (format!("+{name}, start{of}"), ratio)));
        }
        points.push(format!("{label}: {}", said.join("; ")));
    }
    if points.is_empty() {
        return Question::unanswered(question);
    }
    Question {
        answer: format!("With `+{name}`, beside the cell that it changes:"),
        points,
        table: Some(table(compared)),
        ratios,
        ..Question::unanswered(question)
    }
}
