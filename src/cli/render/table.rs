//! A table of columns that are as wide as they need to be. Colours do not count as width.

use console::{Alignment, measure_text_width, pad_str, truncate_str};

use crate::cli::term::Paint;

/// Which side a column leans to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lean {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Rows under a heading.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<(&'static str, Lean)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty one.
    pub(crate) fn new(columns: &[(&'static str, Lean)]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row: one cell per column.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        debug_assert_eq!(cells.len(), self.columns.len());
        self.rows.push(cells);
    }

    /// The text; lines longer than `width` are cut, where there is a width.
    pub(crate) fn render(&self, paint: Paint, width: Option<usize>) -> String {
        let widths: Vec<usize> = self
            .columns
            .iter()
            .enumerate()
            .map(|(column, (title, _))| {
                self.rows.iter().map(|row| measure_text_width(&row[column])).fold(title.len(), usize::max)
            })
            .collect();
        let line = |cells: &[String]| {
            let padded: Vec<_> = cells
                .iter()
                .zip(&widths)
                .zip(&self.columns)
                .map(|((cell, width), (_, lean))| {
                    let alignment = match lean {
                        Lean::Left => Alignment::Left,
                        Lean::Right => Alignment::Right,
                    };
                    pad_str(cell, *width, alignment, None)
                })
                .collect();
            let whole = padded.join("  ");
            match width {
                Some(width) => truncate_str(whole.trim_end(), width, "…").into_owned(),
                None => whole.trim_end().to_owned(),
            }
        };
        let titles: Vec<String> = self.columns.iter().map(|(title, _)| (*title).to_owned()).collect();
        let mut text = paint.dim(&line(&titles)) + "\n";
        for row in &self.rows {
            text += &line(row);
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_whatever_is_in_them() {
        let mut table = Table::new(&[("NAME", Lean::Left), ("N", Lean::Right), ("WHY", Lean::Left)]);
        table.row(vec!["\u{1b}[32mapi\u{1b}[0m".to_owned(), "5".to_owned(), "because".to_owned()]);
        table.row(vec!["worker".to_owned(), "120".to_owned(), String::new()]);
        let text = table.render(Paint::PLAIN, None);
        assert_eq!(console::strip_ansi_codes(&text), "NAME      N  WHY\napi       5  because\nworker  120\n");
        assert_eq!(
            console::strip_ansi_codes(&table.render(Paint::PLAIN, Some(14))).lines().nth(1),
            Some("api       5  …")
        );
    }
}
