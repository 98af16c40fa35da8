//! Registers for virtual registers: linear scan; what does not fit lives in the frame and is read and written there in
//! registers of a moment, and the scan is done again.

use super::Level;
use super::asm::{Op, R, RAX, RDX};
use super::code::{Addr, Class, Ins, Role, STACK, Src, V, Vector};
use super::live::{Interval, intervals};
use super::ops;
use std::collections::BTreeMap;

/// Code with its registers.
#[derive(Debug)]
pub struct Allocated {
    /// Instructions.
    pub code: Vec<Ins>,
    /// Class of every virtual register.
    pub classes: Vec<Class>,
    /// Register of every virtual register in use.
    pub registers: Vec<Option<R>>,
    /// Intervals, for what lives across calls.
    pub intervals: Vec<Interval>,
    /// Bytes of the frame in use, from the stack pointer.
    pub frame: i32,
}

/// First byte of the frame that is free for spilled registers: after the caller's stack pointer and the parameters.
const FRAME: i32 = 64;
/// Instructions that read less of their operand than they write: its place in memory would count other units.
const NARROW: [Op; 6] = [ops::BROADCASTSS, ops::BROADCASTD, ops::PMOVSXBD, ops::PMOVSXWD, ops::PMOVZXBD, ops::PMOVZXWD];
/// A weight no other register has: not to be spilled.
const TEMPORARY: f64 = f64::INFINITY;

/// Gives registers to code.
pub fn allocate(mut code: Vec<Ins>, mut classes: Vec<Class>, level: Level) -> Allocated {
    let mut frame = FRAME;
    let mut temporary = classes.len();
    let given = classes.len();
    loop {
        let mut all = intervals(&mut code, classes.len());
        for t in all.iter_mut().filter(|t| t.v as usize >= given) {
            t.weight = TEMPORARY;
        }
        let (registers, spilled) = scan(&code, &all, &classes, level);
        if spilled.is_empty() {
            return Allocated { code, classes, registers, intervals: all, frame };
        }
        assert!(
            spilled.iter().all(|v| (*v as usize) < given),
            "a temporary register was spilled: an instruction needs more registers than there are"
        );
        code = Spiller::new(&mut code, &mut classes, &spilled, &mut frame, level).rewrite();
        assert!(classes.len() >= temporary);
        temporary = classes.len();
    }
}

/// Registers of a class, those that cost nothing to use first.
fn available(class: Class, level: Level, divides: bool) -> Vec<R> {
    match class {
        Class::General => {
            let free = [RAX, RDX].into_iter().filter(|_| !divides);
            [1, 6, 7, 8, 9, 10, 11].into_iter().chain(free).chain([3, 5, 12, 13, 14, 15]).collect()
        }
        Class::Vector => (0..if level >= Level::Avx512 { 32 } else { 16 }).collect(),
        Class::Mask => (1..8).collect(),
    }
}

/// One scan: registers, and which virtual registers got none.
fn scan(code: &[Ins], all: &[Interval], classes: &[Class], level: Level) -> (Vec<Option<R>>, Vec<V>) {
    let divides = code.iter().any(|i| matches!(i, Ins::Divide { .. }));
    let mut registers: Vec<Option<R>> = vec![None; classes.len()];
    let mut spilled = vec![];
    for class in [Class::General, Class::Vector, Class::Mask] {
        let order = available(class, level, divides);
        let mut active: Vec<(Interval, R)> = vec![];
        for t in all.iter().filter(|t| classes[t.v as usize] == class) {
            active.retain(|(a, _)| a.end >= t.start);
            let taken = |r: &R| active.iter().any(|(_, b)| b == r);
            let hint = hint(code, t, &registers).filter(|r| !taken(r));
            let free = hint.or_else(|| order.iter().copied().find(|r| !taken(r)));
            if let Some(r) = free {
                registers[t.v as usize] = Some(r);
                active.push((*t, r));
                continue;
            }
            let (k, light) =
                active.iter().enumerate().min_by(|a, b| a.1.0.weight.total_cmp(&b.1.0.weight)).expect("none is free");
            if light.0.weight >= t.weight {
                spilled.push(t.v);
                continue;
            }
            let r = light.1;
            spilled.push(light.0.v);
            registers[t.v as usize] = Some(r);
            active[k] = (*t, r);
        }
    }
    (registers, spilled)
}

/// The register of what is moved into this one by its first instruction.
fn hint(code: &[Ins], t: &Interval, registers: &[Option<R>]) -> Option<R> {
    match code[(t.start / 2) as usize] {
        Ins::Move { dst, src } if dst == t.v => registers[src as usize],
        _ => None,
    }
}

struct Spiller<'a> {
    code: Vec<Ins>,
    classes: &'a mut Vec<Class>,
    slots: BTreeMap<V, Slot>,
    level: Level,
    out: Vec<Ins>,
}

#[derive(Clone, Copy)]
enum Slot {
    Frame(i32),
    /// A constant is written again instead.
    Constant(i64),
}

