//! Verdicts as a table: cases down, formats across; Markdown for people, JSON for programs.

use super::case::{Case, Group};
use super::run::{Mode, Verdict, run};
use crate::ToolCallFormat;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Every case in every format.
#[derive(Clone, Debug, Serialize)]
pub struct Table {
    /// The cases, in order.
    pub rows: Vec<RowHead>,
    /// The formats, or whatever else was tried.
    pub columns: Vec<Column>,
}

/// What stands in front of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowHead {
    /// [`Case::id`].
    pub id: String,
    /// [`Case::title`].
    pub title: String,
    /// [`Group::as_str`] of [`Case::group`].
    pub group: &'static str,
}

/// One column, a cell a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Column {
    /// What was tried.
    pub name: String,
    /// One a row.
    pub cells: Vec<Cell>,
}

/// The verdicts on one case, one for each way in which the reply arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// In the order in which they were tried.
    pub verdicts: Vec<Verdict>,
}

/// How many cases of a column went how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Total {
    /// Cases that mean something there.
    pub applicable: usize,
    /// Of those, how many did not fail.
    pub held: usize,
    /// Of those, how many the renderer refused.
    pub refused: usize,
}

/// Runs all of `cases` in all of `formats`, arriving in each of [`Mode::ALL`].
pub fn table(formats: &[&dyn ToolCallFormat], cases: &[Case]) -> Table {
    let mut table = Table::of(cases);
    for format in formats {
        let cells = cases
            .iter()
            .map(|case| Cell { verdicts: Mode::ALL.iter().map(|&mode| run(*format, case, mode)).collect() });
        table.columns.push(Column { name: format.name().to_owned(), cells: cells.collect() });
    }
    table
}

impl Cell {
    /// The worst of the verdicts: it tells how the case went.
    pub fn worst(&self) -> Option<&Verdict> {
        self.verdicts.iter().max_by_key(|verdict| match verdict {
            Verdict::NotApplicable { .. } => 0,
            Verdict::Pass => 1,
            Verdict::Refused { .. } => 2,
            Verdict::Fail { .. } => 3,
        })
    }

    fn symbol(&self) -> &'static str {
        match self.worst() {
            Some(Verdict::Pass) => "✓",
            Some(Verdict::Refused { .. }) => "refused",
            Some(Verdict::Fail { .. }) => "✗",
            Some(Verdict::NotApplicable { .. }) | None => "–",
        }
    }
}

impl Table {
    /// A table of `cases` without a column.
    pub fn of(cases: &[Case]) -> Self {
        let head = |case: &Case| RowHead {
            id: case.id.to_owned(),
            title: case.title.to_owned(),
            group: case.group.as_str(),
        };
        Self { rows: cases.iter().map(head).collect(), columns: Vec::new() }
    }

    /// How `column` did in the cases of `group`; in all of them if none is given.
    pub fn total(&self, column: &Column, group: Option<Group>) -> Total {
        let mut total = Total::default();
        for (row, cell) in self.rows.iter().zip(&column.cells) {
            if group.is_some_and(|group| group.as_str() != row.group) {
                continue;
            }
            let (held, refused) = match cell.worst() {
                Some(Verdict::Pass) => (1, 0),
                Some(Verdict::Refused { .. }) => (1, 1),
                Some(Verdict::Fail { .. }) => (0, 0),
                Some(Verdict::NotApplicable { .. }) | None => continue,
            };
            total.applicable += 1;
            total.held += held;
            total.refused += refused;
        }
        total
    }

    /// All failures: column, case, what should have come and what came.
    pub fn failures(&self) -> impl Iterator<Item = (&str, &str, &str, &str)> {
        self.columns.iter().flat_map(move |column| {
            self.rows.iter().zip(&column.cells).filter_map(move |(row, cell)| match cell.worst() {
                Some(Verdict::Fail { expected, got }) => {
                    Some((column.name.as_str(), row.id.as_str(), expected.as_str(), got.as_str()))
                }
                _ => None,
            })
        })
    }

