//! Text of East Asia: a page each in simplified and traditional Chinese, Japanese and Korean.
//!
//! Each sentence is put together from words as those of the other documents are. The font brings some
//! thousand characters along, each of them drawn from an outline of its own: that is what tells these
//! pages from those in an alphabet.

use oorandom::Rand32;
use pdf_writer::{Content, Name, Str};

use crate::font::Font;
use crate::paper::{A4, Paper, with_fonts};

const LEFT_PT: f32 = 70.0;
const WIDTH_PT: f32 = 456.0;
const TOP_PT: f32 = 762.0;
const BOTTOM_PT: f32 = 76.0;
const BODY_PT: f32 = 12.0;
const LEADING_PT: f32 = 20.0;

/// What makes a sentence of a language.
type Sentence = fn(&mut Rand32) -> String;

/// Four pages, one for each language.
pub fn pages() -> Vec<u8> {
    let mut font = Font::east_asian();
    let languages: [(&str, Sentence); 4] = [
        ("北方河流观测报告", simplified),
        ("北方河流觀測報告", traditional),
        ("北部河川の観測について", japanese),
        ("북부 하천의 관측 보고", korean),
    ];
    let contents: Vec<Content> = languages
        .iter()
        .zip(61..)
        .map(|(&(title, sentence), seed)| page(&mut font, title, sentence, &mut Rand32::new(seed)))
        .collect();
    let mut paper = Paper::new("Text of East Asia");
    let font = font.embed(&mut paper);
    for content in contents {
        paper.page(A4, content, |page| with_fonts(&mut page.resources(), &[(b"F", font)]));
    }
    paper.finish()
}

/// A full page: a title, then paragraphs whose first line is indented by one character.
fn page(font: &mut Font, title: &str, sentence: Sentence, random: &mut Rand32) -> Content {
    let mut content = Content::new();
    show(&mut content, font, 20.0, TOP_PT, title);
    let mut baseline_pt = TOP_PT - 40.0;
    while baseline_pt > BOTTOM_PT {
        let count = random.rand_range(3..6);
        let text: Vec<String> = (0..count).map(|_| sentence(random)).collect();
        for line in lines(font, &format!("\u{3000}{}", text.concat())) {
            if baseline_pt > BOTTOM_PT {
                show(&mut content, font, BODY_PT, baseline_pt, line.trim_end());
            }
            baseline_pt -= LEADING_PT;
        }
        baseline_pt -= 6.0;
    }
    content
}

fn show(content: &mut Content, font: &mut Font, size_pt: f32, baseline_pt: f32, text: &str) {
    let shown = font.encode(text);
    content.begin_text().set_font(Name(b"F"), size_pt);
    content.next_line(LEFT_PT, baseline_pt).show(Str(&shown)).end_text();
}

/// Breaks between any two ideographs, but only at spaces in Korean, and never before a mark that ends something.
fn lines(font: &Font, text: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    for c in text.chars() {
        let is_hangul = ('가'..='힣').contains(&c);
        let sticks =
            matches!(c, '。' | '，' | '、' | '」' | '』' | '）' | '；' | '：' | '.' | ',' | ' ' | 'ー');
        match pieces.last_mut() {
            Some(piece) if sticks || (is_hangul && !piece.ends_with([' ', '\u{3000}'])) => piece.push(c),
            Some(piece) if piece.ends_with(['「', '『', '（']) => piece.push(c),
            _ => pieces.push(c.into()),
        }
    }
    let mut lines = vec![String::new()];
    for piece in pieces {
        let line = lines.last_mut().expect("there is a line from the start");
        let width = font.width(&format!("{line}{}", piece.trim_end())) as f32 * BODY_PT / 1000.0;
        if width <= WIDTH_PT {
            line.push_str(&piece);
        } else {
            lines.push(piece);
        }
    }
    lines
}

