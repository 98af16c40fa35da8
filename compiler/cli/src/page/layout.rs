//! Places the nodes of an acyclic graph in layers, top to bottom, with few crossings and straight edges.
//!
//! The usual four steps: layers by longest path, edges through the layers between as chains of bends, order within each
//! layer by the mean position of neighbours, and positions by least squares under the order and the widths.

/// Distance between neighbours in a layer, and between layers, in pixels.
const GAP: f64 = 24.0;
const LAYER: f64 = 84.0;
/// Width of a bend.
const BEND: f64 = 8.0;
const SWEEPS: usize = 10;

/// A placed graph.
#[derive(Debug, Default)]
pub struct Layout {
    /// Centre of each node.
    pub nodes: Vec<(f64, f64)>,
    /// For each edge given, the points it passes, ends included.
    pub edges: Vec<Vec<(f64, f64)>>,
    /// Extent of all of it.
    pub size: (f64, f64),
}

/// Places nodes of these widths; every edge goes from a node to a later one.
pub fn layout(widths: &[f64], edges: &[(usize, usize)]) -> Layout {
    let layers = layers(widths.len(), edges);
    let mut net = Net::new(widths, &layers);
    let routes: Vec<Vec<usize>> = edges.iter().map(|e| net.route(e.0, e.1)).collect();
    net.finish();
    for sweep in 0..SWEEPS {
        net.order(sweep % 2 == 0);
    }
    net.spread();
    for sweep in 0..SWEEPS {
        net.align(sweep % 2 == 0);
    }
    net.done(widths.len(), &routes)
}

/// The layer of each node: below all its operands; a node without operands right above its first reader.
fn layers(n: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let (mut readers, mut is_source) = (vec![vec![]; n], vec![true; n]);
    for (from, to) in edges {
        readers[*from].push(*to);
        is_source[*to] = false;
    }
    let mut layer = vec![0usize; n];
    for from in 0..n {
        for to in &readers[from] {
            layer[*to] = layer[*to].max(layer[from] + 1);
        }
    }
    for v in (0..n).filter(|v| is_source[*v]) {
        if let Some(first) = readers[v].iter().map(|r| layer[*r]).min() {
            layer[v] = first.saturating_sub(1);
        }
    }
    layer
}

/// Nodes and bends in layers.
struct Net {
    layer: Vec<usize>,
    width: Vec<f64>,
    x: Vec<f64>,
    up: Vec<Vec<usize>>,
    down: Vec<Vec<usize>>,
    rows: Vec<Vec<usize>>,
    /// For each node the bends below it, one a layer: edges to several readers share them.
    chain: Vec<Vec<usize>>,
}

impl Net {
    fn new(widths: &[f64], layers: &[usize]) -> Net {
        let n = widths.len();
        Net {
            layer: layers.to_vec(),
            width: widths.to_vec(),
            x: vec![],
            up: vec![vec![]; n],
            down: vec![vec![]; n],
            rows: vec![],
            chain: vec![vec![]; n],
        }
    }

    /// Leads an edge through the layers between its ends.
    fn route(&mut self, from: usize, to: usize) -> Vec<usize> {
        let bends = (self.layer[to] - self.layer[from]).saturating_sub(1);
        while self.chain[from].len() < bends {
            let above = self.chain[from].last().copied().unwrap_or(from);
            let bend = self.layer.len();
            self.layer.push(self.layer[above] + 1);
            self.width.push(BEND);
            self.up.push(vec![]);
            self.down.push(vec![]);
            self.connect(above, bend);
            self.chain[from].push(bend);
        }
        let route: Vec<usize> = [from].into_iter().chain(self.chain[from][..bends].iter().copied()).collect();
        self.connect(route[route.len() - 1], to);
        route.into_iter().chain([to]).collect()
    }

    fn connect(&mut self, above: usize, below: usize) {
        self.down[above].push(below);
        self.up[below].push(above);
    }

    fn finish(&mut self) {
        let depth = self.layer.iter().max().map_or(0, |m| m + 1);
        self.rows = vec![vec![]; depth];
        for (v, l) in self.layer.iter().enumerate() {
            self.rows[*l].push(v);
        }
        self.x = vec![0.0; self.layer.len()];
        self.number();
    }

    /// Positions as places in the row.
    fn number(&mut self) {
        for row in &self.rows {
            let middle = row.len() as f64 / 2.0;
            for (i, v) in row.iter().enumerate() {
                self.x[*v] = i as f64 - middle;
            }
        }
    }

    fn pull(&self, v: usize, from_above: bool) -> f64 {
        let near = if from_above { &self.up[v] } else { &self.down[v] };
        match near.is_empty() {
            true => self.x[v],
            false => near.iter().map(|u| self.x[*u]).sum::<f64>() / near.len() as f64,
        }
    }

