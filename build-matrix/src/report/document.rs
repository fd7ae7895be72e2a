//! A report as sections of text, tables and plots, before it is Markdown or a page.
//!
//! Texts may have `` `code` ``, `**strong**` and `[links](https://…)`, as in Markdown.

/// A part of the report under a heading.
#[derive(Debug, Clone)]
pub struct Section {
    /// What links to it name.
    pub id: &'static str,
    /// Its heading.
    pub title: String,
    /// What is in it.
    pub blocks: Vec<Block>,
}

/// A piece of a section.
#[derive(Debug, Clone)]
pub enum Block {
    /// A paragraph.
    Text(String),
    /// A heading within the section.
    Heading(String),
    /// A list.
    List(Vec<String>),
    /// Something that went wrong: what, and what it said.
    Alarm(String, String),
    /// A table.
    Table(Table),
    /// What is folded until somebody asks for it, with what it is.
    Folded(String, Vec<Block>),
    /// Commands.
    Commands(String),
    /// What a program said, line by line.
    Listing(String),
    /// Files that are in the page. Markdown has their names.
    Files(Vec<File>),
    /// A plot; Markdown has the table beside it instead.
    Plot(Plot),
    /// Small plots side by side where there is room.
    Panels(Vec<Plot>),
}

/// A table. Columns of figures stand to the right.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// The headings; those of figures begin with `>`.
    pub header: Vec<String>,
    /// The rows, of as many cells.
    pub rows: Vec<Vec<String>>,
}

impl Block {
    /// A table that is folded until somebody asks for it, with what it is.
    pub fn folded_table(title: impl Into<String>, table: Table) -> Block {
        Block::Folded(title.into(), vec![Block::Table(table)])
    }
}

impl Table {
    /// A table without rows.
    pub fn new(header: &[&str]) -> Table {
        Table { header: header.iter().map(|&it| it.to_owned()).collect(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The headings, with whether theirs are columns of figures.
    pub fn columns(&self) -> impl Iterator<Item = (&str, bool)> {
        self.header.iter().map(|it| match it.strip_prefix('>') {
            Some(name) => (name, true),
            None => (it.as_str(), false),
        })
    }

    /// Leaves out columns that say nothing in any row, but for the first.
    #[must_use]
    pub fn without_empty_columns(self) -> Table {
        let says = |column: usize| {
            column == 0
                || self
                    .rows
                    .iter()
                    .any(|row| row.get(column).is_some_and(|it| !matches!(it.as_str(), "" | "–")))
        };
        let kept: Vec<usize> = (0..self.header.len()).filter(|&it| says(it)).collect();
        let pick = |row: &Vec<String>| kept.iter().filter_map(|&it| row.get(it).cloned()).collect();
        Table { header: pick(&self.header), rows: self.rows.iter().map(pick).collect() }
    }
}

/// A file that is in the page.
#[derive(Debug, Clone)]
pub struct File {
    /// What it is called.
    pub name: String,
    /// What it is, such as `application/json`.
    pub kind: &'static str,
    /// What is in it.
    pub content: Vec<u8>,
}

/// A picture in SVG, with its title and the meaning of its colours.
#[derive(Debug, Clone)]
pub struct Plot {
    /// What it shows; empty if the heading above says it.
    pub title: String,
    /// The picture.
    pub svg: String,
    /// Names by the class of their colour.
    pub legend: Vec<(String, String)>,
}
