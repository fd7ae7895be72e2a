//! What AWS charges for a document, from `prices.toml`.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// What `prices.toml` says.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Prices {
    /// Where these prices hold.
    pub region: String,
    /// When they were last compared with what is published.
    pub checked: String,
    /// For the function.
    pub lambda: LambdaPrices,
    /// For its output.
    pub s3: S3Prices,
}

/// The prices of Lambda, in USD.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LambdaPrices {
    /// Where AWS publishes them.
    pub source: String,
    /// For a second with 1,024 MB, by architecture as Lambda names it.
    pub gb_second: BTreeMap<String, f64>,
    /// For a million invocations.
    pub million_requests: f64,
}

/// The prices of S3, in USD.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct S3Prices {
    /// Where AWS publishes them.
    pub source: String,
    /// For a thousand PUT requests.
    pub thousand_puts: f64,
}

/// What 1,000 pages cost, in USD.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Cost {
    /// Memory by time.
    pub compute: f64,
    /// Invocations.
    pub requests: f64,
    /// What S3 charges for taking images and manifests.
    pub puts: f64,
}

impl Cost {
    /// All of it.
    pub fn total(&self) -> f64 {
        self.compute + self.requests + self.puts
    }

    /// The mean of several.
    pub fn mean(costs: &[Cost]) -> Cost {
        let mean = |of: fn(&Cost) -> f64| costs.iter().map(of).sum::<f64>() / costs.len() as f64;
        Cost { compute: mean(|it| it.compute), requests: mean(|it| it.requests), puts: mean(|it| it.puts) }
    }
}

impl Prices {
    /// The prices of this workspace.
    ///
    /// # Errors
    ///
    /// If `prices.toml` cannot be understood.
    pub fn of_this_workspace() -> Result<Prices> {
        toml::from_str(include_str!("../../prices.toml")).context("build-matrix/prices.toml is wrong")
    }

    /// What 1,000 pages cost if each invocation takes that long for a document of so many pages.
    ///
    /// `None` if there is no price for the architecture, or no page.
    pub fn thousand_pages(&self, arch: &str, memory_mb: u32, seconds: f64, pages: u32) -> Option<Cost> {
        if pages == 0 || !seconds.is_finite() {
            return None;
        }
        let documents = 1_000.0 / f64::from(pages);
        // A started millisecond is a millisecond.
        let billed_s = (seconds * 1e3).ceil() / 1e3;
        Some(Cost {
            compute: documents * billed_s * f64::from(memory_mb) / 1_024.0
                * self.lambda.gb_second.get(arch)?,
            requests: documents * self.lambda.million_requests / 1e6,
            // The manifest is an object too.
            puts: documents * f64::from(pages + 1) * self.s3.thousand_puts / 1e3,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_costs_memory_by_billed_milliseconds_an_invocation_and_its_objects() {
        let prices = Prices::of_this_workspace().unwrap();
        // 100 documents of 10 pages: each 1,001 ms with 2 GB.
        let cost = prices.thousand_pages("x86_64", 2_048, 1.000_4, 10).unwrap();
        assert!((cost.compute - 100.0 * 1.001 * 2.0 * 0.000_016_666_7).abs() < 1e-12, "{cost:?}");
        assert!((cost.requests - 100.0 * 0.2 / 1e6).abs() < 1e-12, "{cost:?}");
        assert!((cost.puts - 1_100.0 * 0.005 / 1e3).abs() < 1e-12, "{cost:?}");
        let on_arm = prices.thousand_pages("arm64", 2_048, 1.000_4, 10).unwrap();
        assert!((on_arm.compute / cost.compute - 0.8).abs() < 1e-4, "{on_arm:?}");
    }

    #[test]
    fn what_has_no_price_has_no_cost() {
        let prices = Prices::of_this_workspace().unwrap();
        assert_eq!(prices.thousand_pages("riscv64", 2_048, 1.0, 10), None);
        assert_eq!(prices.thousand_pages("arm64", 2_048, 1.0, 0), None);
        assert_eq!(prices.thousand_pages("arm64", 2_048, f64::NAN, 1), None);
    }
}
