//! When everything of a program becomes known: worked out once, when a model is opened.
//!
//! Time in a block is counted in steps: 0 is its entry, `i + 1` is after step `i`. A symbol has the time at which it is
//! bound, an expression that of its latest symbol, a buffer that of its size and of the buffer it is a view of.

use crate::expr::text;
use crate::uses::{affine, closure, inner, node, operands, results, symbols, uses};
use crate::{Error, Result};
use dlc_artifact::program::*;

/// Time of what is never known.
const NEVER: u32 = u32::MAX;

/// A symbol that follows from the size of an axis of an input.
#[derive(Debug)]
pub(crate) struct Binding {
    pub(crate) port: usize,
    pub(crate) axis: usize,
    pub(crate) symbol: SymId,
    /// The expressions to evaluate, last of them the size of the axis, of the form `a * symbol + b`.
    pub(crate) exprs: Vec<ExprId>,
}

/// What becomes known at one time in a block.
#[derive(Debug, Default)]
pub(crate) struct Stage {
    pub(crate) time: u32,
    /// Expressions, operands first.
    pub(crate) exprs: Vec<ExprId>,
    /// Indices into [`Block::asserts`].
    pub(crate) asserts: Vec<usize>,
    /// Buffers, in ascending order.
    pub(crate) buffers: Vec<BufId>,
    /// Those of them that are placed in an arena.
    pub(crate) arena: Vec<BufId>,
    /// Symbols on which the sizes in the arena depend.
    pub(crate) symbols: Vec<SymId>,
}

/// When everything in one block becomes known.
#[derive(Debug, Default)]
pub(crate) struct BlockSchedule {
    /// In the order in which they can be solved.
    pub(crate) bindings: Vec<Binding>,
    /// Ascending by time.
    pub(crate) stages: Vec<Stage>,
    /// For every axis of the outputs of an If or Loop that binds a symbol: step, output, axis, symbol.
    pub(crate) results: Vec<(u32, usize, usize, SymId)>,
    /// The buffer that each is a view of, or itself.
    pub(crate) roots: Vec<BufId>,
}

/// Bytes of tables that are worth having for blocks and symbols; more of both is not a program of this world.
const LARGEST: usize = 1 << 28;

/// Most blocks within each other.
const DEEPEST: usize = 64;

/// How many blocks run within each other at most.
fn depth(program: &Program) -> usize {
    let mut depths = vec![1; program.blocks.len()];
    for (id, block) in program.blocks.iter().enumerate() {
        for inner in block.steps.iter().flat_map(inner) {
            depths[inner as usize] = depths[inner as usize].max(depths[id] + 1);
        }
    }
    depths.into_iter().max().unwrap_or(0)
}

/// Schedules every block, and checks that everything is known when it is used and alive while it is used.
pub(crate) fn schedule(program: &Program) -> Result<Vec<BlockSchedule>> {
    let (blocks, symbols) = (program.blocks.len(), program.symbols.len());
    let depth = depth(program);
    if blocks.saturating_mul(symbols) > LARGEST || depth > DEEPEST {
        let found = format!("{blocks} of them, {depth} deep, with {symbols} symbols");
        return Err(Error::Program { place: "blocks".into(), expected: "fewer".into(), found });
    }
    let mut known: Vec<Option<Vec<bool>>> = vec![None; blocks];
    known[0] = Some(vec![false; symbols]);
    let one = |id: usize| match known[id].take() {
        Some(entry) => Scheduler::new(program, id, &entry).block(&mut known),
        None => Ok(BlockSchedule::default()),
    };
    (0..blocks).map(one).collect()
}

struct Scheduler<'a> {
    program: &'a Program,
    id: usize,
    block: &'a Block,
    /// Time of each symbol.
    symbols: Vec<u32>,
    /// Time of each expression that the block uses.
    exprs: Vec<u32>,
    buffers: Vec<u32>,
    /// The buffer that each is a view of, or itself.
    roots: Vec<BufId>,
    out: BlockSchedule,
}

impl<'a> Scheduler<'a> {
    fn new(program: &'a Program, id: usize, known: &[bool]) -> Self {
        Scheduler {
            program,
            id,
            block: &program.blocks[id],
            symbols: known.iter().map(|k| if *k { 0 } else { NEVER }).collect(),
            exprs: vec![],
            buffers: vec![],
            roots: vec![],
            out: BlockSchedule::default(),
        }
    }

    fn block(mut self, known: &mut [Option<Vec<bool>>]) -> Result<BlockSchedule> {
        self.inputs();
        for (i, step) in self.block.steps.iter().enumerate() {
            self.step(i as u32, step, known);
        }
        let used = self.used();
        self.exprs = vec![NEVER; self.program.exprs.len()];
        for &e in &used {
            self.exprs[e as usize] = self.time(self.program.exprs[e as usize]);
        }
        for (b, Buffer { home, bytes }) in self.block.buffers.iter().enumerate() {
            let (parent, root) = match home {
                Home::Alias(of) => (self.buffers[*of as usize], self.roots[*of as usize]),
                _ => (0, b as BufId),
            };
            self.buffers.push(self.exprs[*bytes as usize].max(parent));
            self.roots.push(root);
        }
        self.check()?;
        self.chained()?;
        self.stages(&used);
        self.out.roots = self.roots;
        Ok(self.out)
    }