fn simplified(random: &mut Rand32) -> String {
    const OPENINGS: &[&str] = &[
        "去年春天，",
        "据当地居民回忆，",
        "在第二观测站，",
        "与预期相反，",
        "经过反复核对，",
        "近三十年来，",
        "从下游看，",
        "为此，",
        "根据最新测量，",
        "雨季过后，",
    ];
    const ADJECTIVES: &[&str] = &[
        "缓慢", "稳定", "狭窄", "遥远", "明显", "均匀", "复杂", "普通", "有限", "平滑", "独立", "剩余",
        "陈旧", "宽阔", "湿润", "寒冷",
    ];
    const NOUNS: &[&str] = &[
        "河流",
        "港口",
        "观测员",
        "记录",
        "水位",
        "沉积物",
        "山谷",
        "仪器",
        "边界",
        "假设",
        "样本",
        "曲线",
        "渔村",
        "水库",
        "气压",
        "航道",
        "桥梁",
        "灯塔",
        "季风",
        "岩层",
        "泉水",
        "堤坝",
        "植被",
        "冰川",
        "误差",
        "图表",
    ];
    const VERBS: &[&str] = &[
        "影响着",
        "证实了",
        "限制了",
        "解释了",
        "掩盖了",
        "支撑着",
        "超过了",
        "改变了",
        "反映出",
        "平衡了",
        "先于",
        "不同于",
    ];
    const LINKS: &[&str] = &["因此", "然而", "并且", "尽管如此", "同时", "否则"];
    let name = name(random, '一', '龟');
    match random.rand_range(0..3) {
        0 => format!(
            "{}{}的{}{}{}，{}{}的{}{}{}。",
            pick(random, OPENINGS),
            pick(random, ADJECTIVES),
            pick(random, NOUNS),
            pick(random, VERBS),
            pick(random, NOUNS),
            pick(random, LINKS),
            pick(random, ADJECTIVES),
            pick(random, NOUNS),
            pick(random, VERBS),
            pick(random, NOUNS),
        ),
        1 => format!(
            "{}观测员{name}写道：「{}的{}{}{}的{}。」",
            pick(random, OPENINGS),
            pick(random, ADJECTIVES),
            pick(random, NOUNS),
            pick(random, VERBS),
            pick(random, ADJECTIVES),
            pick(random, NOUNS),
        ),
        _ => format!(
            "{}、{}和{}都{}{}，增幅约为百分之{}。",
            pick(random, NOUNS),
            pick(random, NOUNS),
            pick(random, NOUNS),
            pick(random, VERBS),
            pick(random, NOUNS),
            pick(random, &["二", "三点五", "七", "十二", "二十六", "四十八"]),
        ),
    }
}

fn traditional(random: &mut Rand32) -> String {
    const OPENINGS: &[&str] = &[
        "去年春天，",
        "據當地居民回憶，",
        "在第二觀測站，",
        "與預期相反，",
        "經過反覆核對，",
        "近三十年來，",
        "從下游看，",
        "為此，",
        "根據最新測量，",
        "雨季過後，",
    ];
    const ADJECTIVES: &[&str] = &[
        "緩慢", "穩定", "狹窄", "遙遠", "明顯", "均勻", "複雜", "普通", "有限", "平滑", "獨立", "剩餘",
        "陳舊", "寬闊", "濕潤", "寒冷",
    ];
    const NOUNS: &[&str] = &[
        "河流",
        "港口",
        "觀測員",
        "記錄",
        "水位",
        "沉積物",
        "山谷",
        "儀器",
        "邊界",
        "假設",
        "樣本",
        "曲線",
        "漁村",
        "水庫",
        "氣壓",
        "航道",
        "橋樑",
        "燈塔",
        "季風",
        "岩層",
        "泉水",
        "堤壩",
        "植被",
        "冰川",
        "誤差",
        "圖表",
    ];
    const VERBS: &[&str] = &[
        "影響著",
        "證實了",
        "限制了",
        "解釋了",
        "掩蓋了",
        "支撐著",
        "超過了",
        "改變了",
        "反映出",
        "平衡了",
        "先於",
        "不同於",
    ];
    const LINKS: &[&str] = &["因此", "然而", "並且", "儘管如此", "同時", "否則"];
    let name = name(random, '丁', '龜');
    match random.rand_range(0..2) {
        0 => format!(
            "{}{}的{}{}{}，{}{}的{}{}{}。",
            pick(random, OPENINGS),
            pick(random, ADJECTIVES),
            pick(random, NOUNS),
            pick(random, VERBS),
            pick(random, NOUNS),
            pick(random, LINKS),
            pick(random, ADJECTIVES),
            pick(random, NOUNS),
            pick(random, VERBS),
            pick(random, NOUNS),
        ),
        _ => format!(
            "{}觀測員{name}寫道：「{}的{}{}{}的{}。」",
            pick(random, OPENINGS),
            pick(random, ADJECTIVES),
            pick(random, NOUNS),
            pick(random, VERBS),
            pick(random, ADJECTIVES),
            pick(random, NOUNS),
        ),
    }
}

