//! Rules: laws as text, and what they compile to.

use crate::analysis::{Data, Terms};
use crate::conditions::{self, Arg, Condition};
use crate::functions::FUNCTIONS;
use crate::pattern;
use crate::term::Term;
use egg::{ENodeOrVar, Id, Pattern, PatternAst, Subst, Var};

/// A law: the left side equals the right side wherever the conditions hold.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Unique name.
    pub name: &'static str,
    /// What is searched; see [`crate::pattern`] for the syntax.
    pub lhs: &'static str,
    /// What it equals.
    pub rhs: &'static str,
    /// Conditions, all of which must hold; see [`crate::conditions`].
    pub when: &'static str,
    /// Whether the right side is never worse, so that the rule is applied before the others.
    pub directed: bool,
}

/// `rule("neg-neg", "(Neg (Neg ?x))", "?x")`: a choice, which the price decides.
pub const fn rule(name: &'static str, lhs: &'static str, rhs: &'static str) -> Rule {
    Rule { name, lhs, rhs, when: "", directed: false }
}

/// A rule whose right side is never worse.
pub const fn directed(name: &'static str, lhs: &'static str, rhs: &'static str) -> Rule {
    Rule { name, lhs, rhs, when: "", directed: true }
}

impl Rule {
    /// The same under conditions.
    pub const fn when(self, when: &'static str) -> Rule {
        Rule { when, ..self }
    }

    /// Reads the texts; an error names the rule.
    pub fn compile(&self) -> Result<Law, String> {
        let at = |e: String| format!("rule {}: {e}", self.name);
        let lhs = pattern::parse(self.lhs).map_err(at)?;
        let rhs = pattern::parse(self.rhs).map_err(at)?;
        let when = pattern::conditions(self.when).map_err(at)?;
        let when: Vec<Test> = when.iter().map(|words| test(words).map_err(at)).collect::<Result<_, _>>()?;
        let bound = vars(&lhs);
        let used = vars(&rhs).into_iter().chain(when.iter().flat_map(Test::vars));
        if let Some(v) = used.into_iter().find(|v| !bound.contains(v)) {
            return Err(at(format!("{v} is not on the left side")));
        }
        Ok(Law { name: self.name, directed: self.directed, lhs: Pattern::new(lhs), rhs, when })
    }
}

/// A rule, compiled.
#[derive(Clone, Debug)]
pub struct Law {
    /// Name of the rule.
    pub name: &'static str,
    /// See [`Rule::directed`].
    pub directed: bool,
    /// Left side.
    pub lhs: Pattern<Term>,
    /// Right side.
    pub rhs: PatternAst<Term>,
    /// Conditions.
    pub when: Vec<Test>,
}

/// A condition with its arguments.
#[derive(Clone, Debug)]
pub struct Test {
    condition: &'static Condition,
    expected: bool,
    args: Vec<Word>,
}

#[derive(Clone, Debug)]
enum Word {
    Var(Var),
    Num(f64),
    Name(String),
}

/// Variables of a pattern, each once.
pub fn vars(p: &PatternAst<Term>) -> Vec<Var> {
    let mut out = vec![];
    for n in p {
        if let ENodeOrVar::Var(v) = n
            && !out.contains(v)
        {
            out.push(*v);
        }
    }
    out
}

fn test(words: &[&str]) -> Result<Test, String> {
    let (expected, words) = match words {
        ["not", rest @ ..] => (false, rest),
        words => (true, words),
    };
    let (name, args) = words.split_first().ok_or("an empty condition")?;
    let condition = conditions::CONDITIONS.iter().find(|c| c.name == *name).ok_or(format!("no condition {name}"))?;
    let args = args.iter().map(|w| word(w)).collect::<Result<_, String>>()?;
    Ok(Test { condition, expected, args })
}

fn word(w: &str) -> Result<Word, String> {
    if w.starts_with('?') {
        return w.parse().map(Word::Var).map_err(|e| format!("{w}: {e}"));
    }
    Ok(w.parse().map_or_else(|_| Word::Name(w.into()), Word::Num))
}

impl Test {
    /// Variables it speaks of.
    pub fn vars(&self) -> Vec<Var> {
        self.args.iter().filter_map(|w| if let Word::Var(v) = w { Some(*v) } else { None }).collect()
    }

    /// Name of the condition.
    pub fn name(&self) -> &'static str {
        self.condition.name
    }

    /// Whether it must hold, or must not.
    pub fn expected(&self) -> bool {
        self.expected
    }

    /// Numbers it compares with.
    pub fn numbers(&self) -> Vec<f64> {
        self.args.iter().filter_map(|w| if let Word::Num(v) = w { Some(*v) } else { None }).collect()
    }

    /// The first word it has, e.g. the name of an attribute.
    pub fn word(&self) -> Option<&str> {
        self.args.iter().find_map(|w| if let Word::Name(n) = w { Some(&**n) } else { None })
    }

    /// Whether it holds.
    pub fn holds<'a>(&'a self, data: &impl Fn(Var) -> &'a Data) -> bool {
        let arg = |w: &'a Word| match w {
            Word::Var(v) => Arg::Data(data(*v)),
            Word::Num(v) => Arg::Num(*v),
            Word::Name(n) => Arg::Name(n),
        };
        let args: Vec<Arg> = self.args.iter().map(arg).collect();
        (self.condition.holds)(&args).unwrap_or(false) == self.expected
    }
}

impl Law {
    /// Whether the conditions hold for a match.
    pub fn applies(&self, g: &Terms, s: &Subst) -> bool {
        self.when.iter().all(|t| t.holds(&|v| &g[s[v]].data))
    }

    /// Adds the right side of a match; none where a function has no value or an operator refuses.
    pub fn instantiate(&self, g: &mut Terms, s: &Subst) -> Option<Id> {
        let mut ids: Vec<Id> = vec![];
        for n in &self.rhs {
            let id = match n {
                ENodeOrVar::Var(v) => s[*v],
                ENodeOrVar::ENode(Term::Fun(f, c)) => {
                    let args: Vec<&Data> = c.iter().map(|c| &g[ids[usize::from(*c)]].data).collect();
                    let term = as_term((FUNCTIONS[*f].value)(&args)?)?;
                    g.add(term)
                }
                ENodeOrVar::ENode(t) => {
                    let mut t = t.clone();
                    egg::Language::for_each_mut(&mut t, |c| *c = ids[usize::from(*c)]);
                    g.add(t)
                }
            };
            if matches!(g[id].data, Data::IllTyped(_)) {
                return None;
            }
            ids.push(id);
        }
        ids.last().copied()
    }
}

/// The leaf that has this value.
fn as_term(d: Data) -> Option<Term> {
    match d {
        Data::Attrs(a) => Some(Term::Attrs(a)),
        Data::Tensor(i) => i.fact.constant().cloned().map(Term::Const),
        Data::Nil => Some(Term::Nil),
        _ => None,
    }
}
