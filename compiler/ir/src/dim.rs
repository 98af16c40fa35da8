//! Symbolic integer expressions: the sizes of tensors.
//!
//! A [`Dim`] is kept in a normal form, a sum of products of atoms with integer coefficients, so that two
//! expressions that are equal as polynomials are equal as values. Division, remainder, minimum and maximum are
//! atoms, simplified where that is exact. Every named symbol stands for a size and is at least 0.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Add, Mul, Neg, Sub};
use std::sync::Arc;

/// A factor that is not further taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Atom {
    /// A named size, e.g. `batch`.
    Sym(Arc<str>),
    /// Quotient rounded towards minus infinity.
    Div(Box<Dim>, Box<Dim>),
    /// Remainder with the sign of the divisor.
    Mod(Box<Dim>, Box<Dim>),
    /// Smaller of two.
    Min(Box<Dim>, Box<Dim>),
    /// Larger of two.
    Max(Box<Dim>, Box<Dim>),
}

/// A product of atoms, sorted; the empty product is 1.
pub type Monomial = Vec<Atom>;

/// An integer expression over named sizes, in normal form. Arithmetic saturates at the range of i64.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Dim {
    terms: BTreeMap<Monomial, i64>,
}

impl From<i32> for Dim {
    fn from(v: i32) -> Self {
        Dim::from(i64::from(v))
    }
}

impl From<i64> for Dim {
    fn from(v: i64) -> Self {
        let mut terms = BTreeMap::new();
        if v != 0 {
            terms.insert(vec![], v);
        }
        Dim { terms }
    }
}

impl From<usize> for Dim {
    fn from(v: usize) -> Self {
        Dim::from(i64::try_from(v).unwrap_or(i64::MAX))
    }
}

impl Dim {
    /// The named size `name`.
    pub fn sym(name: &str) -> Self {
        Dim::atom(Atom::Sym(name.into()))
    }

    fn atom(a: Atom) -> Self {
        Dim { terms: [(vec![a], 1)].into() }
    }

    /// A sum as one factor, `div(x,1)`, that products do not write out.
    fn whole(self) -> Dim {
        match self.terms.len() {
            0 | 1 => self,
            _ => Dim::atom(Atom::Div(self.into(), Dim::from(1).into())),
        }
    }

    /// Number of terms and symbols in all of the expression.
    pub fn weight(&self) -> usize {
        let of = |a: &Atom| match a {
            Atom::Sym(_) => 1,
            Atom::Div(a, b) | Atom::Mod(a, b) | Atom::Min(a, b) | Atom::Max(a, b) => 1 + a.weight() + b.weight(),
        };
        self.terms.keys().map(|m| 1 + m.iter().map(of).sum::<usize>()).sum()
    }

    /// How deep `div`, `mod`, `min` and `max` are nested.
    pub fn depth(&self) -> usize {
        let of = |a: &Atom| match a {
            Atom::Sym(_) => 0,
            Atom::Div(a, b) | Atom::Mod(a, b) | Atom::Min(a, b) | Atom::Max(a, b) => 1 + a.depth().max(b.depth()),
        };
        self.terms.keys().flatten().map(of).max().unwrap_or(0)
    }

    /// The value, if no symbol is in it.
    pub fn as_const(&self) -> Option<i64> {
        match self.terms.len() {
            0 => Some(0),
            1 => self.terms.get(&vec![]).copied(),
            _ => None,
        }
    }

    /// The symbol, if the expression is nothing but one.
    pub fn as_sym(&self) -> Option<&str> {
        let (m, c) = self.terms.iter().next()?;
        match (&m[..], c, self.terms.len()) {
            ([Atom::Sym(s)], 1, 1) => Some(s),
            _ => None,
        }
    }

    /// The terms of the sum: products of atoms and their coefficients.
    pub fn terms(&self) -> impl Iterator<Item = (&Monomial, i64)> {
        self.terms.iter().map(|(m, c)| (m, *c))
    }