impl<'a> Spiller<'a> {
    fn new(code: &mut Vec<Ins>, classes: &'a mut Vec<Class>, spilled: &[V], frame: &mut i32, level: Level) -> Self {
        let constants = constants(code, classes.len());
        let mut slots = BTreeMap::new();
        for v in spilled {
            if let Some(c) = constants[*v as usize] {
                slots.insert(*v, Slot::Constant(c));
                continue;
            }
            let size = if classes[*v as usize] == Class::Vector { level.bytes() as i32 } else { 8 };
            *frame = (*frame + size - 1) / size * size;
            slots.insert(*v, Slot::Frame(*frame));
            *frame += size;
        }
        Spiller { code: std::mem::take(code), classes, slots, level, out: vec![] }
    }

    fn rewrite(mut self) -> Vec<Ins> {
        for i in std::mem::take(&mut self.code) {
            self.ins(i);
        }
        self.out
    }

    fn slot(&self, v: V) -> Option<Slot> {
        self.slots.get(&v).copied()
    }

    fn ins(&mut self, mut i: Ins) {
        match i {
            Ins::Imm { dst, .. } if matches!(self.slot(dst), Some(Slot::Constant(_))) => return,
            Ins::Move { dst, src } => match (self.slot(dst), self.slot(src)) {
                (None, Some(s)) => return self.fill(dst, s),
                (Some(Slot::Frame(at)), None) => return self.spill(src, at),
                _ => {}
            },
            Ins::Vector(ref mut x) => self.fold(x),
            _ => {}
        }
        let mut temporaries: Vec<(V, V, bool, bool)> = vec![];
        let (slots, classes) = (&self.slots, &mut *self.classes);
        i.each(&mut |v, role| {
            if !slots.contains_key(v) {
                return;
            }
            let (reads, writes) = (matches!(role, Role::Use | Role::Both), role != Role::Use);
            let t = match temporaries.iter_mut().find(|t| t.0 == *v) {
                Some(t) => {
                    (t.2, t.3) = (t.2 || reads, t.3 || writes);
                    t.1
                }
                None => {
                    classes.push(classes[*v as usize]);
                    let t = classes.len() as V - 1;
                    temporaries.push((*v, t, reads, writes));
                    t
                }
            };
            *v = t;
        });
        for (v, t, reads, _) in &temporaries {
            if *reads {
                self.fill(*t, self.slots[v]);
            }
        }
        self.out.push(i);
        for (v, t, _, writes) in &temporaries {
            if let (true, Slot::Frame(at)) = (writes, self.slots[v]) {
                self.spill(*t, at);
            }
        }
    }

    /// A vector operand that lives in the frame is read from there by the instruction itself.
    fn fold(&self, x: &mut Vector) {
        if let Src::Reg(v) = x.src
            && x.len >= 32
            && x.len == self.level.bytes()
            && !NARROW.contains(&x.op)
            && self.classes[v as usize] == Class::Vector
            && let Some(Slot::Frame(at)) = self.slot(v)
        {
            x.src = Src::Mem(frame(at));
            x.unit = x.len;
        }
    }

    fn fill(&mut self, dst: V, slot: Slot) {
        let Slot::Frame(at) = slot else {
            let Slot::Constant(v) = slot else { return };
            return self.out.push(Ins::Imm { dst, v });
        };
        let (from, len) = (frame(at), self.level.bytes());
        self.out.push(match self.classes[dst as usize] {
            Class::General => Ins::Load { size: 8, signed: false, dst, from },
            Class::Mask => Ins::FillMask { dst, from },
            Class::Vector => {
                let (op, src) = (ops::MOVUPS_LOAD, Src::Mem(from));
                Ins::Vector(Vector { op, dst, second: None, src, len, unit: len, imm: None, mask: None, adds: false })
            }
        });
    }

    fn spill(&mut self, src: V, at: i32) {
        let (to, len) = (frame(at), self.level.bytes());
        self.out.push(match self.classes[src as usize] {
            Class::General => Ins::Store { size: 8, to, src },
            Class::Mask => Ins::SpillMask { to, src },
            Class::Vector => Ins::Put { op: ops::MOVUPS_STORE, src, to, len, unit: len, imm: None },
        });
    }
}

fn frame(at: i32) -> Addr {
    Addr { base: STACK, index: None, disp: at }
}

/// The constant of registers that are only ever set to one.
fn constants(code: &mut [Ins], registers: usize) -> Vec<Option<i64>> {
    let mut out: Vec<Option<i64>> = vec![None; registers];
    let mut writes = vec![0u32; registers];
    for i in code {
        if let Ins::Imm { dst, v } = i {
            out[*dst as usize] = Some(*v);
        }
        i.each(&mut |v, role| writes[*v as usize] += u32::from(role != Role::Use));
    }
    out.iter().zip(writes).map(|(c, w)| c.filter(|_| w == 1)).collect()
}
