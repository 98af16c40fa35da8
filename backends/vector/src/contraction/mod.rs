//! Sums of products in register tiles: matrix products and convolutions of any layout, with an epilogue.
//!
//! The result is cut into tiles of `Level::rows` rows (m) by `Level::columns` columns (n). The second factor is read from panels
//! `[k][columns]`: packed at compile time where it is constant, else by the thread into its scratch memory, which is also
//! where a convolution gathers its patches. The first factor is broadcast from where it is. The sum of a block of k
//! stays in registers, sums of blocks are added up in scratch memory; the epilogue (bias, residual, activation) is
//! applied before the only store.
//!
//! The order of additions follows from the summed axes alone: it is the same at every level, for sizes known or not,
//! and whichever factor is broadcast.

pub mod dot;
mod pack;
pub mod pairs;
mod rows;
mod strips;

use crate::builder::Builder;
use crate::ir::{Buf, Elem, Inst, Kernel, Reg, Type};
use crate::level::Level;
use crate::nest::{decompose, div_rem};
use crate::scalar::{Place, Scalar, elem, load_at, memory, store_at, unrounded};
use dlc_ir::dim::product;
use dlc_ir::lower::rewrite::{collapse, collapse_reduce, cost, depends, rewrite, substitute};
use dlc_ir::lower::{Bin, Cmp, Contract, E, Expr, SUM, Slot, Ty};
use dlc_ir::{DType, Dim};

/// The register the second factor is read from.
const FACTOR: u32 = u32::MAX - 1;
/// Summed elements after which a sum is added to that of the blocks before: errors grow with the length of a block and
/// the number of blocks, not with their product.
pub(crate) const BLOCK: i64 = 256;
/// Bytes of panels packed at a time: a part of the second-level cache.
const PANEL_BYTES: i64 = 512 * 1024;

/// Fewest panels in one piece of work: rows that are copied beside each other are read so often, while panels that are long
/// come from the third-level cache.
const LEAST_PANELS: i64 = 4;

/// Rows of a panel between what is read and what is asked for: memory answers in the time they take.
const AHEAD: usize = 32;

/// A contraction with what is done to its sum.
#[derive(Clone, Debug)]
pub struct Job {
    /// The sum of products.
    pub contract: Contract,
    /// Result element from `Reg(SUM)` and loads at variables batch, m, n of the contract.
    pub epilogue: Expr,
    /// Element type of the result.
    pub dtype: DType,
    /// The second factor packed as `[batches][panels][k][columns]` in this slot: a batch for each index of the batch axes that
    /// it depends on.
    pub packed: Option<Slot>,
    /// It is packed for products of bytes: see [`dot`].
    pub bytes: bool,
    /// It is packed for products of bf16 numbers: see [`pairs`].
    pub pairs: bool,
    /// The second factor has a zero point other than what packing moves it by: sums of rows are wanted.
    pub row_sums: bool,
    /// The result is stored as (batch, n, m).
    pub transposed: bool,
}

/// The variables of a contract by role, with their extents.
#[derive(Clone, Debug)]
pub struct Axes {
    /// Stacked products.
    pub batch: Vec<(u32, Dim)>,
    /// Rows.
    pub m: Vec<(u32, Dim)>,
    /// Columns.
    pub n: Vec<(u32, Dim)>,
    /// Summed.
    pub k: Vec<(u32, Dim)>,
}

impl Axes {
    /// The numbering of [`Contract`].
    pub fn of(c: &Contract) -> Axes {
        let mut next = 0;
        let mut take = |dims: &[Dim]| {
            let out = dims.iter().enumerate().map(|(i, d)| (next + i as u32, d.clone())).collect::<Vec<_>>();
            next += dims.len() as u32;
            out
        };
        Axes { batch: take(&c.batch), m: take(&c.m), n: take(&c.n), k: take(&c.k) }
    }
}

/// Number of elements of some axes.
pub fn count(axes: &[(u32, Dim)]) -> Dim {
    product(axes.iter().map(|a| &a.1))
}

