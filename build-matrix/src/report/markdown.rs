//! The report as Markdown, for a README and for the summary of a job.

use std::fmt::Write;

use super::document::{Block, Section, Table};

/// Sections as Markdown, with headings from that level on.
pub fn sections(sections: &[Section], level: usize) -> String {
    let mut out = String::new();
    for section in sections {
        let _ = writeln!(out, "{} {}\n", "#".repeat(level), section.title);
        for block in &section.blocks {
            self::block(&mut out, block, level);
        }
    }
    out.trim_end().to_owned() + "\n"
}

fn block(out: &mut String, block: &Block, level: usize) {
    // Writing into a string does not fail.
    let _ = match block {
        Block::Text(text) => writeln!(out, "{text}\n"),
        Block::Heading(text) => writeln!(out, "{} {text}\n", "#".repeat(level + 1)),
        Block::List(items) => {
            writeln!(out, "{}\n", items.iter().map(|it| format!("- {it}")).collect::<Vec<_>>().join("\n"))
        }
        Block::Alarm(what, said) => {
            // A fence that is longer than any in the text cannot be closed by it.
            let fence = "`".repeat(longest_run(said).max(2) + 1);
            writeln!(out, "> [!CAUTION]\n> **{what}**\n\n{fence}text\n{said}\n{fence}\n")
        }
        Block::Table(table) => writeln!(out, "{}", self::table(table)),
        Block::Folded(title, blocks) => {
            let mut inside = String::new();
            for it in blocks {
                self::block(&mut inside, it, level);
            }
            let inside = inside.trim_end();
            // What has only plots in it is nothing here.
            if inside.is_empty() {
                return;
            }
            writeln!(out, "<details>\n<summary>{title}</summary>\n\n{inside}\n\n</details>\n")
        }
        Block::Commands(commands) => writeln!(out, "```sh\n{commands}\n```\n"),
        Block::Listing(text) => {
            let fence = "`".repeat(longest_run(text).max(2) + 1);
            writeln!(out, "{fence}text\n{text}\n{fence}\n")
        }
        Block::Files(files) => {
            let names: Vec<String> = files.iter().map(|it| format!("`{}`", it.name)).collect();
            writeln!(out, "{}\n", names.join(", "))
        }
        Block::Plot(_) | Block::Panels(_) => Ok(()),
    };
}

fn longest_run(text: &str) -> usize {
    text.split(|it| it != '`').map(str::len).max().unwrap_or(0)
}

/// A table as Markdown.
pub fn table(table: &Table) -> String {
    let mut out = String::new();
    let row =
        |cells: &mut dyn Iterator<Item = String>| format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "));
    out += &row(&mut table.columns().map(|(name, _)| name.to_owned()));
    out += &format!(
        "|{}|\n",
        table
            .columns()
            .map(|(_, is_figure)| if is_figure { "--:" } else { "---" })
            .collect::<Vec<_>>()
            .join("|")
    );
    for cells in &table.rows {
        out += &row(&mut cells.iter().map(|it| it.replace('|', "\\|").replace('\n', " ")));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_not_broken_by_what_is_in_it() {
        let mut table = Table::new(&["cell", ">bytes"]);
        table.row(vec!["a | b\nc".to_owned(), "12".to_owned()]);
        assert_eq!(self::table(&table), "| cell | bytes |\n|---|--:|\n| a \\| b c | 12 |\n");
    }

    #[test]
    fn an_error_that_has_a_fence_in_it_stays_in_its_own() {
        let alarm = Block::Alarm("x: build".to_owned(), "see ```sh".to_owned());
        let text = sections(&[Section { id: "x", title: "Failures".to_owned(), blocks: vec![alarm] }], 2);
        assert!(text.contains("\n````text\nsee ```sh\n````\n"), "{text}");
    }
}
