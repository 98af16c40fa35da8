//! Statements: loops, branches, changes, stores.

use super::{Frame, Lower, operands};
use crate::ir::{Node, Reg};
use crate::x86::asm::Cc;
use crate::x86::code::{Class, Ins};

impl Lower<'_> {
    /// Finds the registers that are set, and counts reads.
    pub(super) fn survey(&mut self, nodes: &[Node]) {
        for n in nodes {
            let (regs, blocks): (Vec<Reg>, Vec<&[Node]>) = match n {
                Node::Let(_, i) => (operands(i), vec![]),
                Node::Set(r, v) => {
                    self.changing[*r as usize] = true;
                    (vec![*v], vec![])
                }
                Node::Store { index, value, .. } => (vec![*index, *value], vec![]),
                Node::StorePart { index, value, count, .. } => (vec![*index, *value, *count], vec![]),
                Node::Prefetch { index, .. } => (vec![*index], vec![]),
                Node::Loop { lo, hi, body, .. } => (vec![*lo, *hi], vec![body]),
                Node::While { head, cond, body } => (vec![*cond], vec![head, body]),
                Node::If { cond, then, els } => (vec![*cond], vec![then, els]),
            };
            regs.iter().for_each(|r| self.uses[*r as usize] += 1);
            blocks.into_iter().for_each(|b| self.survey(b));
        }
    }

    pub(super) fn block(&mut self, nodes: &[Node]) {
        let mut rest = nodes;
        while let Some((n, after)) = rest.split_first() {
            // A sum that only goes back into the variable it came from is added in place.
            if let (Node::Let(r, i), Some(Node::Set(var, from))) = (n, after.first())
                && from == r
                && self.uses[*r as usize] == 1
                && (self.add_in_place(*var, i) || self.dot_in_place(*var, i) || self.pairs_in_place(*var, i))
            {
                rest = &after[1..];
                continue;
            }
            self.node(n);
            rest = after;
        }
    }

    fn node(&mut self, n: &Node) {
        self.at = self.top();
        match n {
            Node::Let(r, i) => self.define(*r, i),
            Node::Set(r, v) => {
                let v = self.get(*v);
                let var = self.variable(*r);
                self.mov(var, v);
            }
            Node::Store { buf, mem, index, offset, value } => {
                self.store(*buf, *mem, *index, *offset, *value);
                self.stores += 1;
            }
            Node::StorePart { buf, mem, index, offset, value, count } => {
                self.store_part((*buf, *mem, *index, *offset), *value, *count);
                self.stores += 1;
            }
            Node::Prefetch { buf, mem, index, offset } => {
                let at = self.address(*buf, *mem, *index, *offset);
                self.push(Ins::Prefetch { at });
            }
            Node::Loop { var, lo, hi, step, body } => self.for_loop(*var, *lo, *hi, *step, body),
            Node::While { head, cond, body } => self.while_loop(head, *cond, body),
            Node::If { cond, then, els } => self.branch(*cond, then, els),
        }
    }

    /// Code written while `f` runs in a frame of its own.
    fn framed(&mut self, f: impl FnOnce(&mut Self)) -> Vec<Ins> {
        self.frames.push(Frame::default());
        self.at = self.top();
        f(self);
        let frame = self.frames.pop().expect("the frame pushed above");
        self.at = self.top();
        frame.code
    }

    fn append(&mut self, code: Vec<Ins>) {
        self.frames[self.at].code.extend(code);
    }

    /// A test before the first iteration and one after each.
    fn for_loop(&mut self, var: Reg, lo: Reg, hi: Reg, step: i64, body: &[Node]) {
        let (lo, hi) = (self.get(lo), self.get(hi));
        let (again, exit) = (self.label(), self.label());
        // The counter is known from the loop's frame on, and stays the same throughout one iteration.
        let i = self.general();
        self.depths[i as usize] = Some(self.top() + 1);
        self.values[var as usize] = Some(i);
        self.stores += 1;
        let code = self.framed(|l| l.block(body));
        self.stores += 1;
        self.mov(i, lo);
        self.push(Ins::Compare { w: true, a: i, b: hi });
        self.push(Ins::JumpIf(Cc::GreaterEq, exit));
        self.push(Ins::Label(again));
        self.push(Ins::Enter);
        self.append(code);
        self.push(Ins::AluImm { op: crate::x86::asm::Alu::Add, w: true, dst: i, v: step as i32 });
        self.push(Ins::Compare { w: true, a: i, b: hi });
        self.push(Ins::JumpIf(Cc::Less, again));
        self.push(Ins::Repeat);
        self.push(Ins::Label(exit));
    }

    fn while_loop(&mut self, head: &[Node], cond: Reg, body: &[Node]) {
        let (again, exit) = (self.label(), self.label());
        self.stores += 1;
        let code = self.framed(|l| {
            l.block(head);
            let c = l.get(cond);
            l.push(Ins::Test { w: false, a: c });
            l.push(Ins::JumpIf(Cc::Eq, exit));
            l.block(body);
        });
        self.stores += 1;
        self.push(Ins::Label(again));
        self.push(Ins::Enter);
        self.append(code);
        self.push(Ins::Jump(again));
        self.push(Ins::Repeat);
        self.push(Ins::Label(exit));
    }

    fn branch(&mut self, cond: Reg, then: &[Node], els: &[Node]) {
        let c = self.get(cond);
        let (other, end) = (self.label(), self.label());
        let then = self.framed(|l| l.block(then));
        let els = self.framed(|l| l.block(els));
        self.push(Ins::Test { w: false, a: c });
        self.push(Ins::JumpIf(Cc::Eq, other));
        self.append(then);
        if !els.is_empty() {
            self.push(Ins::Jump(end));
        }
        self.push(Ins::Label(other));
        self.append(els);
        self.push(Ins::Label(end));
    }

    /// A call of entry `k` of the math table.
    pub(super) fn call(&mut self, k: u32, a: Reg, b: Reg) -> u32 {
        let (a, b) = (self.get(a), self.get(b));
        let table = self.parameter(5);
        let dst = self.fresh(Class::Vector);
        let mut at = crate::x86::code::Addr::at(table);
        at.disp = 8 * k as i32;
        self.push(Ins::Call { at, dst, a, b });
        dst
    }
}
