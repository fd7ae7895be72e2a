//! Slides of a talk: wide pages, gradients behind everything, large text, pictures, shadows.

use oorandom::Rand32;
use pdf_writer::types::FunctionShadingType;
use pdf_writer::{Content, Filter, Finish, Name, Ref};

use crate::paper::{Paper, with_fonts};
use crate::photo;
use crate::prose;
use crate::serif::{Face, Serif};

/// 16:9, as presentation programs have it: 13⅓ × 7½ inches.
const SIZE_PT: (f32, f32) = (960.0, 540.0);
const PICTURE_PX: (u16, u16) = (1600, 900);

const WHITE: [f32; 3] = [1.0; 3];
const INK: [f32; 3] = [0.13, 0.17, 0.24];
const ACCENT: [f32; 3] = [0.93, 0.45, 0.2];

/// Eight slides.
pub fn talk() -> Vec<u8> {
    let mut random = Rand32::new(51);
    let mut slides = Slides { serif: Serif::new(), page: Content::new() };
    let pages = [
        slides.title(),
        slides.bullets("What we will cover", &mut random, 5),
        slides.picture_and_bullets(&mut random),
        slides.chart(&mut random),
        slides.section("Part two", "What the second site showed"),
        slides.cards(&mut random),
        slides.full_picture(),
        slides.section("Thank you", "Questions, and a walk along the shore"),
    ];

    let mut paper = Paper::new("Slides of a talk");
    let fonts = slides.serif.embed(&mut paper);
    let gradients = gradients(&mut paper);
    let states: [(&[u8], f32); 3] = [(b"Shadow", 0.05), (b"Veil", 0.55), (b"Haze", 0.16)];
    let states = states.map(|(name, opacity)| {
        let id = paper.alloc();
        paper.pdf.ext_graphics(id).non_stroking_alpha(opacity).stroking_alpha(opacity);
        (name, id)
    });
    let picture = picture(&mut paper);
    for content in pages {
        paper.page(SIZE_PT, content, |page| {
            let mut resources = page.resources();
            with_fonts(&mut resources, &fonts);
            let mut dict = resources.shadings();
            gradients.iter().for_each(|(name, id)| {
                dict.pair(Name(name), *id);
            });
            dict.finish();
            let mut dict = resources.ext_g_states();
            states.iter().for_each(|(name, id)| {
                dict.pair(Name(name), *id);
            });
            dict.finish();
            resources.x_objects().pair(Name(b"Picture"), picture);
        });
    }
    paper.finish()
}

struct Slides {
    serif: Serif,
    page: Content,
}

impl Slides {
    fn title(&mut self) -> Content {
        self.background(b"Night");
        // Discs that lie over each other.
        self.page.save_state().set_parameters(Name(b"Haze"));
        for (x, y, radius, color) in [
            (760.0, 330.0, 230.0, ACCENT),
            (880.0, 160.0, 170.0, [0.3, 0.65, 0.85]),
            (640.0, 120.0, 120.0, WHITE),
            (930.0, 430.0, 110.0, [0.98, 0.85, 0.4]),
        ] {
            fill(&mut self.page, color);
            rounded(&mut self.page, [x - radius, y - radius, 2.0 * radius, 2.0 * radius], radius);
            self.page.fill_nonzero();
        }
        self.page.restore_state();
        self.text(Face::Bold, 66.0, WHITE, (70.0, 300.0), "Ten years of");
        self.text(Face::Bold, 66.0, WHITE, (70.0, 226.0), "northern water");
        self.text(
            Face::Roman,
            27.0,
            [0.8, 0.86, 0.93],
            (72.0, 168.0),
            "What a network of forty stations has seen",
        );
        fill(&mut self.page, ACCENT);
        self.page.rect(72.0, 140.0, 120.0, 5.0).fill_nonzero();
        self.take()
    }

    fn bullets(&mut self, title: &str, random: &mut Rand32, count: usize) -> Content {
        self.plain(title);
        for i in 0..count {
            let y = 372.0 - 66.0 * i as f32;
            self.bullet(30.0, (70.0, y), &prose::title(random));
        }
        self.take()
    }

