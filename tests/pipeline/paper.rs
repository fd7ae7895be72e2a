//! Small documents whose pages can be told apart.

/// A document of so many pages of 60 × 40 pt, each with a gray square; `mark` makes the pages of
/// one document differ from those of another.
pub(crate) fn sheets(pages: u32, mark: u8) -> Vec<u8> {
    let contents = (1..=pages).map(|page| {
        let (x, y) = (1 + 7 * (page % 8), 1 + 9 * (u32::from(mark) % 4));
        format!("0.5 g {x} {y} 6 8 re f")
    });
    document(contents)
}

fn document(contents: impl Iterator<Item = String>) -> Vec<u8> {
    let contents: Vec<String> = contents.collect();
    let kids: String = (0..contents.len()).map(|i| format!("{} 0 R ", 3 + 2 * i)).collect();
    let mut objects = vec![
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        format!("<</Type/Pages/Count {}/Kids[{kids}]>>", contents.len()),
    ];
    for (i, content) in contents.iter().enumerate() {
        objects.push(format!("<</Type/Page/Parent 2 0 R/MediaBox[0 0 60 40]/Contents {} 0 R>>", 4 + 2 * i));
        objects.push(format!("<</Length {}>>stream\n{content}\nendstream", content.len()));
    }
    let mut pdf = "%PDF-1.7\n".to_owned();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (i, object) in objects.iter().enumerate() {
        table += &format!("{:010} 00000 n \n", pdf.len());
        pdf += &format!("{} 0 obj\n{object}\nendobj\n", i + 1);
    }
    let at = pdf.len();
    pdf += &format!("{table}trailer\n<</Size {}/Root 1 0 R>>\nstartxref\n{at}\n%%EOF\n", objects.len() + 1);
    pdf.into_bytes()
}