    /// The same table without the rows in which nothing failed.
    #[must_use]
    pub fn failing_rows(&self) -> Self {
        let keep: Vec<bool> = (0..self.rows.len())
            .map(|row| {
                let worst = self.columns.iter().map(|column| column.cells[row].worst());
                worst.flatten().any(|verdict| matches!(verdict, Verdict::Fail { .. }))
            })
            .collect();
        let kept = |cells: &[Cell]| {
            cells.iter().zip(&keep).filter(|(_, keep)| **keep).map(|(cell, _)| cell.clone()).collect()
        };
        Self {
            rows: self
                .rows
                .iter()
                .zip(&keep)
                .filter(|(_, keep)| **keep)
                .map(|(row, _)| row.clone())
                .collect(),
            columns: self
                .columns
                .iter()
                .map(|column| Column { name: column.name.clone(), cells: kept(&column.cells) })
                .collect(),
        }
    }

    /// The table as Markdown: totals first, then every case, then why some were refused.
    pub fn to_markdown(&self) -> String {
        let mut out = self.totals_to_markdown();
        out.push('\n');
        out.push_str(&self.cases_to_markdown());
        self.write_refusals(&mut out);
        out
    }

    /// How many cases of each group held.
    pub fn totals_to_markdown(&self) -> String {
        let mut out = String::new();
        self.write_head("", &mut out);
        for group in Group::ALL {
            self.write_totals(group.as_str(), Some(group), &mut out);
        }
        self.write_totals("**all**", None, &mut out);
        out
    }

    /// Every case.
    pub fn cases_to_markdown(&self) -> String {
        let mut out = String::new();
        self.write_head("case", &mut out);
        for (index, row) in self.rows.iter().enumerate() {
            let cells = self.columns.iter().map(|column| column.cells[index].symbol());
            write_row(&format!("`{}` {}", row.id, row.title.replace('|', "\\|")), cells, &mut out);
        }
        out
    }

    fn write_head(&self, corner: &str, out: &mut String) {
        write_row(corner, self.columns.iter().map(|column| column.name.as_str()), out);
        write_row("---", self.columns.iter().map(|_| ":-:"), out);
    }

    fn write_totals(&self, name: &str, group: Option<Group>, out: &mut String) {
        let cells: Vec<String> = self
            .columns
            .iter()
            .map(|column| match self.total(column, group) {
                Total { applicable: 0, .. } => "–".to_owned(),
                Total { applicable, held, .. } => format!("{held}/{applicable}"),
            })
            .collect();
        write_row(name, cells.iter().map(String::as_str), out);
    }

    fn write_refusals(&self, out: &mut String) {
        let mut reasons: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
        for column in &self.columns {
            for (row, cell) in self.rows.iter().zip(&column.cells) {
                if let Some(Verdict::Refused { reason }) = cell.worst() {
                    let reason = reason.split_once(": ").map_or(reason.as_str(), |(reason, _)| reason);
                    reasons.entry((reason, &row.id)).or_default().push(&column.name);
                }
            }
        }
        if !reasons.is_empty() {
            out.push_str("\nRefused by the renderer, so that nothing is corrupted:\n\n");
        }
        let mut cases_of: BTreeMap<(&str, String), Vec<String>> = BTreeMap::new();
        for ((reason, case), formats) in reasons {
            cases_of.entry((reason, formats.join(", "))).or_default().push(format!("`{case}`"));
        }
        for ((reason, formats), cases) in cases_of {
            let _ = writeln!(out, "- {formats}: {reason} ({}).", cases.join(", "));
        }
    }

    /// The table as JSON.
    pub fn to_json(&self) -> serde_json::Value {
        let totals: serde_json::Map<String, serde_json::Value> = self
            .columns
            .iter()
            .map(|column| (column.name.clone(), serde_json::json!(self.total(column, None))))
            .collect();
        serde_json::json!({"rows": self.rows, "columns": self.columns, "totals": totals})
    }
}

fn write_row<'a>(head: &str, cells: impl Iterator<Item = &'a str>, out: &mut String) {
    let _ = write!(out, "| {head} |");
    for cell in cells {
        let _ = write!(out, " {cell} |");
    }
    out.push('\n');
}
