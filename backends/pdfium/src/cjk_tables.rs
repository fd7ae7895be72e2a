//! Finding a table in a TrueType font.

/// The table with this tag, its first letter in the highest byte.
pub(crate) fn table(font: &[u8], tag: u32) -> Option<&[u8]> {
    let count = usize::from(u16::from_be_bytes(*font.get(4..)?.first_chunk()?));
    let records = font.get(12..)?.as_chunks::<16>().0;
    let record = records.iter().take(count).find(|record| record[..4] == tag.to_be_bytes())?;
    let number = |at: usize| Some(u32::from_be_bytes(*record.get(at..)?.first_chunk()?) as usize);
    let (offset, length) = (number(8)?, number(12)?);
    font.get(offset..offset.checked_add(length)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_found_by_its_tag_and_cut_to_its_length() {
        let font = cjk_font::bytes();
        let head = table(font, u32::from_be_bytes(*b"head")).expect("every font has it");
        // The magic number of the table.
        assert_eq!((head.len(), &head[12..16]), (54, &[0x5F, 0x0F, 0x3C, 0xF5][..]));
        assert_eq!(table(font, u32::from_be_bytes(*b"ttcf")), None);
    }

    #[test]
    fn a_font_that_is_cut_off_has_no_such_table() {
        let tag = u32::from_be_bytes(*b"head");
        for length in [0, 3, 11, 12, 20, 200] {
            assert_eq!(table(&cjk_font::bytes()[..length], tag), None, "{length} bytes");
        }
    }
}
