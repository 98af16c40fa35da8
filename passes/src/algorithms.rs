//! How convolutions are computed: of all ways that give the same for real numbers, the fastest within an error.
//!
//! Ways differ in rounding, so they are no equalities of the search: every convolution has a list of candidates with a
//! time and an error, [`choose`] takes one of each, and [`winograd`] or [`fourier`] writes it out. Errors of layers are taken to
//! be independent: their squares add up.

mod fourier;
mod price;
mod winograd;
mod writer;

pub use price::Prices;

use crate::{Report, subgraph};
use dlc_ir::{Graph, NodeId, Result};

/// What is allowed, and what time things take.
#[derive(Clone, Debug)]
pub struct Options {
    /// Largest estimate of the relative error (in the L2 norm) of a result; 0 leaves everything as it is.
    pub budget: f64,
    /// Times on the device.
    pub prices: Prices,
}

/// A way to compute a convolution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Way {
    /// The sum as it is written.
    Sum,
    /// Winograd's filtering by tiles of so many results along each axis: 2, 4 or 6.
    Winograd(i64),
    /// Spectra of tiles of so many rows and columns.
    Fourier([i64; 2]),
}

impl std::fmt::Display for Way {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Way::Sum => write!(f, "sum"),
            Way::Winograd(tile) => write!(f, "F({tile},3)"),
            Way::Fourier([rows, columns]) => write!(f, "spectra of {rows}x{columns}"),
        }
    }
}

/// A convolution that can be computed in another way than as the sum that is written.
#[derive(Clone, Debug)]
enum Shape {
    /// By tiles of Winograd's filtering.
    Winograd(winograd::Shape),
    /// By spectra.
    Fourier(fourier::Shape),
}

impl Shape {
    fn of(g: &Graph, id: NodeId) -> Option<Shape> {
        winograd::shape(g, id).map(Shape::Winograd).or_else(|| fourier::shape(g, id).map(Shape::Fourier))
    }

    fn candidates(&self, p: &Prices) -> Vec<Candidate> {
        match self {
            Shape::Winograd(s) => price::tiles(p, s),
            Shape::Fourier(s) => price::spectra(p, s),
        }
    }

    /// Writes the node in this way; whether that is one for such a convolution.
    fn write(&self, g: &mut Graph, id: NodeId, way: Way, p: &Prices) -> Result<bool> {
        match (self, way) {
            (Shape::Winograd(s), Way::Winograd(tile)) => {
                let by_rows = price::by_tiles(p, s, tile).0;
                winograd::write(g, id, s, winograd::Way { tile, by_rows })
            }
            (Shape::Fourier(s), Way::Fourier(size)) => match s.tiles(size) {
                Some(tiles) => fourier::write(g, id, s, &tiles),
                None => Ok(false),
            },
            _ => Ok(false),
        }
    }
}

/// A way with its price.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Candidate {
    way: Way,
    /// Seconds.
    time: f64,
    /// Relative error that it adds, squared.
    error: f64,
}

/// The way that would be chosen for every convolution that has a choice, by name.
pub fn picks(g: &Graph, options: &Options) -> Result<Vec<(String, Way)>> {
    let found = choices(g, options)?;
    Ok(found.into_iter().map(|(id, _, way)| (g.node(id).name.clone(), way)).collect())
}

/// Computes every convolution this way that can be, as prices say where that is open.
pub fn all(g: &mut Graph, way: Way, prices: &Prices) -> Result<Report> {
    let mut report = Report::default();
    for id in g.topo()? {
        if let Some(shape) = Shape::of(g, id) {
            report.changed += usize::from(shape.write(g, id, way, prices)?);
        }
    }
    Ok(report)
}

/// Gives every convolution, also in the bodies of control flow, its algorithm.
pub fn algorithms(g: &mut Graph, options: &Options) -> Result<Report> {
    let mut report = subgraph::each(g, |body| algorithms(body, options))?;
    for (id, shape, way) in choices(g, options)? {
        report.changed += usize::from(shape.write(g, id, way, &options.prices)?);
    }
    Ok(report)
}

/// Every convolution of the graph that has a choice, and the way that is chosen.
fn choices(g: &Graph, options: &Options) -> Result<Vec<(NodeId, Shape, Way)>> {
    let shapes: Vec<(NodeId, Shape)> = g.topo()?.into_iter().filter_map(|id| Some((id, Shape::of(g, id)?))).collect();
    let lists: Vec<Vec<Candidate>> = shapes.iter().map(|(_, s)| s.candidates(&options.prices)).collect();
    let lists: Vec<&[Candidate]> = lists.iter().map(Vec::as_slice).collect();
    let picks = choose(&lists, options.budget * options.budget);
    let ways = picks.into_iter().zip(&lists).map(|(pick, list)| list[pick].way);
    Ok(shapes.into_iter().zip(ways).map(|((id, shape), way)| (id, shape, way)).collect())
}

/// One candidate of each list, so that their errors add up to `budget` at most and the time is short: from the fastest of
/// all, what saves the least time for its error is given up until the rest fits, and what still fits then is taken back.
/// The first of a list has no error.
fn choose(lists: &[&[Candidate]], budget: f64) -> Vec<usize> {
    let fastest = |list: &&[Candidate]| {
        let by_time = |a: &usize, b: &usize| list[*a].time.total_cmp(&list[*b].time);
        (0..list.len()).min_by(by_time).unwrap_or(0)
    };
    let mut picks: Vec<usize> = lists.iter().map(fastest).collect();
    let total = |picks: &[usize]| picks.iter().zip(lists).map(|(p, list)| list[*p].error).sum::<f64>();
    let mut error = total(&picks);
    while error > budget {
        let rate = |now: &Candidate, c: &Candidate| (c.time - now.time) / (now.error - c.error);
        let less = |now: &Candidate, c: &Candidate| (c.error < now.error).then(|| rate(now, c));
        let Some((i, c)) = least(lists, &picks, less) else { break };
        picks[i] = c;
        error = total(&picks);
    }
    loop {
        let fits = |now: &Candidate, c: &Candidate| c.time < now.time && error - now.error + c.error <= budget;
        let Some((i, c)) = least(lists, &picks, |now, c| fits(now, c).then_some(c.time - now.time)) else { break };
        picks[i] = c;
        error = total(&picks);
    }
    picks
}

/// The change of one pick, as list and candidate, to which `value` gives the least.
fn least(
    lists: &[&[Candidate]],
    picks: &[usize],
    value: impl Fn(&Candidate, &Candidate) -> Option<f64>,
) -> Option<(usize, usize)> {
    let changes = picks.iter().zip(lists).enumerate().flat_map(|(i, (pick, list))| {
        let rated = |(other, c)| value(&list[*pick], c).map(|v| (v, i, other));
        list.iter().enumerate().filter_map(rated).collect::<Vec<_>>()
    });
    changes.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, i, other)| (i, other))
}

#[cfg(test)]
mod tests;
