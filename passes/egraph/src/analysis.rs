//! What is known of every class of the e-graph: the facts that the operators' own `infer` gives.

use crate::term::{Term, takes_attrs};
use dlc_ir::fact::Known;
use dlc_ir::{Attrs, Ctx, Dim, Fact, OpRef, Tensor, attrs, interp};
use egg::{Analysis, DidMerge, EGraph, Id};
use std::sync::Arc;

/// The e-graph.
pub type Terms = EGraph<Term, Facts>;

/// What is known of a tensor.
#[derive(Clone, Debug)]
pub struct Info {
    /// Type, shape and, where it is small or given, the value.
    pub fact: Fact,
    /// Whether it depends on constants only.
    pub constant: bool,
}

/// What is known of a class.
#[derive(Clone, Debug)]
pub enum Data {
    /// A tensor.
    Tensor(Info),
    /// All results of an operator that has several.
    Tuple(Vec<Info>),
    /// Attributes.
    Attrs(Attrs),
    /// An omitted operand.
    Nil,
    /// No term: an operator refuses its operands.
    IllTyped(String),
}

impl Data {
    /// The tensor, if it is one.
    pub fn tensor(&self) -> Option<&Info> {
        match self {
            Data::Tensor(i) => Some(i),
            _ => None,
        }
    }
    /// Its fact.
    pub fn fact(&self) -> Option<&Fact> {
        self.tensor().map(|i| &i.fact)
    }
    /// The attributes, if these are some.
    pub fn attrs(&self) -> Option<&Attrs> {
        match self {
            Data::Attrs(a) => Some(a),
            _ => None,
        }
    }
    /// A constant tensor.
    pub fn constant(t: Tensor) -> Data {
        Data::Tensor(Info { fact: t.fact(), constant: true })
    }
    /// Whether two classes cannot be equal: their element types or constant shapes differ.
    pub fn contradicts(&self, other: &Data) -> bool {
        let (Some(a), Some(b)) = (self.fact(), other.fact()) else { return false };
        let shapes = (a.const_shape(), b.const_shape());
        a.dtype != b.dtype || a.rank() != b.rank() || matches!(shapes, (Some(a), Some(b)) if a != b)
    }
    /// Whether two classes may be made equal: same kind, type and shape.
    pub fn agrees(&self, other: &Data) -> bool {
        match (self, other) {
            (Data::Tensor(a), Data::Tensor(b)) => a.fact.same_type(&b.fact),
            (Data::Tuple(a), Data::Tuple(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.fact.same_type(&b.fact))
            }
            (Data::Attrs(a), Data::Attrs(b)) => a == b,
            (Data::Nil, Data::Nil) => true,
            _ => false,
        }
    }
}

/// The analysis: facts of the leaves, from which all others follow.
#[derive(Default, Debug)]
pub struct Facts {
    /// By number of the leaf.
    pub leaves: Vec<Info>,
}

/// Name that inference is given for a term; symbols with it are sizes that only the data decides.
const NAMELESS: &str = "\u{1}";

/// Constants of more bytes are not evaluated while searching.
const SMALL: usize = 4096;

/// What is known of the results of an operator on children of which `data` is known.
pub fn infer(op: OpRef, results: usize, children: &[&Data]) -> Data {
    let (attrs, x) = match (takes_attrs(op), children.split_first()) {
        (true, Some((Data::Attrs(a), x))) => (a.clone(), x),
        (false, _) => (Attrs::new(), children),
        _ => return Data::IllTyped("attributes are missing".into()),
    };
    let mut operands = vec![];
    for d in x {
        operands.push(match d {
            Data::Tensor(i) => Some(i),
            Data::Nil => None,
            other => return Data::IllTyped(format!("{other:?} is no operand")),
        });
    }
    match typed(op, results, &attrs, &operands) {
        Ok(mut infos) if results == 1 => Data::Tensor(infos.remove(0)),
        Ok(infos) => Data::Tuple(infos),
        Err(e) => Data::IllTyped(e.to_string()),
    }
}