/// Whether tiles can compute it: an f32 or i32 sum with more than one row or a factor that can be packed beforehand.
pub fn is_tiled(level: Level, c: &Contract, constant_b: bool) -> bool {
    let a = Axes::of(c);
    let few = |d: &Dim, n: i64| d.as_const().is_some_and(|d| d < n);
    let ok = matches!(c.acc, Ty::F32 | Ty::I32) && !few(&count(&a.n), level.lanes() as i64) && !few(&count(&a.k), 2);
    ok && (constant_b || !few(&count(&a.m), 2))
}

/// The same products with the factors' roles exchanged, and an expression over (batch, m, n) of the contract over
/// (batch, m, n) of that one.
pub fn exchanged(c: &Contract, e: &Expr) -> (Contract, Expr) {
    let (first, m, n) = (c.batch.len() as u32, c.m.len() as u32, c.n.len() as u32);
    let to = |v: u32| match v.checked_sub(first) {
        Some(i) if i < m => v + n,
        Some(i) if i < m + n => v - m,
        _ => v,
    };
    let renamed = |e: &Expr| substitute(e, &|v| Some(Expr::var(to(v))));
    let (a, b) = (renamed(&c.b), renamed(&c.a));
    (Contract { m: c.n.clone(), n: c.m.clone(), a, b, ..c.clone() }, renamed(e))
}

/// How sums are cut: summed elements of a block, and of a period at whose start one begins anyway. Both follow from the axes
/// alone: a block is whole steps of the outermost axis whose steps are short enough, within that axis. `None` if these are
/// not known.
fn block(k: &[(u32, Dim)]) -> Option<(i64, Dim)> {
    let inner = |axis: usize| count(&k[axis + 1..]).as_const().filter(|n| (1..=BLOCK).contains(n));
    let (axis, inner) = (0..k.len()).filter(|a| !k[*a].1.is_one()).find_map(|a| Some((a, inner(a)?)))?;
    Some((BLOCK / inner * inner, count(&k[axis..])))
}

/// The part of the second factor that panels hold (a load, or all of it), and the factor with that part as `Reg(FACTOR)`.
pub fn panel_part(c: &Contract) -> (Expr, Expr) {
    let axes = Axes::of(c);
    let mut loads: Vec<Expr> = vec![];
    fn find(e: &Expr, axes: &Axes, out: &mut Vec<Expr>) {
        match &**e {
            E::Load { .. } if depends(e, &axes.k) || depends(e, &axes.n) => {
                if !out.contains(e) {
                    out.push(e.clone());
                }
            }
            _ => e.for_children(&mut |c| find(c, axes, out)),
        }
    }
    find(&c.b, &axes, &mut loads);
    let reg = |part: &Expr| Expr::reg(FACTOR, part.ty());
    if let [load] = &loads[..] {
        let rest = rewrite(&c.b, &mut |e| (e == load).then(|| reg(load)));
        if !depends(&rest, &axes.k) && !depends(&rest, &axes.n) && lanes_ok(&rest) {
            return (load.clone(), rest);
        }
    }
    (c.b.clone(), reg(&c.b))
}

fn lanes_ok(e: &Expr) -> bool {
    let mut ok = matches!(e.ty(), Ty::F32 | Ty::I32) && !matches!(**e, E::Select(..));
    if matches!(**e, E::Load { .. }) {
        return true;
    }
    e.for_children(&mut |c| ok = ok && lanes_ok(c));
    ok
}

/// Type of the elements of a panel: as stored, but widened where lanes cannot read it.
pub fn panel_dtype(part: &Expr) -> DType {
    match (&**part, part.ty()) {
        (_, Ty::F32) => DType::F32,
        (E::Load { dtype, .. }, Ty::I32) => memory(*dtype),
        _ => DType::I32,
    }
}