fn japanese(random: &mut Rand32) -> String {
    const OPENINGS: &[&str] = &[
        "昨年の春、",
        "地元の人によれば、",
        "第二観測所では、",
        "予想に反して、",
        "この三十年のあいだ、",
        "雨季のあとで、",
        "下流から見ると、",
        "そのため、",
        "くりかえし確かめたところ、",
        "ヨーロッパと比べて、",
    ];
    const ADJECTIVES: &[&str] = &[
        "ゆるやかな",
        "安定した",
        "せまい",
        "遠い",
        "明らかな",
        "均一な",
        "複雑な",
        "ふつうの",
        "なめらかな",
        "古い",
        "広い",
        "しめった",
        "寒い",
        "独立した",
        "残りの",
    ];
    const NOUNS: &[&str] = &[
        "河川",
        "港",
        "観測者",
        "記録",
        "水位",
        "堆積物",
        "谷",
        "センサー",
        "境界",
        "仮説",
        "サンプル",
        "曲線",
        "漁村",
        "ダム",
        "気圧",
        "航路",
        "橋",
        "灯台",
        "季節風",
        "地層",
        "泉",
        "堤防",
        "植生",
        "氷河",
        "データ",
        "グラフ",
        "湿原",
        "峠",
        "畑",
        "駅",
    ];
    const VERBS: &[&str] = &[
        "示して",
        "支えて",
        "制限して",
        "説明して",
        "おおって",
        "こえて",
        "変えて",
        "映して",
        "決めて",
        "くりかえして",
        "上回って",
        "裏づけて",
    ];
    let name = name(random, '丈', '鴨');
    match random.rand_range(0..3) {
        0 => format!(
            "{}{}{}は{}を{}いるが、{}の{}は{}{}を{}いる。",
            pick(random, OPENINGS),
            pick(random, ADJECTIVES),
            pick(random, NOUNS),
            pick(random, NOUNS),
            pick(random, VERBS),
            pick(random, NOUNS),
            pick(random, NOUNS),
            pick(random, ADJECTIVES),
            pick(random, NOUNS),
            pick(random, VERBS),
        ),
        1 => format!(
            "観測者の{name}は「{}{}が{}を{}いる」と書いた。",
            pick(random, ADJECTIVES),
            pick(random, NOUNS),
            pick(random, NOUNS),
            pick(random, VERBS),
        ),
        _ => format!(
            "{}や{}、{}などが{}{}を{}いた。",
            pick(random, NOUNS),
            pick(random, NOUNS),
            pick(random, NOUNS),
            pick(random, ADJECTIVES),
            pick(random, NOUNS),
            pick(random, VERBS),
        ),
    }
}