    /// Whether it is the constant 0.
    pub fn is_zero(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether it is the constant 1.
    pub fn is_one(&self) -> bool {
        self.as_const() == Some(1)
    }

    /// A bound that holds for all non-negative symbols: true only if the value can be shown to be >= `bound`.
    pub fn at_least(&self, bound: i64) -> bool {
        let mut low: i64 = 0;
        for (m, c) in &self.terms {
            if m.is_empty() {
                low = low.saturating_add(*c);
            } else if let ([Atom::Min(a, b)], true) = (&m[..], *c < 0) {
                // Less is taken away than either side would be.
                let with = |d: &Dim| {
                    let mut out = self.clone();
                    out.terms.remove(m);
                    (out + d.clone() * (*c).into()).at_least(bound)
                };
                return with(a) || with(b);
            } else if *c < 0 || !m.iter().all(Atom::non_negative) {
                return false;
            }
        }
        low >= bound
    }

    /// Quotient rounded down. The divisor must be positive where the value is used.
    pub fn div(&self, by: &Dim) -> Dim {
        if by.is_one() {
            return self.clone();
        }
        if let (Some(a), Some(b)) = (self.as_const(), by.as_const())
            && b != 0
        {
            return a.checked_div_euclid(b).unwrap_or(i64::MAX).into();
        }
        self.exact_div(by).unwrap_or_else(|| self.split_div(by))
    }

    /// Quotient rounded up.
    pub fn ceil_div(&self, by: &Dim) -> Dim {
        (self.clone() + by.clone() - Dim::from(1)).div(by)
    }

    /// `(q*b + r) / b = q + r / b`: takes out of the sum the terms that a constant divides.
    fn split_div(&self, by: &Dim) -> Dim {
        let Some(b) = by.as_const().filter(|b| *b > 0) else {
            return Dim::atom(Atom::Div(self.clone().into(), by.clone().into()));
        };
        let (mut out, mut rest) = (Dim::default(), Dim::default());
        for (m, c) in &self.terms {
            out.add_term(m.clone(), c.div_euclid(b));
            rest.add_term(m.clone(), c.rem_euclid(b));
        }
        match rest.as_const() {
            Some(r) => out + Dim::from(r.div_euclid(b)),
            None => out + Dim::atom(Atom::Div(rest.into(), by.clone().into())),
        }
    }

    /// The quotient when `by` is a single product that divides every term.
    pub fn exact_div(&self, by: &Dim) -> Option<Dim> {
        if by.is_zero() {
            return None;
        }
        if by.terms.len() != 1 {
            return (self == by).then(|| 1.into());
        }
        let (bm, bc) = by.terms.iter().next()?;
        let mut out = Dim::default();
        for (m, c) in &self.terms {
            if c.wrapping_rem(*bc) != 0 {
                return None;
            }
            let mut m = m.clone();
            for a in bm {
                let at = m.iter().position(|x| x == a)?;
                m.remove(at);
            }
            out.add_term(m, c.saturating_div(*bc));
        }
        Some(out)
    }

    /// Remainder with the sign of the divisor.
    pub fn rem(&self, by: &Dim) -> Dim {
        if let (Some(a), Some(b)) = (self.as_const(), by.as_const())
            && b > 0
        {
            return a.rem_euclid(b).into();
        }
        if self.exact_div(by).is_some() {
            return 0.into();
        }
        Dim::atom(Atom::Mod(self.clone().into(), by.clone().into()))
    }

    /// The smaller of two.
    pub fn min_of(&self, other: &Dim) -> Dim {
        if (other.clone() - self.clone()).at_least(0) {
            return self.clone();
        }
        if (self.clone() - other.clone()).at_least(0) {
            return other.clone();
        }
        if let Some(d) = absorbed(self, other, |a| if let Atom::Max(a, b) = a { Some((a, b)) } else { None }) {
            return d.clone();
        }
        let (a, b) = if self < other { (self, other) } else { (other, self) };
        Dim::atom(Atom::Min(a.clone().into(), b.clone().into()))
    }

    /// The larger of two.
    pub fn max_of(&self, other: &Dim) -> Dim {
        if (other.clone() - self.clone()).at_least(0) {
            return other.clone();
        }
        if (self.clone() - other.clone()).at_least(0) {
            return self.clone();
        }
        if let Some(d) = absorbed(self, other, |a| if let Atom::Min(a, b) = a { Some((a, b)) } else { None }) {
            return d.clone();
        }
        let (a, b) = if self < other { (self, other) } else { (other, self) };
        Dim::atom(Atom::Max(a.clone().into(), b.clone().into()))
    }

    fn add_term(&mut self, m: Monomial, c: i64) {
        let sum = self.terms.get(&m).copied().unwrap_or(0).saturating_add(c);
        if sum == 0 {
            self.terms.remove(&m);
        } else {
            self.terms.insert(m, sum);
        }
    }

    /// Calls `f` on every symbol in the expression, in order, with repetitions.
    pub fn symbols(&self, f: &mut dyn FnMut(&Arc<str>)) {
        for m in self.terms.keys() {
            for a in m {
                match a {
                    Atom::Sym(s) => f(s),
                    Atom::Div(a, b) | Atom::Mod(a, b) | Atom::Min(a, b) | Atom::Max(a, b) => {
                        a.symbols(f);
                        b.symbols(f);
                    }
                }
            }
        }
    }

    /// Replaces symbols by expressions; `None` leaves a symbol as it is.
    pub fn substitute(&self, f: &dyn Fn(&str) -> Option<Dim>) -> Dim {
        let mut out = Dim::default();
        for (m, c) in &self.terms {
            out = out + m.iter().map(|a| a.substitute(f)).fold(Dim::from(*c), |p, a| p * a);
        }
        out
    }

    /// Value under an assignment; an error names the unbound symbol or says that arithmetic overflowed.
    pub fn eval(&self, env: &dyn Fn(&str) -> Option<i64>) -> Result<i64, String> {
        let mut sum: i64 = 0;
        for (m, c) in &self.terms {
            let mut p = *c;
            for a in m {
                p = p.checked_mul(a.eval(env)?).ok_or_else(|| format!("{self} overflows"))?;
            }
            sum = sum.checked_add(p).ok_or_else(|| format!("{self} overflows"))?;
        }
        Ok(sum)
    }
}

/// `min(x, max(x, y)) = x` and `max(x, min(x, y)) = x`: the side that is one operand of the other.
fn absorbed<'a>(a: &'a Dim, b: &'a Dim, inner: impl Fn(&Atom) -> Option<(&Box<Dim>, &Box<Dim>)>) -> Option<&'a Dim> {
    let within = |x: &Dim, d: &Dim| match d.terms.iter().next() {
        Some((m, 1)) if d.terms.len() == 1 && m.len() == 1 => inner(&m[0]).is_some_and(|(p, q)| **p == *x || **q == *x),
        _ => false,
    };
    match () {
        _ if within(a, b) => Some(a),
        _ if within(b, a) => Some(b),
        _ => None,
    }
}

impl Atom {
    fn non_negative(&self) -> bool {
        match self {
            Atom::Sym(_) => true,
            Atom::Div(a, b) => a.at_least(0) && b.at_least(1),
            Atom::Mod(_, b) => b.at_least(1),
            Atom::Min(a, b) => a.at_least(0) && b.at_least(0),
            Atom::Max(a, b) => a.at_least(0) || b.at_least(0),
        }
    }