fn typed(op: OpRef, results: usize, attrs: &Attrs, x: &[Option<&Info>]) -> dlc_ir::Result<Vec<Info>> {
    let arity = op.operands();
    dlc_ir::ensure!(x.len() >= arity.min && x.len() <= arity.max, "{} operands", x.len());
    dlc_ir::ensure!(results >= op.results().min && results <= op.results().max, "{results} results");
    attrs::check(attrs, op.schema())?;
    let ctx = Ctx { name: NAMELESS, attrs, outputs: results };
    let facts: Vec<Option<&Fact>> = x.iter().map(|i| i.map(|i| &i.fact)).collect();
    let y = dlc_ir::op::infer(op.0, &ctx, &facts)?;
    dlc_ir::ensure!(y.len() == results, "{} facts for {results} results", y.len());
    dlc_ir::ensure!(!y.iter().flat_map(|f| &f.shape).any(|d| has_symbol_of(d, NAMELESS)), "a size only data decides");
    let constant = x.iter().any(Option::is_some) && x.iter().flatten().all(|i| i.constant);
    let mut y: Vec<Info> = y.into_iter().map(|fact| Info { fact, constant }).collect();
    if let (true, Some(values)) = (constant, small_values(op, &ctx, &facts)) {
        y.iter_mut().zip(values).for_each(|(i, t)| i.fact.known = Some(Known::Tensor(Arc::new(t))));
    }
    Ok(y)
}

fn small_values(op: OpRef, ctx: &Ctx, facts: &[Option<&Fact>]) -> Option<Vec<Tensor>> {
    let small = |t: &&Tensor| t.bytes().len() <= SMALL;
    let mut x = vec![];
    for f in facts {
        x.push(match f {
            Some(f) => Some(f.constant().filter(small)?),
            None => None,
        });
    }
    interp::known(op, ctx, &x).ok().flatten().filter(|y| y.iter().all(|t| small(&t)))
}

/// Whether a size is one that only the data of the node `name` decides.
pub fn has_symbol_of(d: &Dim, name: &str) -> bool {
    let mut found = false;
    d.symbols(&mut |s| found |= s.strip_prefix(name).is_some_and(|rest| rest.starts_with('#')));
    found
}

impl Analysis<Term> for Facts {
    type Data = Data;

    fn make(g: &mut Terms, t: &Term, _: Id) -> Data {
        match t {
            Term::Leaf(k) => Data::Tensor(g.analysis.leaves[*k as usize].clone()),
            Term::Const(t) => Data::constant(t.clone()),
            Term::Attrs(a) => Data::Attrs(a.clone()),
            Term::Nil => Data::Nil,
            Term::Fun(..) => Data::IllTyped("a function is no term".into()),
            Term::Proj(k, c) => match &g[*c].data {
                Data::Tuple(infos) if (*k as usize) < infos.len() => Data::Tensor(infos[*k as usize].clone()),
                _ => Data::IllTyped(format!("no result {k}")),
            },
            Term::Op(op, results, c) => {
                let children: Vec<&Data> = c.iter().map(|id| &g[*id].data).collect();
                infer(OpRef(dlc_ir::ops::OPS[*op]), *results, &children)
            }
        }
    }

    /// Rules only equate classes that agree, so that all there is to merge is what is known of the value. A term that
    /// was refused for what was not known of its operands may be accepted once more is known.
    fn merge(&mut self, a: &mut Data, b: Data) -> DidMerge {
        debug_assert!(!a.contradicts(&b), "equal terms have different types: {a:?} and {b:?}");
        match (a, b) {
            (Data::Tensor(a), Data::Tensor(b)) => merge_info(a, b),
            (Data::Tuple(a), Data::Tuple(b)) => {
                a.iter_mut().zip(b).map(|(a, b)| merge_info(a, b)).fold(DidMerge(false, false), |m, n| m | n)
            }
            (Data::IllTyped(_), Data::IllTyped(_)) => DidMerge(false, false),
            (a @ Data::IllTyped(_), b) => {
                *a = b;
                DidMerge(true, false)
            }
            (_, Data::IllTyped(_)) => DidMerge(false, true),
            _ => DidMerge(false, false),
        }
    }

    /// A class whose value is known and small is that constant: equal values become one class.
    fn modify(g: &mut Terms, id: Id) {
        let Data::Tensor(Info { fact, constant: true }) = &g[id].data else { return };
        let small = fact.constant().filter(|t| t.bytes().len() <= SMALL && t.type_fact().same_type(fact));
        let Some(t) = small.cloned() else { return };
        if !g[id].nodes.iter().any(|n| matches!(n, Term::Const(_))) {
            let same = g.add(Term::Const(t));
            g.union(id, same);
        }
    }
}

fn merge_info(a: &mut Info, b: Info) -> DidMerge {
    let constant = a.constant || b.constant;
    let more = |x: &Fact, y: &Fact| y.constant().is_some() && x.constant().is_none();
    let b_knows_more = more(&a.fact, &b.fact) || (a.fact.known.is_none() && b.fact.known.is_some());
    let a_knows_more = more(&b.fact, &a.fact) || (b.fact.known.is_none() && a.fact.known.is_some());
    let did = DidMerge(b_knows_more || constant != a.constant, a_knows_more || constant != b.constant);
    if b_knows_more {
        a.fact.known = b.fact.known;
    }
    a.constant = constant;
    did
}
