//! A graph as one self-contained HTML page: drawn here, no external resource, facts on click.

pub mod layout;

use crate::ui::visible;
use dlc_ir::graph::Kind;
use dlc_ir::{Graph, Node, NodeId, Value};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;

const TEMPLATE: &str = include_str!("page.html");
const HEIGHT: f64 = 40.0;
/// Longest text of a fact or an attribute shown.
const LONGEST: usize = 400;

/// What is shown of a node when it is clicked.
#[derive(Serialize)]
struct Facts {
    name: String,
    op: String,
    attributes: Vec<(String, String)>,
    operands: Vec<String>,
    results: Vec<String>,
}

/// The page of a graph; `summary` is a sentence below its title. Constants are shown as operands, not as nodes.
pub fn page(g: &Graph, summary: &str) -> Result<String, dlc_ir::Error> {
    let drawn: Vec<NodeId> = g.topo()?.into_iter().filter(|id| !matches!(g.node(*id).kind, Kind::Const(_))).collect();
    let place: BTreeMap<NodeId, usize> = drawn.iter().enumerate().map(|(i, id)| (*id, i)).collect();
    let mut edges: Vec<(usize, usize)> = vec![];
    for (to, id) in drawn.iter().enumerate() {
        let from = g.operands(*id).into_iter().flatten().filter_map(|v| place.get(&v.node));
        edges.extend(from.map(|from| (*from, to)));
    }
    edges.sort();
    edges.dedup();
    let labels: Vec<(String, String)> = drawn.iter().map(|id| label(g.node(*id))).collect();
    let widths: Vec<f64> = labels.iter().map(width).collect();
    let l = layout::layout(&widths, &edges);
    let facts: Vec<Facts> = drawn.iter().map(|id| facts(g, *id)).collect();
    // `<` would end the script element early.
    let data = serde_json::to_string(&facts).unwrap_or_else(|_| "[]".into()).replace('<', "\\u003c");
    let data = visible(&data, |c| format!("\\u{:04x}", c as u32));
    let svg = svg(&l, &labels, &widths);
    Ok(TEMPLATE
        .replace("@TITLE@", &escape(&g.name))
        .replace("@SUMMARY@", &escape(summary))
        .replace("@WIDTH@", &format!("{:.0}", l.size.0))
        .replace("@HEIGHT@", &format!("{:.0}", l.size.1))
        .replacen("@SVG@", &svg, 1)
        .replacen("@DATA@", &data, 1))
}

fn svg(l: &layout::Layout, labels: &[(String, String)], widths: &[f64]) -> String {
    let mut out = String::new();
    for points in &l.edges {
        let _ = writeln!(out, "<path class=\"edge\" d=\"{}\"/>", curve(points));
    }
    for (i, ((x, y), ((op, fact), w))) in l.nodes.iter().zip(labels.iter().zip(widths)).enumerate() {
        let _ = writeln!(
            out,
            "<g class=\"node\" data-i=\"{i}\" transform=\"translate({x:.1},{y:.1})\" style=\"--hue:{}\">\
             <rect x=\"{:.1}\" y=\"{:.1}\" width=\"{w:.1}\" height=\"{HEIGHT}\" rx=\"6\"/>\
             <text y=\"-4\" class=\"op\">{}</text><text y=\"12\">{}</text></g>",
            hue(op),
            -w / 2.0,
            -HEIGHT / 2.0,
            escape(op),
            escape(fact)
        );
    }
    out
}

/// A path through points, vertical at each, from below the first box to above the last.
fn curve(points: &[(f64, f64)]) -> String {
    let mut p = points.to_vec();
    let last = p.len() - 1;
    p[0].1 += HEIGHT / 2.0;
    p[last].1 -= HEIGHT / 2.0;
    let mut out = format!("M{:.1},{:.1}", p[0].0, p[0].1);
    for w in p.windows(2) {
        let middle = (w[0].1 + w[1].1) / 2.0;
        let _ = write!(out, "C{:.1},{middle:.1} {:.1},{middle:.1} {:.1},{:.1}", w[0].0, w[1].0, w[1].0, w[1].1);
    }
    out
}

fn label(n: &Node) -> (String, String) {
    let first = match &n.kind {
        Kind::Input => n.name.clone(),
        _ => n.op_name(),
    };
    (shorten(&first, 28), shorten(&n.outputs.first().map(|f| f.to_string()).unwrap_or_default(), 28))
}

fn width(label: &(String, String)) -> f64 {
    let letters = label.0.chars().count().max(label.1.chars().count());
    (letters as f64 * 7.4 + 18.0).max(60.0)
}

/// A colour for an operator, the same in every page.
fn hue(op: &str) -> u32 {
    op.bytes().fold(7u32, |h, b| h.wrapping_mul(31).wrapping_add(b.into())) % 360
}

fn facts(g: &Graph, id: NodeId) -> Facts {
    let n = g.node(id);
    let attributes = n.op().map(|(_, attrs)| attrs.iter().map(|(k, v)| (k.clone(), shorten(&v.to_string(), LONGEST))));
    let operand = |v: Option<Value>| match v {
        None => "not given".to_string(),
        Some(v) => {
            let kind = if g.constant(v).is_some() { "const " } else { "" };
            shorten(&format!("{}: {kind}{}", g.node(v.node).name, g.fact(v)), LONGEST)
        }
    };
    Facts {
        name: n.name.clone(),
        op: n.op_name(),
        attributes: attributes.map(Iterator::collect).unwrap_or_default(),
        operands: g.operands(id).into_iter().map(operand).collect(),
        results: n.outputs.iter().map(|f| shorten(&f.to_string(), LONGEST)).collect(),
    }
}

fn shorten(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into(),
    }
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '@' => out.push_str("&#64;"),
            c => out.push_str(&visible(c.encode_utf8(&mut [0; 4]), |_| " ".into())),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use dlc_ir::{Attrs, DType, Fact};

    #[test]
    fn names_cannot_break_the_page() {
        let mut g = Graph::new("</script>@DATA@");
        let x = g.add_input("<b>\"&", Fact::new(DType::F32, [2.into()]));
        let y = g.apply("</script><script>", "Relu", Attrs::new(), &[x]).unwrap();
        g.add_output("y", y);
        let html = page(&g, "@SVG@ <i>").unwrap();
        assert_eq!(html.matches("</script>").count(), 1);
        assert_eq!(html.matches("class=\"node\"").count(), 2);
        assert!(!html.contains("<b>") && !html.contains("@DATA@") && !html.contains("http"));
    }
}