    fn picture_and_bullets(&mut self, random: &mut Rand32) -> Content {
        self.plain("The lake in spring");
        let frame = [520.0, 84.0, 384.0, 300.0];
        self.shadow(frame, 14.0);
        self.page.save_state();
        rounded(&mut self.page, frame, 14.0);
        self.page.clip_nonzero().end_path();
        // As high as the frame, and cut off at its sides.
        self.page.transform([300.0 * 16.0 / 9.0, 0.0, 0.0, 300.0, 440.0, 84.0]);
        self.page.x_object(Name(b"Picture")).restore_state();
        for i in 0..4 {
            let text = prose::title(random);
            let short = text.split(" and ").next().unwrap_or_default();
            self.bullet(28.0, (70.0, 350.0 - 68.0 * i as f32), short);
        }
        self.take()
    }

    fn chart(&mut self, random: &mut Rand32) -> Content {
        self.plain("Level at the gauge, by month");
        for line in 0..6 {
            let y = 90.0 + 58.0 * line as f32;
            self.page.set_line_width(0.75).set_stroke_gray(0.85).move_to(80.0, y).line_to(900.0, y).stroke();
            self.text(Face::Roman, 14.0, INK, (44.0, y - 5.0), &format!("{}", 20 * line));
        }
        for month in 0..12 {
            let (x, height) = (96.0 + 68.0 * month as f32, 60.0 + random.rand_range(0..220) as f32);
            self.page.save_state();
            rounded(&mut self.page, [x, 84.0, 40.0, height], 6.0);
            self.page.clip_nonzero().end_path().transform([40.0, 0.0, 0.0, height, x, 84.0]);
            self.page.shading(Name(b"Bar")).restore_state();
            let name =
                ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][month];
            self.text(Face::Roman, 15.0, INK, (x + 7.0, 64.0), name);
        }
        self.take()
    }

    fn section(&mut self, title: &str, below: &str) -> Content {
        self.background(b"Dawn");
        self.centred(Face::Bold, 88.0, WHITE, 270.0, title);
        self.centred(Face::Roman, 30.0, [1.0, 0.95, 0.88], 212.0, below);
        self.take()
    }

    fn cards(&mut self, random: &mut Rand32) -> Content {
        self.plain("In four numbers");
        for i in 0..4 {
            let card = [70.0 + 212.0 * i as f32, 110.0, 188.0, 250.0];
            self.shadow(card, 16.0);
            fill(&mut self.page, WHITE);
            rounded(&mut self.page, card, 16.0);
            self.page.fill_nonzero();
            fill(&mut self.page, ACCENT);
            self.page.rect(card[0] + 24.0, 322.0, 44.0, 5.0).fill_nonzero();
            let number = format!("{}.{}", random.rand_range(1..90), random.rand_range(0..10));
            self.text(Face::Bold, 60.0, INK, (card[0] + 22.0, 240.0), &number);
            let text = prose::title(random).to_lowercase();
            for (line, words) in text.split(" and the ").enumerate() {
                self.text(Face::Roman, 19.0, INK, (card[0] + 24.0, 196.0 - 26.0 * line as f32), words);
            }
        }
        self.take()
    }

    fn full_picture(&mut self) -> Content {
        self.page.save_state().transform([SIZE_PT.0, 0.0, 0.0, SIZE_PT.1, 0.0, 0.0]);
        self.page.x_object(Name(b"Picture")).restore_state();
        self.page.save_state().set_parameters(Name(b"Veil"));
        fill(&mut self.page, [0.03, 0.06, 0.12]);
        self.page.rect(0.0, 0.0, SIZE_PT.0, 130.0).fill_nonzero().restore_state();
        self.text(Face::Bold, 44.0, WHITE, (60.0, 70.0), "The second site, in October");
        self.text(Face::Roman, 22.0, WHITE, (62.0, 34.0), "Seen from the northern shore");
        self.take()
    }

    /// A light background with a title.
    fn plain(&mut self, title: &str) {
        self.background(b"Paper");
        self.text(Face::Bold, 46.0, INK, (68.0, 446.0), title);
        fill(&mut self.page, ACCENT);
        self.page.rect(70.0, 424.0, 90.0, 4.0).fill_nonzero();
    }

    fn background(&mut self, gradient: &[u8]) {
        self.page.save_state().transform([SIZE_PT.0, 0.0, 0.0, SIZE_PT.1, 0.0, 0.0]);
        self.page.shading(Name(gradient)).restore_state();
    }

    fn bullet(&mut self, size: f32, (x, y): (f32, f32), text: &str) {
        fill(&mut self.page, ACCENT);
        rounded(&mut self.page, [x, y + 0.2 * size, 0.34 * size, 0.34 * size], 0.17 * size);
        self.page.fill_nonzero();
        self.text(Face::Roman, size, INK, (x + size, y), text);
    }

    /// A soft shadow, as many printers of slides make it: translucent shapes of growing size.
    fn shadow(&mut self, [x, y, width, height]: [f32; 4], radius: f32) {
        self.page.save_state().set_parameters(Name(b"Shadow")).set_fill_gray(0.0);
        for step in 1..=8 {
            let grow = 1.5 * step as f32;
            let shape = [x - grow, y - 5.0 - grow, width + 2.0 * grow, height + 2.0 * grow];
            rounded(&mut self.page, shape, radius + grow);
            self.page.fill_nonzero();
        }
        self.page.restore_state();
    }

    fn centred(&mut self, face: Face, size: f32, ink: [f32; 3], y: f32, text: &str) {
        let width = self.serif.width(face, text) as f32 * size / 1000.0;
        self.text(face, size, ink, ((SIZE_PT.0 - width) / 2.0, y), text);
    }

    fn text(&mut self, face: Face, size: f32, ink: [f32; 3], (x, y): (f32, f32), text: &str) {
        fill(&mut self.page, ink);
        self.serif.show(&mut self.page, face, size, (x, y), text);
    }

    fn take(&mut self) -> Content {
        std::mem::replace(&mut self.page, Content::new())
    }
}

