//! A schedule as text, to be read: a line a step, then where the buffers are.

use crate::{Block, Body, BufId, Home, Port, Schedule, Step};
use dlc_ir::lower::rewrite::tree_size;
use std::fmt;

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for (i, b) in self.blocks.iter().enumerate() {
            writeln!(f, "block {i} {:?}", b.name)?;
            b.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for p in &self.inputs {
            writeln!(f, "  in {} {}", p.name, self.buffer(p.buffer))?;
        }
        for (i, s) in self.steps.iter().enumerate() {
            writeln!(f, "  {i}: {}", self.step(s))?;
        }
        for p in &self.outputs {
            writeln!(f, "  out {} = b{}", p.name, p.buffer)?;
        }
        for a in &self.asserts {
            writeln!(f, "  needs {} <= {}", a.left, a.right)?;
        }
        Ok(())
    }
}

impl Block {
    fn step(&self, s: &Step) -> String {
        match s {
            Step::Compute { body, operands, results, scratch, node } => {
                let mut to = self.list(results);
                if !scratch.is_empty() {
                    to += &format!(" with {}", self.list(scratch));
                }
                format!("{} {node} ({}) -> {to}", kind(body), numbers(operands))
            }
            Step::Bind { symbol, buffer, index, .. } => format!("bind {symbol} = b{buffer}[{index}]"),
            Step::If { cond, blocks, inputs, outputs, node } => {
                let (i, o) = (ports(inputs), self.list(&buffers(outputs)));
                format!("if b{cond} block {} else block {} {node} ({i}) -> {o}", blocks[0], blocks[1])
            }
            Step::Loop { trips, cond, body, carried, captured, outputs, node } => {
                let limit = trips.map_or("endless".to_string(), |t| format!("up to b{t}"));
                let start = cond.map_or(String::new(), |c| format!(" if b{c}"));
                let o = self.list(&buffers(outputs));
                format!("loop {limit}{start} block {body} {node} ({}; {}) -> {o}", ports(carried), ports(captured))
            }
        }
    }

    fn list(&self, ids: &[BufId]) -> String {
        ids.iter().map(|id| self.buffer(*id)).collect::<Vec<_>>().join(", ")
    }

    /// Number, type, shape and home of a buffer.
    fn buffer(&self, id: BufId) -> String {
        let b = &self.buffers[id];
        let shape: Vec<String> = b.shape.iter().map(|d| d.to_string()).collect();
        let home = match &b.home {
            Home::Alias(of) => format!(" in b{of}"),
            Home::Arena if b.live.1 != usize::MAX => format!(" until {}", b.live.1),
            _ => String::new(),
        };
        format!("b{id}:{}[{}]{home}", b.dtype, shape.join(","))
    }
}

fn kind(body: &Body) -> String {
    match body {
        Body::Comp(c) => format!("map of {}", tree_size(&c.expr)),
        Body::Contract { contract: c, epilogue, .. } => {
            let dims = |d: &[dlc_ir::Dim]| d.iter().map(|d| d.to_string()).collect::<Vec<_>>().join("*");
            let sizes = [&c.batch, &c.m, &c.k, &c.n].map(|d| dims(d)).join(" ");
            format!("contract [{sizes}] then {}", tree_size(epilogue))
        }
        Body::Proc { .. } => "loops".into(),
    }
}

fn numbers(ids: &[BufId]) -> String {
    ids.iter().map(|id| format!("b{id}")).collect::<Vec<_>>().join(", ")
}

fn buffers(p: &[Port]) -> Vec<BufId> {
    p.iter().map(|p| p.buffer).collect()
}

fn ports(p: &[Port]) -> String {
    numbers(&buffers(p))
}