    fn sweep(&self, downwards: bool) -> Vec<usize> {
        let rows = 0..self.rows.len();
        if downwards { rows.collect() } else { rows.rev().collect() }
    }

    /// Sorts every row by the mean position of the neighbours in the row before.
    fn order(&mut self, downwards: bool) {
        for r in self.sweep(downwards) {
            let mut row = std::mem::take(&mut self.rows[r]);
            row.sort_by(|a, b| self.pull(*a, downwards).total_cmp(&self.pull(*b, downwards)));
            let middle = row.len() as f64 / 2.0;
            for (i, v) in row.iter().enumerate() {
                self.x[*v] = i as f64 - middle;
            }
            self.rows[r] = row;
        }
    }

    /// Places every row side by side, centred.
    fn spread(&mut self) {
        for row in &self.rows {
            let total: f64 = row.iter().map(|v| self.width[*v] + GAP).sum();
            let mut at = -total / 2.0;
            for v in row {
                self.x[*v] = at + (self.width[*v] + GAP) / 2.0;
                at += self.width[*v] + GAP;
            }
        }
    }

    /// Moves every row as near to its neighbours as order and widths allow.
    fn align(&mut self, downwards: bool) {
        for r in self.sweep(downwards) {
            let row = &self.rows[r];
            let wanted: Vec<f64> = row.iter().map(|v| self.pull(*v, downwards)).collect();
            let widths: Vec<f64> = row.iter().map(|v| self.width[*v] + GAP).collect();
            for (v, x) in row.iter().zip(nearest(&wanted, &widths)) {
                self.x[*v] = x;
            }
        }
    }

    fn done(self, nodes: usize, routes: &[Vec<usize>]) -> Layout {
        let edge = |f: fn(f64, f64) -> f64, sign: f64| {
            let ends = self.x.iter().zip(&self.width).map(|(x, w)| x + sign * w / 2.0);
            ends.reduce(f).unwrap_or(0.0)
        };
        let (left, right) = (edge(f64::min, -1.0), edge(f64::max, 1.0));
        let point = |v: &usize| (self.x[*v] - left + GAP, (self.layer[*v] as f64 + 0.5) * LAYER);
        Layout {
            nodes: (0..nodes).map(|v| point(&v)).collect(),
            edges: routes.iter().map(|r| r.iter().map(point).collect()).collect(),
            size: (right - left + 2.0 * GAP, self.rows.len() as f64 * LAYER),
        }
    }
}

/// Centres of boxes of these widths, side by side in order, with the least sum of squared distances from `wanted`: after
/// taking off the widths to the left this is isotonic regression, solved by pooling neighbours that are out of order.
fn nearest(wanted: &[f64], widths: &[f64]) -> Vec<f64> {
    let mut offsets = vec![];
    let mut at = 0.0;
    for w in widths {
        offsets.push(at + w / 2.0);
        at += w;
    }
    let mut pools: Vec<(f64, usize)> = vec![];
    for (x, o) in wanted.iter().zip(&offsets) {
        let mut pool = (x - o, 1);
        while let Some((sum, n)) = pools.pop_if(|p| p.0 / p.1 as f64 > pool.0 / pool.1 as f64) {
            pool = (pool.0 + sum, pool.1 + n);
        }
        pools.push(pool);
    }
    let starts = pools.iter().flat_map(|(sum, n)| std::iter::repeat_n(sum / *n as f64, *n));
    starts.zip(&offsets).map(|(s, o)| s + o).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_straight_and_goes_down() {
        let l = layout(&[50.0, 80.0, 20.0], &[(0, 1), (1, 2)]);
        assert!(l.nodes.windows(2).all(|w| (w[0].0 - w[1].0).abs() < 1e-6 && w[0].1 < w[1].1), "{:?}", l.nodes);
    }

    #[test]
    fn nothing_overlaps_and_everything_is_inside() {
        let n = 1000;
        let edges: Vec<_> = (1..n).flat_map(|v| [(v / 2, v), (v - v.min(7), v)]).collect();
        let widths: Vec<f64> = (0..n).map(|v| 40.0 + (v % 5) as f64 * 20.0).collect();
        let l = layout(&widths, &edges);
        for a in 0..n {
            let (x, y) = l.nodes[a];
            assert!(x - widths[a] / 2.0 >= 0.0 && x + widths[a] / 2.0 <= l.size.0 && y <= l.size.1);
            for b in 0..a {
                let apart = (x - l.nodes[b].0).abs() - (widths[a] + widths[b]) / 2.0;
                assert!(l.nodes[b].1 != y || apart >= GAP - 1e-6, "{a} and {b}");
            }
        }
        assert!(l.edges.iter().zip(&edges).all(|(p, e)| p[0] == l.nodes[e.0] && p[p.len() - 1] == l.nodes[e.1]));
    }

    #[test]
    fn no_node_is_no_problem() {
        assert_eq!(layout(&[], &[]).nodes.len(), 0);
    }
}