/// The gradients over the unit square, by their names.
fn gradients(paper: &mut Paper) -> [(&'static [u8], Ref); 4] {
    let axial = |coords: [f32; 4]| (FunctionShadingType::Axial, coords.to_vec());
    let radial = |coords: [f32; 6]| (FunctionShadingType::Radial, coords.to_vec());
    let all: [(&'static [u8], _, [f32; 3], [f32; 3]); 4] = [
        (b"Night", axial([0.0, 1.0, 1.0, 0.0]), [0.05, 0.1, 0.22], [0.12, 0.32, 0.5]),
        (b"Paper", axial([0.0, 1.0, 0.0, 0.0]), [1.0, 1.0, 1.0], [0.9, 0.92, 0.95]),
        (b"Dawn", radial([0.3, 0.2, 0.0, 0.5, 0.5, 0.9]), [0.96, 0.6, 0.3], [0.42, 0.14, 0.3]),
        (b"Bar", axial([0.0, 0.0, 0.0, 1.0]), [0.12, 0.32, 0.5], [0.35, 0.7, 0.85]),
    ];
    all.map(|(name, (kind, coords), from, to)| {
        let (function, id) = (paper.alloc(), paper.alloc());
        paper.pdf.exponential_function(function).domain([0.0, 1.0]).c0(from).c1(to).n(1.0);
        let mut shading = paper.pdf.function_shading(id);
        shading.shading_type(kind).coords(coords).extend([true, true]).function(function);
        shading.color_space().device_rgb();
        (name, id)
    })
}

fn picture(paper: &mut Paper) -> Ref {
    let data = photo::picture(PICTURE_PX.0, PICTURE_PX.1, 80);
    let id = paper.alloc();
    let mut image = paper.pdf.image_xobject(id, &data);
    image.filter(Filter::DctDecode);
    image.width(i32::from(PICTURE_PX.0)).height(i32::from(PICTURE_PX.1));
    image.color_space().device_rgb();
    image.bits_per_component(8);
    id
}

fn fill(content: &mut Content, [r, g, b]: [f32; 3]) {
    content.set_fill_rgb(r, g, b);
}

/// Adds a rectangle with rounded corners to the path.
fn rounded(content: &mut Content, [x, y, width, height]: [f32; 4], radius: f32) {
    let (right, top) = (x + width, y + height);
    // What a quarter of a circle takes from its corner's two sides.
    let rest = 0.4477 * radius;
    content.move_to(x + radius, y).line_to(right - radius, y);
    content.cubic_to(right - rest, y, right, y + rest, right, y + radius).line_to(right, top - radius);
    content.cubic_to(right, top - rest, right - rest, top, right - radius, top).line_to(x + radius, top);
    content.cubic_to(x + rest, top, x, top - rest, x, top - radius).line_to(x, y + radius);
    content.cubic_to(x, y + rest, x + rest, y, x + radius, y).close_path();
}
