//! Says how alike two pictures of a page are, and which of several engines is the odd one out.
//!
//! A benchmark that compares engines is worth something only if they draw the same, and two
//! rasterizers never agree on every pixel. So a page is judged by what a reader would miss:
//!
//! - [`picture`]: what is compared, opaque pixels;
//! - [`shift`]: the second picture is moved by up to 2 px to where it fits best;
//! - `excess`: for each pixel, how far it differs beyond antialiasing and a pixel's displacement;
//! - [`compare()`]: the figures, among them a structural similarity ([SSIMULACRA2] from `fast-ssim2`);
//! - [`verdict`]: what the figures mean, [`Same`](Verdict::Same), [`Near`](Verdict::Near) or
//!   [`Different`](Verdict::Different), with thresholds that are calibrated on pages drawn by
//!   several engines, and on planted faults;
//! - [`agreement`]: of several pictures of a page, which agree and which stands alone;
//! - [`heat`]: where two pictures differ, for the eye.
//!
//! Nothing here knows what a PDF is.
//!
//! [SSIMULACRA2]: https://github.com/cloudinary/ssimulacra2

pub mod picture;
pub mod shift;
mod excess;
pub mod compare;
pub mod verdict;
pub mod agreement;
pub mod heat;

pub use agreement::Agreement;
pub use compare::{Comparison, Figures, compare};
pub use heat::heat_map;
pub use picture::Picture;
pub use verdict::Verdict;