/// The kernel of a job.
pub fn kernel(level: Level, name: &str, job: &Job, place: &Place, buffers: usize) -> Kernel {
    let job = &Job { epilogue: unrounded(&job.epilogue, job.dtype).clone(), ..job.clone() };
    let c = &job.contract;
    let axes = Axes::of(c);
    let (part, factor) = panel_part(c);
    let panel = panel_dtype(&part);
    let (m, n, k) = (count(&axes.m), count(&axes.n), count(&axes.k));
    let panels = n.ceil_div(&(level.columns() as i64).into());
    let bytes = k.clone() * Dim::from(level.columns() * panel.size());
    let dots = job.bytes.then(|| dot::bytes(level, c)).flatten();
    let tall = if dots.is_some() { level.dot_rows() } else { level.rows() };
    let pairs = job.pairs.then(|| pairs::pairs(level, c)).flatten();
    let words = dots.as_ref().map(|d| d.panel(level)).or(pairs.as_ref().map(|p| p.panel(level)));
    let one = words.or(bytes.as_const());
    let per_group = per_group(one, &panels);
    let strips = strips::Strips::of(&m, tall);
    let chunks = strips.pieces(&m);
    let groups = panels.ceil_div(&per_group.into());
    let mut b = Builder::new(level, buffers);
    let tile = b.scratch(level.rows() * level.columns() * 4);
    let near = rows::Rows::of(&mut b, level, c, &axes, &panels);
    let memory = b.scratch_rest();
    let (begin, end) = b.range();
    let mut s = Scalar::new(place, false);
    let rows = strips.rows();
    let (vars, a) = collapse_reduce(&axes.k, &c.a);
    let (rows_of_a, a) = collapse(axes.m.clone(), &a);
    let first = (vars, rows_of_a, a);
    let last = merged_epilogue(job, &axes).map(|(v, e)| {
        let (m, e) = collapse(axes.m.clone(), &e);
        (v, m, e)
    });
    let t = Tiles {
        level,
        strips,
        job,
        axes: &axes,
        part,
        factor,
        first,
        last,
        panel,
        m,
        n,
        k,
        near,
        tile,
        memory,
        dots,
        pairs,
    };
    // Rows in several pieces are what threads share: each reads those that it wrote.
    let by_rows = chunks.as_const().is_none_or(|n| n > 1);
    let split = if by_rows { [chunks.clone(), groups.clone()] } else { [groups.clone(), chunks.clone()] };
    b.for_(begin, end, 1, |b, piece| {
        let (batch, outer, inner) = t.split(b, piece, &split);
        let (group, chunk) = if by_rows { (inner, outer) } else { (outer, inner) };
        decompose(b, &mut s, &axes.batch, batch);
        s.scope(None, |s| t.piece(b, s, batch, group, chunk, per_group));
    });
    let work = count(&axes.batch) * groups * chunks;
    let scratch = if job.packed.is_some() { 0.into() } else { bytes * per_group.into() };
    let flops = t.m.min_of(&rows.into()) * Dim::from(per_group * level.columns() as i64) * t.k.clone();
    let flops = if job.bytes || job.pairs { flops.div(&2.into()) } else { flops };
    let grain = Dim::from(262_144).div(&(flops * cost(&c.a)).max_of(&1.into())).max_of(&1.into());
    let mut kernel = b.finish(name, work, grain, scratch);
    kernel.outer = axes.batch.iter().map(|(v, d)| (Expr::var(*v), d.clone())).collect();
    kernel
}

/// Panels, of so many bytes each, in one piece of work.
fn per_group(one: Option<i64>, panels: &Dim) -> i64 {
    let one = one.map_or(64 * 1024, |n| n.max(1));
    let most = panels.as_const().unwrap_or(16).max(1);
    (PANEL_BYTES / one).clamp(LEAST_PANELS, 16).min(most)
}

struct Tiles<'a> {
    level: Level,
    /// The tiles' heights.
    strips: strips::Strips,
    job: &'a Job,
    axes: &'a Axes,
    part: Expr,
    factor: Expr,
    /// The summed axes, the rows' axes and the first factor over these, neighbours merged.
    first: (Vec<(u32, Dim)>, Vec<(u32, Dim)>, Expr),
    /// The columns' variable, the rows' axes and the epilogue over these, where there is one such variable.
    last: Option<(u32, Vec<(u32, Dim)>, Expr)>,
    panel: DType,
    m: Dim,
    n: Dim,
    k: Dim,
    /// The copy of the rows of the first factor that a tile reads.
    near: Option<rows::Rows>,
    tile: Buf,
    memory: Buf,
    /// The products are of bytes.
    dots: Option<dot::Bytes>,
    /// The products are of bf16 numbers.
    pairs: Option<pairs::Pairs>,
}