    fn substitute(&self, f: &dyn Fn(&str) -> Option<Dim>) -> Dim {
        match self {
            Atom::Sym(s) => f(s).unwrap_or_else(|| Dim::sym(s)),
            Atom::Div(a, b) => a.substitute(f).div(&b.substitute(f)),
            Atom::Mod(a, b) => a.substitute(f).rem(&b.substitute(f)),
            Atom::Min(a, b) => a.substitute(f).min_of(&b.substitute(f)),
            Atom::Max(a, b) => a.substitute(f).max_of(&b.substitute(f)),
        }
    }

    fn eval(&self, env: &dyn Fn(&str) -> Option<i64>) -> Result<i64, String> {
        let both = |a: &Dim, b: &Dim| Ok::<_, String>((a.eval(env)?, b.eval(env)?));
        let positive = |b: i64| if b > 0 { Ok(b) } else { Err(format!("divisor {b} is not positive")) };
        Ok(match self {
            Atom::Sym(s) => env(s).ok_or_else(|| format!("dimension {s:?} has no value"))?,
            Atom::Div(a, b) => both(a, b).and_then(|(a, b)| Ok(a.div_euclid(positive(b)?)))?,
            Atom::Mod(a, b) => both(a, b).and_then(|(a, b)| Ok(a.rem_euclid(positive(b)?)))?,
            Atom::Min(a, b) => both(a, b).map(|(a, b)| a.min(b))?,
            Atom::Max(a, b) => both(a, b).map(|(a, b)| a.max(b))?,
        })
    }
}

impl Add for Dim {
    type Output = Dim;
    fn add(mut self, rhs: Dim) -> Dim {
        for (m, c) in rhs.terms {
            self.add_term(m, c);
        }
        self
    }
}

impl Neg for Dim {
    type Output = Dim;
    fn neg(mut self) -> Dim {
        self.terms.values_mut().for_each(|c| *c = c.saturating_neg());
        self
    }
}

impl Sub for Dim {
    type Output = Dim;
    fn sub(self, rhs: Dim) -> Dim {
        self + -rhs
    }
}

/// Most parts that a product is written out to; it would grow with every power of a sum.
const MOST_PARTS: usize = 4096;

impl Mul for Dim {
    type Output = Dim;
    fn mul(self, rhs: Dim) -> Dim {
        let many = self.terms.len() > 1 || rhs.terms.len() > 1;
        if many && self.terms.len() * rhs.weight() + rhs.terms.len() * self.weight() > MOST_PARTS {
            return self.whole() * rhs.whole();
        }
        let mut out = Dim::default();
        for (a, ca) in &self.terms {
            for (b, cb) in &rhs.terms {
                let mut m: Monomial = a.iter().chain(b).cloned().collect();
                m.sort();
                out.add_term(m, ca.saturating_mul(*cb));
            }
        }
        out
    }
}

/// Product of sizes: the number of elements of a shape.
pub fn product<'a>(dims: impl IntoIterator<Item = &'a Dim>) -> Dim {
    dims.into_iter().fold(1.into(), |p: Dim, d| p * d.clone())
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Atom::Sym(s) if is_plain(s) => write!(f, "{s}"),
            Atom::Sym(s) => write!(f, "{s:?}"),
            Atom::Div(a, b) => write!(f, "div({a},{b})"),
            Atom::Mod(a, b) => write!(f, "mod({a},{b})"),
            Atom::Min(a, b) => write!(f, "min({a},{b})"),
            Atom::Max(a, b) => write!(f, "max({a},{b})"),
        }
    }
}

