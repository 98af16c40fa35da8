//! How convolutions are computed: of all ways that give the same for real numbers, the fastest within an error.
//!
//! Ways differ in rounding, so they are no equalities of the search: every convolution has a list of candidates with a
//! time and an error, [`choose`] takes one of each, and [`winograd`] writes it out. Errors of layers are taken to be
//! independent: their squares add up.

mod price;
mod winograd;

pub use price::Prices;
use winograd::Way;

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

/// A way to compute a node.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Candidate {
    /// Winograd's filtering; none is the sum as it is written.
    way: Option<Way>,
    /// Seconds.
    time: f64,
    /// Relative error that it adds, squared.
    error: f64,
}

/// The tile that would be chosen for every convolution that has a choice, by name; none is the sum as it is written.
pub fn picks(g: &Graph, options: &Options) -> Result<Vec<(String, Option<i64>)>> {
    let found = choices(g, options)?;
    Ok(found.into_iter().map(|(id, _, way)| (g.node(id).name.clone(), way.map(|w| w.tile))).collect())
}

/// Computes every convolution that has a choice by tiles of this size: 2, 4 or 6 results along each axis; by rows of them
/// where that is the cheaper.
pub fn by_tiles(g: &mut Graph, tile: i64, prices: &Prices) -> Result<Report> {
    let mut report = Report::default();
    for id in g.topo()? {
        if let Some(shape) = winograd::shape(g, id) {
            let by_rows = price::by_tiles(prices, &shape, tile).0;
            winograd::write(g, id, &shape, Way { tile, by_rows })?;
            report.changed += 1;
        }
    }
    Ok(report)
}

/// Gives every convolution, also in the bodies of control flow, its algorithm.
pub fn algorithms(g: &mut Graph, options: &Options) -> Result<Report> {
    let mut report = subgraph::each(g, |body| algorithms(body, options))?;
    for (id, shape, way) in choices(g, options)? {
        if let Some(way) = way {
            winograd::write(g, id, &shape, way)?;
            report.changed += 1;
        }
    }
    Ok(report)
}

/// Every convolution of the graph that has a choice, and the way that is chosen.
fn choices(g: &Graph, options: &Options) -> Result<Vec<(NodeId, winograd::Shape, Option<Way>)>> {
    let shapes: Vec<(NodeId, winograd::Shape)> =
        g.topo()?.into_iter().filter_map(|id| Some((id, winograd::shape(g, id)?))).collect();
    let lists: Vec<Vec<Candidate>> = shapes.iter().map(|(_, s)| price::candidates(&options.prices, s)).collect();
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
