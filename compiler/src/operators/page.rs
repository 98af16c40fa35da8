//! The table of operators as a page of documentation.

use super::{Operands, Support, all_types, types_that};
use dlc_ir::DType;
use std::collections::BTreeSet;
use std::fmt::Write;

/// Targets with a column of their own, and what it is called.
const COLUMNS: &[(&str, &str)] = &[("cpu", "CPU"), ("cuda", "CUDA")];

/// The page, in Markdown.
pub fn page(all: &[Support]) -> String {
    head() + &all.iter().map(rows).collect::<String>() + &tail()
}

/// The lines of one operator.
pub fn rows(s: &Support) -> String {
    let mut out = String::new();
    for (i, o) in s.operands.iter().enumerate() {
        row(&mut out, s, o, i == 0);
    }
    out
}

/// What comes before the lines of the operators.
pub fn head() -> String {
    let newest = dlc_onnx::NEWEST_OPSET;
    let columns: String = COLUMNS.iter().map(|c| format!(" {} |", c.1)).collect();
    format!(
        "# Operators\n\n\
         Written by `dlc operators --page`; a test says whether it is current, and `DLC_BLESS=1` rewrites it. Nothing here is claimed: \
         every type was tried on the samples that the operator is tested on.\n\n\
         - **opset**: models of ai.onnx 1 to {newest} are read. From the first number on a node is taken as it stands; older forms, up to \
         the versions in brackets, are brought to that of today. Versions of other domains are not looked at.\n\
         - **operands**: their places, counted from 0; `results` where there are none. Those that take the same types share a \
         line.\n\
         - **oracle**: the element types that the reference takes (`--target reference`). {columns_doc}\n\
         - **gradient**: whether `dlc_ir::grad` differentiates the first result with respect to all operands of floats.\n\n\
         `float` is f16, bf16, f32 and f64; `int` is i8 to i64 and u8 to u64; `narrow` are the floats of 8 bits and fewer and the \
         integers of 4 and 2; `any` is all of them. A star: and what the graph among its attributes takes.\n\n\
         | operator | opset | operands | oracle |{columns} gradient |\n|---|---|---|---|{rules}---|\n",
        columns_doc = "**CPU**, **CUDA**: those that compile for the target; there is no target for CUDA so far.",
        rules = "---|".repeat(COLUMNS.len()),
    )
}

fn row(out: &mut String, s: &Support, o: &Operands, first: bool) {
    let blank = |text: String| if first { text } else { String::new() };
    let gradient = blank(if s.gradient { "yes" } else { "no" }.into());
    let star = if s.takes_graph { " \\*" } else { "" };
    let _ = write!(
        out,
        "| {} | {} | {} | {}{star} |",
        blank(s.name.clone()),
        blank(s.opset()),
        o.places(),
        types(&o.oracle)
    );
    for (target, _) in COLUMNS {
        let cell = match o.targets.get(target) {
            Some(of) if *of == o.oracle => "same".into(),
            Some(of) if !of.is_empty() => types(of),
            _ => "no".into(),
        };
        let _ = write!(out, " {cell} |");
    }
    let _ = writeln!(out, " {gradient} |");
}

impl Support {
    /// Versions of ai.onnx, as in the page: `18 (1, 12, 17)`.
    pub fn opset(&self) -> String {
        let older: Vec<String> = self.older_forms_until.iter().map(i64::to_string).collect();
        match self.as_it_stands_since {
            None => "any".into(),
            Some(since) if older.is_empty() => since.to_string(),
            Some(since) => format!("{since} ({})", older.join(", ")),
        }
    }
}

impl Operands {
    /// The places in few words: `0-2 4`, `1..` for a place and all after it, `results` for none.
    pub fn places(&self) -> String {
        let mut runs: Vec<(usize, usize)> = vec![];
        for p in &self.places {
            match runs.last_mut() {
                Some(last) if last.1 + 1 == *p => last.1 = *p,
                _ => runs.push((*p, *p)),
            }
        }
        let n = runs.len();
        let run = |(i, (a, b)): (usize, (usize, usize))| match (a == b, self.variadic && i + 1 == n) {
            (_, true) => format!("{a}.."),
            (true, _) => a.to_string(),
            _ => format!("{a}-{b}"),
        };
        match n {
            0 => "results".into(),
            _ => runs.into_iter().enumerate().map(run).collect::<Vec<_>>().join(" "),
        }
    }
}

/// Names of element types in few words: `any`, or `float int bool`.
pub fn types(names: &[&str]) -> String {
    let mut left: BTreeSet<&str> = names.iter().copied().collect();
    if left == all_types() {
        return "any".into();
    }
    let wide = |d: DType| !d.is_narrow();
    let groups = [
        ("float", types_that(|d| d.is_float() && wide(d))),
        ("int", types_that(|d| d.is_int() && wide(d))),
        ("narrow", types_that(DType::is_narrow)),
    ];
    let mut out = vec![];
    for (name, group) in groups {
        if group.is_subset(&left) {
            out.push(name);
            left.retain(|n| !group.contains(n));
        }
    }
    out.extend(names.iter().filter(|n| left.contains(**n)));
    if out.is_empty() { "none".into() } else { out.join(" ") }
}

/// What comes after them.
pub fn tail() -> String {
    let mut out = String::from(
        "\n## Read, and written as other operators\n\n\
         | operator | what becomes of it |\n|---|---|\n",
    );
    for (domain, name, what) in dlc_onnx::WRITTEN_OUT {
        let _ = writeln!(out, "| {} | {what} |", full(domain, name));
    }
    out.push_str(
        "\n## Refused\n\nAny other operator is refused by name, unless the model defines it as a function.\n\n",
    );
    out.push_str("| operator | why |\n|---|---|\n");
    for (domain, name, why) in dlc_onnx::REFUSED {
        let _ = writeln!(out, "| {} | {why} |", full(domain, name));
    }
    out
}

fn full(domain: &str, name: &str) -> String {
    match domain {
        "" => name.into(),
        _ => format!("{domain}.{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn types_are_said_in_few_words() {
        assert_eq!(types(&["f32", "f16", "f64", "bf16"]), "float");
        assert_eq!(types(&["f32", "bool"]), "f32 bool");
        assert_eq!(types(&[]), "none");
        assert_eq!(types(&all_types().into_iter().collect::<Vec<_>>()), "any");
    }

    #[test]
    fn places_are_runs() {
        let of = |places: &[usize], variadic| {
            Operands { places: places.to_vec(), variadic, oracle: vec![], targets: BTreeMap::new() }.places()
        };
        assert_eq!(of(&[0, 1, 2, 4], false), "0-2 4");
        assert_eq!(of(&[0, 2, 3], true), "0 2..");
        assert_eq!(of(&[], false), "results");
    }
}
