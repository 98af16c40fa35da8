//! The equation of an Einstein sum, e.g. `bij,bjk->bik` or `...i->...`.

use crate::{Dim, Result, bail, ensure};
use std::collections::BTreeMap;

/// An axis shared by operands: a letter, or a position of the ellipsis counted from its right end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Label {
    /// Axis `k` from the right of what `...` stands for.
    Dots(usize),
    /// A letter.
    Letter(char),
}

/// Labels of every operand's axes and of the result's.
#[derive(Clone, Debug, PartialEq)]
pub struct Equation {
    /// For every operand, a label for every axis.
    pub operands: Vec<Vec<Label>>,
    /// A label for every axis of the result.
    pub result: Vec<Label>,
}

/// A term with `dots` axes for its ellipsis.
fn labels(term: &str, dots: usize) -> Result<Vec<Label>> {
    let mut out = vec![];
    let (head, tail) = term.split_once("...").unwrap_or((term, ""));
    let letters = |s: &str, out: &mut Vec<Label>| {
        for c in s.chars() {
            ensure!(c.is_ascii_alphabetic(), "term {term:?} has {c:?}, expected letters and one ellipsis");
            out.push(Label::Letter(c));
        }
        Ok(())
    };
    letters(head, &mut out)?;
    if term.contains("...") {
        out.extend((0..dots).rev().map(Label::Dots));
    }
    letters(tail, &mut out)?;
    Ok(out)
}

impl Equation {
    /// Parses an equation for operands of these ranks.
    pub fn parse(text: &str, ranks: &[usize]) -> Result<Self> {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let (left, right) = match text.split_once("->") {
            Some((l, r)) => (l, Some(r)),
            None => (&text[..], None),
        };
        let terms: Vec<&str> = left.split(',').collect();
        ensure!(
            terms.len() == ranks.len(),
            "attribute equation is {text:?} with {} terms, expected one for each of {} operands",
            terms.len(),
            ranks.len()
        );
        let mut operands = vec![];
        for (term, rank) in terms.iter().zip(ranks) {
            let named = term.chars().filter(|c| *c != '.').count();
            let dots = rank.checked_sub(named).filter(|d| *d == 0 || term.contains("..."));
            let Some(dots) = dots else {
                bail!("attribute equation has the term {term:?}, expected one for an operand of rank {rank}")
            };
            operands.push(labels(term, dots)?);
        }
        let dots = operands.iter().flatten().filter_map(|l| if let Label::Dots(k) = l { Some(k + 1) } else { None });
        let dots = dots.max().unwrap_or(0);
        let result = match right {
            Some(r) => labels(r, dots)?,
            None => implicit(&operands, dots),
        };
        let e = Equation { operands, result };
        e.check()?;
        Ok(e)
    }

    fn check(&self) -> Result<()> {
        for (i, l) in self.result.iter().enumerate() {
            ensure!(self.operands.iter().flatten().any(|o| o == l), "the result has {l:?}, which no operand has");
            ensure!(!self.result[..i].contains(l), "the result has {l:?} twice");
        }
        Ok(())
    }

    /// The size of every label; an axis of size 1 goes with any size.
    pub fn sizes(&self, shapes: &[&[Dim]]) -> Result<BTreeMap<Label, Dim>> {
        let mut out: BTreeMap<Label, Dim> = BTreeMap::new();
        for (l, d) in self.operands.iter().zip(shapes).flat_map(|(o, s)| o.iter().zip(*s)) {
            let joined = match out.get(l) {
                Some(have) => {
                    crate::infer::broadcast(&[std::slice::from_ref(have), std::slice::from_ref(d)])?.remove(0)
                }
                None => d.clone(),
            };
            out.insert(*l, joined);
        }
        Ok(out)
    }

    /// Labels that are summed over, in order.
    pub fn summed(&self) -> Vec<Label> {
        let mut out: Vec<Label> =
            self.operands.iter().flatten().copied().filter(|l| !self.result.contains(l)).collect();
        out.sort();
        out.dedup();
        out
    }

    /// For two operands the labels of the result in the order batch, rows, columns: in both operands, in the first
    /// only, in the second only.
    pub fn grouped(&self) -> [Vec<Label>; 3] {
        let pick = |a: bool, b: bool| {
            let has = |l: &&Label| self.operands[0].contains(l) == a && self.operands[1].contains(l) == b;
            self.result.iter().filter(has).copied().collect()
        };
        [pick(true, true), pick(true, false), pick(false, true)]
    }
}

/// The ellipsis, then the letters that occur once, sorted.
fn implicit(operands: &[Vec<Label>], dots: usize) -> Vec<Label> {
    let all: Vec<Label> = operands.concat();
    let mut once: Vec<Label> = all.iter().copied().filter(|l| all.iter().filter(|o| *o == l).count() == 1).collect();
    once.retain(|l| matches!(l, Label::Letter(_)));
    once.sort();
    (0..dots).rev().map(Label::Dots).chain(once).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_become_labels() {
        let e = Equation::parse("...ij, ...jk", &[3, 4]).unwrap();
        let l = Label::Letter;
        assert_eq!(e.result, [Label::Dots(1), Label::Dots(0), l('i'), l('k')]);
        assert_eq!(e.summed(), [l('j')]);
        assert_eq!(e.operands[0], [Label::Dots(0), l('i'), l('j')]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let refuse = |text: &str, ranks: &[usize]| Equation::parse(text, ranks).unwrap_err().to_string();
        assert!(refuse("ij->k", &[2]).contains("no operand has"));
        assert!(refuse("ij->ii", &[2]).contains("twice"));
        assert!(refuse("ij", &[3]).contains("rank 3"));
        assert!(refuse("i,j", &[1]).contains("2 terms"));
        assert!(refuse("i1->i", &[2]).contains("letters"));
    }
}