/// How the loops over the summed axes are cut into blocks.
struct Cut {
    /// The loop that is cut; those around it stay whole.
    axis: usize,
    /// Its steps in a block.
    steps: i64,
    /// Its steps after which a block begins anyway.
    period: Dim,
}

/// What the tiles of a strip have in common: the values of the rows' axes, for each row.
struct Strip {
    /// Those that the first factor depends on.
    factor: Vec<Vec<Reg>>,
    /// Those that the epilogue depends on.
    epilogue: Vec<Vec<Reg>>,
}

/// Where a tile is.
#[derive(Clone, Copy)]
struct At {
    batch: Reg,
    row: Reg,
    column: Reg,
    /// First element of the panel.
    panel: Reg,
}

impl Tiles<'_> {
    fn columns(&self) -> usize {
        self.level.columns()
    }

    /// Batch number, outer and inner number of a piece of work.
    fn split(&self, b: &mut Builder, piece: Reg, split: &[Dim; 2]) -> (Reg, Reg, Reg) {
        let (outer, inner) = (b.size(&split[0]), b.size(&split[1]));
        let (rest, inner) = div_rem(b, piece, inner);
        let (batch, outer) = div_rem(b, rest, outer);
        (batch, outer, inner)
    }

    fn piece(&self, b: &mut Builder, s: &mut Scalar, batch: Reg, group: Reg, chunk: Reg, per_group: i64) {
        let panels = b.size(&self.n.ceil_div(&(self.columns() as i64).into()));
        let per_group = b.index(per_group);
        let first = b.mul(group, per_group);
        let last = b.add(first, per_group);
        let last = b.bin(Bin::Min, last, panels);
        match (self.job.packed, &self.pairs) {
            (None, None) => self.pack(b, s, first, last),
            (None, Some(p)) => self.pack_pairs(b, s, p, first, last),
            _ => {}
        }
        let base = self.panel_base(b, batch, panels);
        let mut sweep = |b: &mut Builder, lo: Reg, hi: Reg, height: usize| {
            b.for_(lo, hi, height as i64, |b, row| {
                s.scope(None, |s| self.row_sums(b, s, row, height));
                if let Some(near) = &self.near {
                    near.copy(b, s, self.axes, row, height);
                }
                let strip = self.strip(b, row, height);
                let mut panels = |b: &mut Builder, from: Reg, to: Reg, vectors: usize| {
                    b.for_(from, to, 1, |b, p| {
                        let columns = b.index(self.columns() as i64);
                        let column = b.mul(p, columns);
                        let panel = self.panel_start(b, base, first, p);
                        let at = At { batch, row, column, panel };
                        s.scope(None, |s| self.tile(b, s, at, &strip, (height, vectors)));
                    });
                };
                let vectors = self.columns() / self.level.lanes();
                let Some(wide) = self.wide_panels() else { return panels(b, first, last, vectors) };
                let start = b.index(wide);
                if wide > 0 {
                    let end = b.bin(Bin::Min, last, start);
                    panels(b, first, end, vectors);
                }
                let start = b.bin(Bin::Max, first, start);
                panels(b, start, last, 1);
            });
        };
        self.strips.sweep(b, &self.m, chunk, &mut sweep);
    }

    /// What tiles of so many rows from `row` on have in common.
    fn strip(&self, b: &mut Builder, row: Reg, height: usize) -> Strip {
        let factor = if self.near.is_some() || self.dots.is_some() { &[][..] } else { &self.first.1 };
        let factor = rows(b, factor, row, height);
        let epilogue = self.last.as_ref().map_or(vec![], |(_, m, _)| rows(b, m, row, height));
        Strip { factor, epilogue }
    }

    /// Number of panels before the last, if that is known to have one vector of columns only.
    fn wide_panels(&self) -> Option<i64> {
        let (n, columns) = (self.n.as_const()?, self.columns() as i64);
        (1..=self.level.lanes() as i64).contains(&(n % columns)).then_some(n / columns)
    }

    /// First panel of the batch in packed memory.
    fn panel_base(&self, b: &mut Builder, batch: Reg, panels: Reg) -> Option<Reg> {
        self.job.packed?;
        let (mut rest, mut number, mut stride) = (batch, b.index(0), panels);
        for axis in self.axes.batch.iter().rev() {
            let d = b.size(&axis.1);
            if depends(&self.part, std::slice::from_ref(axis)) {
                let at = b.bin(Bin::Rem, rest, d);
                let at = b.mul(at, stride);
                number = b.add(number, at);
                stride = b.mul(stride, d);
            }
            rest = b.bin(Bin::Div, rest, d);
        }
        Some(number)
    }

    fn panel_start(&self, b: &mut Builder, base: Option<Reg>, first: Reg, p: Reg) -> Reg {
        let p = match base {
            Some(base) => b.add(base, p),
            None => b.bin(Bin::Sub, p, first),
        };
        let stride = match (&self.dots, &self.pairs) {
            (Some(d), _) => b.index(d.panel(self.level)),
            (_, Some(p)) => b.index(p.panel(self.level)),
            _ => b.size(&(self.k.clone() * Dim::from(self.columns()))),
        };
        b.mul(p, stride)
    }

    fn panel_buf(&self, s: &Scalar) -> Buf {
        match self.job.packed {
            Some(slot) => s.place(slot),
            None => self.memory,
        }
    }

    /// One tile of rows and vectors of columns: the sum in registers, the epilogue, the store.
    fn tile(&self, b: &mut Builder, s: &mut Scalar, at: At, strip: &Strip, (height, vectors): (usize, usize)) {
        if let Some(d) = &self.dots {
            return self.dot_tile(b, s, d, at, strip, (height, vectors));
        }
        let ty = Type { elem: elem(self.job.contract.acc), lanes: self.level.lanes() as u8 };
        let zero = if ty.elem == Elem::F32 { b.float(ty, 0.0) } else { b.int(ty, 0) };
        let sums: Vec<Vec<Reg>> = (0..height).map(|_| (0..vectors).map(|_| b.var(zero)).collect()).collect();
        match &self.pairs {
            Some(p) => self.add_pairs(b, s, p, at, strip, &sums),
            None => self.accumulate(b, s, at, strip, &sums, zero),
        }
        let n = b.size(&self.n);
        let columns = b.index(self.columns() as i64);
        let end = b.add(at.column, columns);
        let full = b.cmp(Cmp::Le, end, n);
        let exact = self.n.as_const().is_some_and(|n| n % self.columns() as i64 == 0);
        let wide = wide_epilogue(self.job, self.axes);
        let starts = |b: &mut Builder| -> Vec<Reg> {
            (0..vectors).map(|j| offset(b, at.column, j * self.level.lanes())).collect()
        };
        if exact && wide {
            let starts = starts(b);
            return self.finish_lanes(b, s, at, strip, &sums, &starts);
        }
        if !wide {
            return self.finish_scalar(b, s, at, &sums, n);
        }
        if crate::scalar::has_parts(self.level, &self.job.epilogue, self.job.dtype) {
            let left = b.bin(Bin::Sub, n, at.column);
            return self.finish_parts(b, s, at, strip, &sums, left);
        }
        let then = b.block(|b| {
            let starts = starts(b);
            self.finish_lanes(b, s, at, strip, &sums, &starts);
        });
        let els = b.block(|b| self.finish_scalar(b, s, at, &sums, n));
        b.push(crate::ir::Node::If { cond: full, then, els });
    }

    fn accumulate(&self, b: &mut Builder, s: &mut Scalar, at: At, strip: &Strip, sums: &[Vec<Reg>], nothing: Reg) {
        let (vars, m, a) = &self.first;
        let buf = self.panel_buf(s);
        let step = |b: &mut Builder, s: &mut Scalar, panel: Reg| {
            let columns: Vec<Reg> = (0..sums[0].len())
                .map(|j| {
                    let o = (j * self.level.lanes()) as i32;
                    // A panel in scratch memory is complete before the loop that `panel` counts begins.
                    let x = b.fixed(|b| load_at(b, buf, self.panel, panel, o, self.level.lanes() as u8));
                    s.bind_reg(FACTOR, x);
                    s.scope(None, |s| s.eval(b, &self.factor))
                })
                .collect();
            if self.job.packed.is_some() {
                let ahead = (AHEAD * self.columns()) as i32;
                let lines = (0..sums[0].len()).map(|j| ahead + (j * self.level.lanes()) as i32);
                lines.for_each(|at| b.prefetch(buf, self.panel, panel, at));
            }
            for (i, sums) in sums.iter().enumerate() {
                let x = s.scope(None, |s| {
                    let x = match &self.near {
                        Some(near) => b.fixed(|b| near.load(b, s, i)),
                        None => {
                            m.iter().zip(&strip.factor[i]).for_each(|((v, _), r)| s.bind(*v, *r));
                            b.fixed(|b| s.eval(b, a))
                        }
                    };
                    let x = b.cast(elem(self.job.contract.acc), x);
                    b.widen(x, self.level.lanes() as u8)
                });
                for (sum, column) in sums.iter().zip(&columns) {
                    let next = b.fma(x, *column, *sum);
                    b.set(*sum, next);
                }
            }
        };
        let zero = b.index(0);
        let sweep = |b: &mut Builder, s: &mut Scalar, vars: &[(u32, Dim)], range: (Reg, Reg), panel: Reg| {
            self.k_loops_over(b, s, (vars, 1.into()), range, panel, &mut |b, s, panel| step(b, s, panel));
        };
        let Some(cut) = self.cut(vars) else {
            let n = vars.first().map_or(zero, |v| b.size(&v.1));
            return sweep(b, s, vars, (zero, n), at.panel);
        };
        self.each_sum(b, sums, &mut |b, offset, _| b.store(self.tile, self.sum_type(), zero, offset, nothing));
        let (outer, inner) = vars.split_at(cut.axis);
        let (periods, period) = (b.size(&inner[0].1.div(&cut.period)), b.size(&cut.period));
        let first = outer.first().map_or(zero, |v| b.size(&v.1));
        self.k_loops_over(b, s, (outer, count(inner)), (zero, first), at.panel, &mut |b, s, panel| {
            b.for_(zero, periods, 1, |b, p| {
                let start = b.mul(p, period);
                let end = b.add(start, period);
                b.for_(start, end, cut.steps, |b, lo| {
                    sums.iter().flatten().for_each(|sum| b.set(*sum, nothing));
                    let steps = b.index(cut.steps);
                    let hi = b.add(lo, steps);
                    let hi = b.bin(Bin::Min, hi, end);
                    sweep(b, s, inner, (lo, hi), panel);
                    self.each_sum(b, sums, &mut |b, offset, sum| {
                        let before = b.load(b.ty(sum), self.tile, self.sum_type(), zero, offset);
                        let all = b.add(before, sum);
                        b.set(sum, all);
                        b.store(self.tile, self.sum_type(), zero, offset, sum);
                    });
                });
            });
        });
    }

    /// Where the loops over the summed axes, merged as `vars`, are cut; `None` where all is one block.
    fn cut(&self, vars: &[(u32, Dim)]) -> Option<Cut> {
        let (block, period) = block(&self.axes.k)?;
        let inner = |axis: usize| count(&vars[axis + 1..]).as_const().filter(|n| *n <= block && block % n == 0);
        let (axis, inner) = (0..vars.len()).find_map(|a| Some((a, inner(a)?)))?;
        let (steps, period) = (block / inner, period.div(&inner.into()));
        let whole = axis == 0 && period == vars[0].1 && period.as_const().is_some_and(|n| n <= steps);
        (!whole).then_some(Cut { axis, steps, period })
    }

    /// Calls `f` with the position of each vector of sums in the tile's memory.
    fn each_sum(&self, b: &mut Builder, sums: &[Vec<Reg>], f: &mut dyn FnMut(&mut Builder, i32, Reg)) {
        for (i, row) in sums.iter().enumerate() {
            for (j, sum) in row.iter().enumerate() {
                f(b, (i * self.columns() + j * self.level.lanes()) as i32, *sum);
            }
        }
    }

    fn sum_type(&self) -> DType {
        if self.job.contract.acc == Ty::F32 { DType::F32 } else { DType::I32 }
    }

    /// Loops over summed axes with so many elements under each step, the outermost from `lo` to `hi`; `f` gets the row of the
    /// panel.
    fn k_loops_over(
        &self,
        b: &mut Builder,
        s: &mut Scalar,
        (vars, under): (&[(u32, Dim)], Dim),
        (lo, hi): (Reg, Reg),
        at: Reg,
        f: &mut dyn FnMut(&mut Builder, &mut Scalar, Reg),
    ) {
        let Some(((v, _), rest)) = vars.split_first() else {
            return s.scope(None, |s| f(b, s, at));
        };
        let stride = b.size(&(count(rest) * under.clone() * Dim::from(self.columns())));
        let inner = rest.first().map(|(_, d)| (b.index(0), b.size(d))).unwrap_or((lo, hi));
        b.for_(lo, hi, 1, |b, i| {
            s.bind(*v, i);
            let skip = b.mul(i, stride);
            let at = b.add(at, skip);
            s.scope(None, |s| self.k_loops_over(b, s, (rest, under.clone()), inner, at, f));
        });
    }

    /// The epilogue in lanes of the first `left` columns.
    fn finish_parts(&self, b: &mut Builder, s: &mut Scalar, at: At, strip: &Strip, sums: &[Vec<Reg>], left: Reg) {
        let (zero, lanes) = (b.index(0), b.index(self.level.lanes() as i64));
        for j in 0..sums[0].len() {
            let column = offset(b, at.column, j * self.level.lanes());
            let before = b.bin(Bin::Sub, column, at.column);
            let count = b.bin(Bin::Sub, left, before);
            let count = b.bin(Bin::Max, count, zero);
            let count = b.bin(Bin::Min, count, lanes);
            let sums: Vec<Vec<Reg>> = sums.iter().map(|row| vec![row[j]]).collect();
            b.part(count, |b| self.finish_lanes(b, s, at, strip, &sums, &[column]));
        }
    }

    /// The epilogue in lanes from the first column of each vector on.
    fn finish_lanes(&self, b: &mut Builder, s: &mut Scalar, at: At, strip: &Strip, sums: &[Vec<Reg>], columns: &[Reg]) {
        let Some((v, m, e)) = &self.last else { return };
        for (i, sums) in sums.iter().enumerate() {
            let row = offset(b, at.row, i);
            let base = self.row_start(b, at.batch, row);
            for (sum, column) in sums.iter().zip(columns) {
                let to = b.add(base, *column);
                s.scope(Some(*v), |s| {
                    m.iter().zip(&strip.epilogue[i]).for_each(|((v, _), r)| s.bind(*v, *r));
                    s.bind(*v, *column);
                    s.bind_reg(SUM, *sum);
                    let x = s.eval(b, e);
                    let x = b.widen(x, self.level.lanes() as u8);
                    store_at(b, s.place(Slot::Y(0)), self.job.dtype, to, 0, x);
                });
            }
        }
    }

    fn finish_scalar(&self, b: &mut Builder, s: &mut Scalar, at: At, sums: &[Vec<Reg>], n: Reg) {
        let (mem, zero) = (self.sum_type(), b.index(0));
        self.each_sum(b, sums, &mut |b, offset, sum| b.store(self.tile, mem, zero, offset, sum));
        let (columns, height) = (b.index(self.columns() as i64), b.index(sums.len() as i64));
        let left = b.bin(Bin::Sub, n, at.column);
        let width = b.bin(Bin::Min, columns, left);
        b.for_(zero, height, 1, |b, i| {
            let row = b.add(at.row, i);
            let from = b.mul(i, columns);
            b.for_(zero, width, 1, |b, j| {
                let column = b.add(at.column, j);
                let from = b.add(from, j);
                let to = self.position(b, at.batch, row, column);
                s.scope(None, |s| {
                    decompose(b, s, &self.axes.m, row);
                    decompose(b, s, &self.axes.n, column);
                    let sum = load_at(b, self.tile, mem, from, 0, 1);
                    s.bind_reg(SUM, sum);
                    let x = s.eval(b, &self.job.epilogue);
                    store_at(b, s.place(Slot::Y(0)), self.job.dtype, to, 0, x);
                });
            });
        });
    }

    /// Position of an element of the result.
    fn position(&self, b: &mut Builder, batch: Reg, row: Reg, column: Reg) -> Reg {
        if !self.job.transposed {
            let base = self.row_start(b, batch, row);
            return b.add(base, column);
        }
        let (m, n) = (b.size(&self.m), b.size(&self.n));
        let base = b.mul(batch, n);
        let r = b.add(base, column);
        let base = b.mul(r, m);
        b.add(base, row)
    }

    /// Position of a row of the result.
    fn row_start(&self, b: &mut Builder, batch: Reg, row: Reg) -> Reg {
        let (m, n) = (b.size(&self.m), b.size(&self.n));
        let base = b.mul(batch, m);
        let r = b.add(base, row);
        b.mul(r, n)
    }
}