    /// Binds what follows from the inputs: lone symbols first, then others one by one.
    fn inputs(&mut self) {
        let ports = self.block.inputs.iter().enumerate();
        let axes: Vec<_> =
            ports.flat_map(|(p, port)| port.dims.iter().enumerate().map(move |(a, e)| (p, a, *e))).collect();
        for &(port, axis, e) in &axes {
            if let Some(symbol) = self.lone_unknown(e) {
                self.bind(Binding { port, axis, symbol, exprs: vec![] });
            }
        }
        let mut open: Vec<_> = axes.into_iter().map(|(p, a, e)| (p, a, closure(self.program, &[e]))).collect();
        loop {
            let before = open.len();
            open.retain(|(port, axis, exprs)| match self.unknown(exprs)[..] {
                [] => false,
                [symbol] if affine(self.program, exprs, symbol) => {
                    self.bind(Binding { port: *port, axis: *axis, symbol, exprs: exprs.clone() });
                    false
                }
                _ => true,
            });
            if open.len() == before {
                return;
            }
        }
    }

    fn bind(&mut self, binding: Binding) {
        self.symbols[binding.symbol as usize] = 0;
        self.out.bindings.push(binding);
    }

    fn lone_unknown(&self, e: ExprId) -> Option<SymId> {
        match self.program.exprs[e as usize] {
            Expr::Sym(s) if self.symbols[s as usize] == NEVER => Some(s),
            _ => None,
        }
    }

    fn unknown(&self, exprs: &[ExprId]) -> Vec<SymId> {
        let all = symbols(self.program, exprs);
        all.into_iter().filter(|s| self.symbols[*s as usize] == NEVER).collect()
    }

    fn step(&mut self, i: u32, step: &Step, known: &mut [Option<Vec<bool>>]) {
        match step {
            Step::Call(_) | Step::Chain { .. } => {}
            Step::Bind { symbol, .. } => self.bound_by(i, *symbol),
            Step::If { outputs, .. } | Step::Loop { outputs, .. } => {
                inner(step).into_iter().for_each(|b| self.enter(b, known));
                self.results(i, outputs);
            }
        }
    }

    fn bound_by(&mut self, i: u32, symbol: SymId) {
        let time = &mut self.symbols[symbol as usize];
        *time = (*time).min(i + 1);
    }

    fn results(&mut self, i: u32, outputs: &[Passed]) {
        for (k, output) in outputs.iter().enumerate() {
            for (axis, e) in output.dims.iter().enumerate() {
                if let Some(symbol) = self.lone_unknown(*e) {
                    self.out.results.push((i, k, axis, symbol));
                    self.bound_by(i, symbol);
                }
            }
        }
    }

    /// A block sees what is known at all places that run it.
    fn enter(&self, block: BlockId, known: &mut [Option<Vec<bool>>]) {
        let here = self.symbols.iter().map(|t| *t != NEVER);
        match &mut known[block as usize] {
            Some(other) => other.iter_mut().zip(here).for_each(|(o, h)| *o &= h),
            none => *none = Some(here.collect()),
        }
    }

    fn time(&self, expr: Expr) -> u32 {
        match expr {
            Expr::Sym(s) => self.symbols[s as usize],
            other => operands(other).into_iter().flatten().map(|e| self.exprs[e as usize]).max().unwrap_or(0),
        }
    }

    /// All expressions of the block, operands first.
    fn used(&self) -> Vec<ExprId> {
        let mut roots: Vec<ExprId> = self.block.buffers.iter().map(|b| b.bytes).collect();
        let ports = self.block.inputs.iter().chain(&self.block.outputs);
        roots.extend(ports.flat_map(|p| &p.dims));
        roots.extend(self.block.asserts.iter().flat_map(|a| [a.left, a.right]));
        for step in &self.block.steps {
            roots.extend(uses(step).exprs);
            roots.extend(results(step).iter().flat_map(|p| &p.dims));
        }
        closure(self.program, &roots)
    }

    fn check(&self) -> Result<()> {
        for port in &self.block.inputs {
            port.dims.iter().try_for_each(|e| self.known(*e, 0, || format!("input `{}`", port.name)))?;
        }
        for (i, step) in self.block.steps.iter().enumerate() {
            let (place, uses) = (|| format!("step {i} (`{}`)", node(step)), uses(step));
            uses.exprs.iter().try_for_each(|e| self.known(*e, i as u32, place))?;
            uses.buffers.iter().try_for_each(|b| self.ready(*b, i as u32, i as u32, place))?;
            for output in results(step) {
                output.dims.iter().try_for_each(|e| self.known(*e, i as u32 + 1, place))?;
                self.ready(output.buffer, i as u32, i as u32 + 1, place)?;
                self.writable(output.buffer, place)?;
            }
        }
        let end = self.block.steps.len() as u32;
        for port in &self.block.outputs {
            let place = || format!("output `{}`", port.name);
            port.dims.iter().try_for_each(|e| self.known(*e, end, place))?;
            self.ready(port.buffer, end, end, place)?;
        }
        self.block.asserts.iter().try_for_each(|a| {
            let place = || format!("assertion \"{}\"", a.message);
            self.known(a.left, end, place)?;
            self.known(a.right, end, place)
        })
    }

