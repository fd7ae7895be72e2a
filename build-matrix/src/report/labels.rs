//! Short names of cells: what they have in common is not said of each.

use super::entry::Axes;

/// How the cells that stand side by side are called.
#[derive(Debug, Clone, Default)]
pub struct Labels {
    engines: bool,
    libc: bool,
    arch: bool,
    allocator: bool,
}

impl Labels {
    /// Sees which axes differ among cells.
    pub fn of<'a>(cells: impl Iterator<Item = &'a Axes> + Clone) -> Labels {
        let differ = |of: fn(&Axes) -> &str| {
            let mut values = cells.clone().map(of);
            let first = values.next();
            values.any(|it| Some(it) != first)
        };
        Labels {
            engines: differ(|it| &it.engines),
            libc: differ(|it| &it.libc),
            arch: differ(|it| &it.arch),
            allocator: differ(|it| &it.allocator),
        }
    }

    /// A cell's name among them. The system's allocator goes without saying.
    pub fn label(&self, axes: &Axes) -> String {
        let mut parts: Vec<&str> = Vec::new();
        if self.engines {
            parts.push(&axes.engines);
        }
        if self.libc {
            parts.push(axes.libc.split('-').next().unwrap_or(&axes.libc));
        }
        if self.arch {
            parts.push(&axes.arch);
        }
        if self.allocator && (axes.allocator != "system" || parts.is_empty()) {
            parts.push(&axes.allocator);
        }
        if parts.is_empty() && axes.experiment.is_none() {
            parts.extend([axes.engines.as_str(), &axes.libc]);
        }
        let mut label = parts.join(" · ");
        if let Some(experiment) = &axes.experiment {
            label += if label.is_empty() { "+" } else { " +" };
            label += experiment;
        }
        label
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axes(name: [&str; 4]) -> Axes {
        let [engines, libc, arch, allocator] = name.map(str::to_owned);
        Axes { engines, libc, arch, allocator, experiment: None }
    }

    #[test]
    fn only_what_differs_is_said() {
        let cells = [
            axes(["mupdf", "glibc-dynamic", "amd64", "system"]),
            axes(["mupdf", "musl-static", "amd64", "system"]),
            axes(["mupdf", "musl-static", "amd64", "mimalloc"]),
        ];
        let labels = Labels::of(cells.iter());
        assert_eq!(cells.each_ref().map(|it| labels.label(it)), ["glibc", "musl", "musl · mimalloc"]);
    }

    #[test]
    fn a_cell_by_itself_still_has_a_name() {
        let cell = axes(["mupdf", "musl-static", "amd64", "system"]);
        assert_eq!(Labels::of([&cell].into_iter()).label(&cell), "mupdf · musl-static");
        let experiment = Axes { experiment: Some("opt-s".to_owned()), ..cell };
        assert_eq!(Labels::of([&experiment].into_iter()).label(&experiment), "+opt-s");
    }
}