fn korean(random: &mut Rand32) -> String {
    const OPENINGS: &[&str] = &[
        "지난봄에",
        "주민들의 말에 따르면",
        "제이 관측소에서는",
        "예상과 달리",
        "지난 삼십 년 동안",
        "장마가 끝난 뒤",
        "하류에서 보면",
        "이 때문에",
        "여러 번 확인한 결과",
        "대체로",
    ];
    const ADJECTIVES: &[&str] = &[
        "느린",
        "안정된",
        "좁은",
        "먼",
        "뚜렷한",
        "고른",
        "복잡한",
        "흔한",
        "매끄러운",
        "오래된",
        "넓은",
        "축축한",
        "추운",
        "독립된",
        "남은",
    ];
    const NOUNS: &[&str] = &[
        "하천",
        "항구",
        "관측자",
        "기록",
        "수위",
        "퇴적물",
        "골짜기",
        "측정기",
        "경계",
        "가설",
        "표본",
        "곡선",
        "어촌",
        "저수지",
        "기압",
        "뱃길",
        "다리",
        "등대",
        "계절풍",
        "지층",
        "샘물",
        "둑",
        "숲",
        "빙하",
        "오차",
        "도표",
        "들판",
    ];
    const ENDS: &[(&str, &str)] = &[
        ("보여 주며", "보여 준다"),
        ("받쳐 주고", "받쳐 준다"),
        ("제한하며", "제한한다"),
        ("설명하고", "설명한다"),
        ("덮고 있으며", "덮고 있다"),
        ("넘어서고", "넘어선다"),
        ("바꾸어 놓으며", "바꾸어 놓았다"),
        ("비추고", "비춘다"),
        ("뒷받침하며", "뒷받침한다"),
    ];
    let subject = with_particle(pick(random, NOUNS), "은", "는");
    let object = with_particle(pick(random, NOUNS), "을", "를");
    let other_subject = with_particle(pick(random, NOUNS), "은", "는");
    let other_object = with_particle(pick(random, NOUNS), "을", "를");
    let (and, _) = ENDS[random.rand_range(0..ENDS.len() as u32) as usize];
    let (_, end) = ENDS[random.rand_range(0..ENDS.len() as u32) as usize];
    format!(
        "{} {} {subject} {} {object} {and}, {} {other_subject} {other_object} {end}. ",
        pick(random, OPENINGS),
        pick(random, ADJECTIVES),
        pick(random, ADJECTIVES),
        pick(random, ADJECTIVES),
    )
}

/// A Korean noun with the particle that fits its last syllable: the first after a consonant, the other after a vowel.
fn with_particle(noun: &str, after_consonant: &str, after_vowel: &str) -> String {
    let last = noun.chars().last().map_or(0, u32::from);
    // A syllable's code counts its final consonants in 28, of which the first is none.
    let ends_in_vowel = last.wrapping_sub(u32::from('가')).is_multiple_of(28);
    format!("{noun}{}", if ends_in_vowel { after_vowel } else { after_consonant })
}

/// A name of two characters out of the whole range, for characters that no sentence would use.
fn name(random: &mut Rand32, first: char, last: char) -> String {
    let range = u32::from(first)..u32::from(last) + 1;
    (0..2).filter_map(|_| char::from_u32(random.rand_range(range.clone()))).collect()
}

fn pick<'a>(random: &mut Rand32, words: &[&'a str]) -> &'a str {
    words[random.rand_range(0..words.len() as u32) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_font_has_every_character() {
        let font = Font::east_asian();
        for sentence in [simplified, traditional, japanese, korean] {
            let mut random = Rand32::new(1);
            for c in (0..200).flat_map(|_| sentence(&mut random).chars().collect::<Vec<_>>()) {
                assert!(font.face().glyph_index(c).is_some(), "{c}");
            }
        }
    }

    #[test]
    fn no_line_begins_with_a_mark_that_ends_something() {
        let font = Font::east_asian();
        for sentence in [simplified, traditional, japanese, korean] {
            let mut random = Rand32::new(2);
            let text: String = (0..60).map(|_| sentence(&mut random)).collect();
            let lines = lines(&font, &text);
            assert!(lines.len() > 20);
            assert!(lines.iter().all(|line| !line.starts_with(['。', '，', '、', '」', ',', '.', ' '])));
        }
    }

    #[test]
    fn a_particle_follows_the_sound_of_its_noun() {
        assert_eq!(with_particle("하천", "은", "는"), "하천은");
        assert_eq!(with_particle("다리", "을", "를"), "다리를");
    }
}