    /// Memory of threads is used by one chain only.
    fn chained(&self) -> Result<()> {
        let mut chains: Vec<Option<usize>> = vec![None; self.block.buffers.len()];
        for (i, step) in self.block.steps.iter().enumerate() {
            for b in uses(step).buffers.iter().map(|b| self.roots[*b as usize]).filter(|b| self.is_of_threads(*b)) {
                let of = chains[b as usize].get_or_insert(i);
                if *of != i || !matches!(step, Step::Chain { .. }) {
                    let expected = format!("buffer {b} within one chain only");
                    return Err(self.wrong(|| format!("step {i} (`{}`)", node(step)), expected, "another use".into()));
                }
            }
        }
        let outside = self.block.outputs.iter().find(|p| self.is_of_threads(self.roots[p.buffer as usize]));
        let place = |p: &Port| format!("output `{}`", p.name);
        let wrong = |p: &Port| {
            self.wrong(|| place(p), format!("buffer {} within one chain only", p.buffer), "an output".into())
        };
        outside.map_or(Ok(()), |p| Err(wrong(p)))
    }

    fn is_of_threads(&self, root: BufId) -> bool {
        self.block.buffers[root as usize].home == Home::Thread
    }

    fn wrong(&self, place: impl FnOnce() -> String, expected: String, found: String) -> Error {
        let place = format!("block {} (`{}`), {}", self.id, self.block.name, place());
        Error::Program { place, expected, found }
    }

    fn known(&self, e: ExprId, by: u32, place: impl FnOnce() -> String) -> Result<()> {
        let time = self.exprs[e as usize];
        if time <= by {
            return Ok(());
        }
        let found = if time == NEVER { "never known".into() } else { format!("known after step {}", time - 1) };
        Err(self.wrong(place, format!("{} to be known", text(self.program, e)), found))
    }

    /// Results of blocks are copied into memory of the arena only.
    fn writable(&self, buffer: BufId, place: impl FnOnce() -> String) -> Result<()> {
        match self.block.buffers[self.roots[buffer as usize] as usize].home {
            Home::Arena { .. } => Ok(()),
            home => Err(self.wrong(place, format!("buffer {buffer} to be in the arena"), format!("{home:?}"))),
        }
    }

    /// The buffer is used at step `step`: its place must be known by then, and it must be alive.
    fn ready(&self, buffer: BufId, step: u32, by: u32, place: impl Fn() -> String) -> Result<()> {
        let root = self.roots[buffer as usize];
        self.known(self.block.buffers[buffer as usize].bytes, by, &place)?;
        self.known(self.block.buffers[root as usize].bytes, by, &place)?;
        if self.buffers[buffer as usize] > by {
            return Err(self.wrong(place, format!("buffer {buffer} to be placed"), "a view of one that is not".into()));
        }
        let at = step.min((self.block.steps.len() as u32).saturating_sub(1));
        match self.block.buffers[root as usize].home {
            Home::Arena { first, last } if at < first || at > last => {
                let found = format!("alive from step {first} to step {last}");
                Err(self.wrong(place, format!("buffer {root} alive at step {at}"), found))
            }
            _ => Ok(()),
        }
    }

    fn stages(&mut self, used: &[ExprId]) {
        let mut stages = std::collections::BTreeMap::<u32, Stage>::new();
        let mut at = |time: u32, add: &mut dyn FnMut(&mut Stage)| {
            if time != NEVER {
                add(stages.entry(time).or_insert_with(|| Stage { time, ..Stage::default() }));
            }
        };
        at(0, &mut |_| ());
        for &e in used {
            at(self.exprs[e as usize], &mut |s| s.exprs.push(e));
        }
        for (k, a) in self.block.asserts.iter().enumerate() {
            let time = self.exprs[a.left as usize].max(self.exprs[a.right as usize]);
            at(time, &mut |s| s.asserts.push(k));
        }
        for (b, buffer) in self.block.buffers.iter().enumerate() {
            let placed = matches!(buffer.home, Home::Arena { .. });
            at(self.buffers[b], &mut |s| {
                s.buffers.push(b as BufId);
                s.arena.extend(placed.then_some(b as BufId));
            });
        }
        self.out.stages = stages.into_values().collect();
        for stage in &mut self.out.stages {
            let sizes: Vec<ExprId> = stage.arena.iter().map(|b| self.block.buffers[*b as usize].bytes).collect();
            stage.symbols = symbols(self.program, &closure(self.program, &sizes));
        }
    }
}
