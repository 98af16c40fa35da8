//! A graph with its inputs, as one text: the graph, then a graph whose outputs are constants.

use dlc_ir::{Graph, Tensor, interp, text};

/// Between the two graphs.
const LINE: &str = "\n---\n";

/// The text of a case.
pub fn print(g: &Graph, inputs: &[Tensor]) -> String {
    let mut given = Graph::new("inputs");
    for (i, t) in inputs.iter().enumerate() {
        let v = given.add_const(&format!("x{i}"), t.clone());
        given.add_output(&format!("x{i}"), v);
    }
    format!("{}{LINE}{}", text::print(g).trim_end(), text::print(&given))
}

/// The case of a text.
pub fn parse(s: &str) -> Result<(Graph, Vec<Tensor>), String> {
    let (g, given) = s.split_once(LINE).ok_or("expected two graphs with a line --- between")?;
    let parse = |s: &str| text::parse(s).map_err(|e| e.to_string());
    let given = interp::run(&parse(given)?, &[]).map_err(|e| e.to_string())?;
    Ok((parse(g)?, given))
}