/// The epilogue over one column variable, and that variable, if the columns' axes merge.
fn merged_epilogue(job: &Job, axes: &Axes) -> Option<(u32, Expr)> {
    let (vars, e) = collapse_reduce(&axes.n, &job.epilogue);
    match &vars[..] {
        [] => Some((u32::MAX, e)),
        [(v, _)] => Some((*v, e)),
        _ => None,
    }
}

fn wide_epilogue(job: &Job, axes: &Axes) -> bool {
    let in_rows = !job.transposed || count(&axes.m).is_one();
    in_rows
        && merged_epilogue(job, axes).is_some_and(|(v, e)| {
            let lanes = matches!(e.ty(), Ty::F32 | Ty::I32 | Ty::Bool);
            lanes && crate::scalar::is_wide(&e, v) && has_only_vector_math(&e)
        })
}

/// The values of the rows' axes for so many rows from `row` on: divided once, then counted.
fn rows(b: &mut Builder, axes: &[(u32, Dim)], row: Reg, height: usize) -> Vec<Vec<Reg>> {
    let mut now = vec![row; axes.len().min(1)];
    for (_, d) in axes.iter().skip(1).rev() {
        let d = b.size(d);
        let (rest, part) = div_rem(b, now[0], d);
        now.splice(0..1, [rest, part]);
    }
    if axes.len() <= 1 {
        return (0..height).map(|i| now.iter().map(|r| offset(b, *r, i)).collect()).collect();
    }
    let (zero, mut out) = (b.index(0), vec![now.clone()]);
    for _ in 1..height {
        let mut carry = b.index(1);
        for a in (0..axes.len()).rev() {
            let next = b.add(now[a], carry);
            now[a] = next;
            if a > 0 {
                let d = b.size(&axes[a].1);
                let over = b.cmp(Cmp::Ge, next, d);
                now[a] = b.select(over, zero, next);
                carry = b.cast(Elem::I64, over);
            }
        }
        out.push(now.clone());
    }
    out
}