/// Whether a name needs no quotes in the text form.
pub fn is_plain(s: &str) -> bool {
    let head = |c: char| c.is_ascii_alphabetic() || c == '_';
    s.starts_with(head)
        && s.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.')
        && !["div", "mod", "min", "max"].contains(&s)
}

/// Prints e.g. `4*batch + div(h,2) - 1`; the text form parses it back.
impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if self.terms.is_empty() {
            return f.write_str("0");
        }
        for (i, (m, c)) in self.terms.iter().rev().enumerate() {
            let sign = if *c < 0 { "-" } else { "+" };
            match (i, *c < 0) {
                (0, true) => f.write_str("-")?,
                (0, false) => {}
                _ => write!(f, " {sign} ")?,
            }
            let atoms: Vec<String> = m.iter().map(|a| a.to_string()).collect();
            match (c.unsigned_abs(), atoms.is_empty()) {
                (c, true) => write!(f, "{c}")?,
                (1, false) => f.write_str(&atoms.join("*"))?,
                (c, false) => write!(f, "{c}*{}", atoms.join("*"))?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n() -> Dim {
        Dim::sym("n")
    }

    #[test]
    fn equal_polynomials_are_equal_values() {
        let a = (n() + 1.into()) * (n() - 1.into());
        assert_eq!(a, n() * n() - Dim::from(1i64));
        assert_eq!((n() + n()).to_string(), "2*n");
        assert_eq!((n() - n()).as_const(), Some(0));
    }

    #[test]
    fn division_is_simplified_where_exact() {
        assert_eq!((n() * 6.into()).div(&3.into()), n() * 2.into());
        assert_eq!((n() * Dim::sym("m")).div(&n()), Dim::sym("m"));
        assert_eq!((n() * 4.into() + 5.into()).div(&4.into()), n() + 1.into());
        assert_eq!((n() + 1.into()).div(&2.into()).to_string(), "div(n + 1,2)");
        assert_eq!((n() * 2.into()).rem(&2.into()).as_const(), Some(0));
    }

    #[test]
    fn evaluation_agrees_with_arithmetic() {
        let env = |s: &str| (s == "n").then_some(7);
        let d = (n() * 3.into() + 1.into()).div(&2.into()).max_of(&n()) - n().rem(&4.into());
        assert_eq!(d.eval(&env), Ok(11 - 3));
        assert!(Dim::sym("q").eval(&env).unwrap_err().contains("\"q\""));
    }

    #[test]
    fn products_of_long_sums_stay_short() {
        let sum = (0..100).map(|i| Dim::sym(&format!("s{i}"))).fold(Dim::from(0), |a, b| a + b);
        let p = product(&[sum.clone(), sum.clone(), sum.clone(), sum]);
        assert!(p.weight() <= MOST_PARTS && p.to_string().len() < 10_000, "{}", p.weight());
        assert_eq!(p.eval(&|_| Some(2)), Ok(200i64.pow(4)));
    }

    #[test]
    fn bounds_are_proved_only_when_true() {
        assert!((n() + 3.into()).at_least(3));
        assert!(!(n() - 1.into()).at_least(0));
        assert!((n() - n().min_of(&512.into())).at_least(0));
        assert!(!(n() - n().min_of(&512.into())).at_least(1));
        assert_eq!(n().max_of(&0.into()), n());
        assert_eq!((n() + 2.into()).min_of(&n()), n());
        assert_eq!(n().max_of(&n().min_of(&512.into())), n());
        assert_eq!(n().max_of(&512.into()).min_of(&n()), n());
    }
}
