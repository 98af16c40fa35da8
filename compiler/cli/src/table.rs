//! Tables and quantities for people to read.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

/// A table with these columns; those whose name starts with `>` are aligned to the right.
pub fn table(columns: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut t = Table::new();
    t.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    t.set_header(columns.iter().map(|c| c.trim_start_matches('>')));
    for row in rows {
        t.add_row(row.iter().map(|cell| crate::ui::plain(cell)));
    }
    for (i, c) in columns.iter().enumerate() {
        if let (true, Some(column)) = (c.starts_with('>'), t.column_mut(i)) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    t.lines().map(|l| l.trim_end().to_string()).collect::<Vec<_>>().join("\n")
}

/// `1.5 MiB`.
pub fn bytes(n: u64) -> String {
    let mut v = n as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if v < 1024.0 {
            return if unit == "B" { format!("{n} B") } else { format!("{v:.1} {unit}") };
        }
        v /= 1024.0;
    }
    format!("{v:.1} TiB")
}

/// `1.25 ms`, from seconds.
pub fn seconds(s: f64) -> String {
    match s {
        s if s < 1e-3 => format!("{:.1} us", s * 1e6),
        s if s < 1.0 => format!("{:.2} ms", s * 1e3),
        s => format!("{s:.2} s"),
    }
}

/// A small number such as an error: `0` or `1.2e-7`.
pub fn error(v: f64) -> String {
    if v == 0.0 { "0".into() } else { format!("{v:.1e}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_have_units() {
        assert_eq!([bytes(12), bytes(1536), bytes(3 << 20)], ["12 B", "1.5 KiB", "3.0 MiB"]);
        assert_eq!([seconds(2e-6), seconds(0.0125), seconds(3.0)], ["2.0 us", "12.50 ms", "3.00 s"]);
        assert_eq!([error(0.0), error(1.25e-7)], ["0", "1.2e-7"]);
    }
}