fn offset(b: &mut Builder, r: Reg, by: usize) -> Reg {
    if by == 0 {
        return r;
    }
    let by = b.let_(Type::scalar(Elem::I64), Inst::Int(by as i64));
    b.add(r, by)
}

/// Whether everything computed from the sum, which is in lanes, can be.
pub(crate) fn has_only_vector_math(e: &Expr) -> bool {
    if let Some(index) = crate::scalar::table_index(e) {
        return has_only_vector_math(index);
    }
    let ok = match &**e {
        E::Un(op, a) => crate::math::is_vector(*op) || !has_sum(a),
        E::Bin(Bin::Pow | Bin::Rem | Bin::Shl | Bin::Shr, a, b) => !has_sum(a) && !has_sum(b),
        E::Bin(Bin::Div, a, _) => a.ty() == Ty::F32 || !has_sum(e),
        E::Reduce(_, _, a) => !has_sum(a),
        E::Select(c, a, b) => !has_sum(c) || (!matches!(**a, E::Load { .. }) && !matches!(**b, E::Load { .. })),
        E::Load { .. } => !has_sum(e),
        E::Cast(t, a) => !has_sum(a) || matches!(t, Ty::F32 | Ty::I32 | Ty::Bool),
        _ => true,
    };
    let mut all = ok;
    e.for_children(&mut |c| all = all && has_only_vector_math(c));
    all
}

fn has_sum(e: &Expr) -> bool {
    let mut found = matches!(**e, E::Reg(SUM, _));
    e.for_children(&mut |c| found |= has_sum(c));
    found
}
