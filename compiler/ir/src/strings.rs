//! Tensors of strings. An element is the number of its string in the tensor's table, so that what only moves or
//! compares elements needs to know nothing of text: operands are brought to one table before, results get it after.

use crate::op::Strings;
use crate::{Attr, Ctx, DType, Fact, Num, Op, Result, Tensor, bail, ensure};
use std::sync::Arc;

/// Strings, sorted by their bytes, without repetition.
pub type Table = Arc<[String]>;

impl Tensor {
    /// A tensor of strings. Panics if the number of elements is not that of the shape: a bug of the caller.
    pub fn of_strings<S: Into<String>>(shape: &[usize], data: impl IntoIterator<Item = S>) -> Self {
        let data: Vec<String> = data.into_iter().map(Into::into).collect();
        let table = table(data.iter().map(String::as_str));
        let numbers: Vec<Num> = data.iter().map(|s| number(&table, s)).collect();
        Tensor::new(DType::Str, shape, numbers).with_table(table)
    }

    /// The string at row-major position `i`, of a tensor of strings.
    pub fn string(&self, i: usize) -> &str {
        self.table().get(self.at(i).i() as usize).map_or("", String::as_str)
    }

    /// All strings, row-major; none of a tensor of another type.
    pub fn strings(&self) -> impl Iterator<Item = &str> {
        let n = if self.dtype() == DType::Str { self.len() } else { 0 };
        (0..n).map(|i| self.string(i))
    }
}

fn table<'a>(strings: impl Iterator<Item = &'a str>) -> Table {
    let mut all: Vec<&str> = strings.collect();
    all.sort_unstable();
    all.dedup();
    all.into_iter().map(String::from).collect()
}

fn number(table: &Table, s: &str) -> Num {
    Num::I(table.binary_search_by(|t| t.as_str().cmp(s)).unwrap_or(0) as i128)
}

/// The tensors with those of strings numbering one table, in which 0 is the empty string; and that table.
pub fn common(x: &[Option<&Tensor>]) -> (Table, Vec<Option<Tensor>>) {
    let used = x.iter().flatten().flat_map(|t| t.strings());
    let table = table(used.chain([""]));
    let one = |t: &Tensor| match t.dtype() {
        DType::Str if t.items().is_none() => {
            let numbers: Vec<Num> = t.strings().map(|s| number(&table, s)).collect();
            Tensor::new(DType::Str, t.shape(), numbers).with_table(table.clone())
        }
        _ => t.clone(),
    };
    let x = x.iter().map(|t| t.map(one)).collect();
    (table, x)
}

/// Two tensors of one table: their elements are equal where the strings are.
pub fn pair(a: &Tensor, b: &Tensor) -> (Tensor, Tensor) {
    let mut both = common(&[Some(a), Some(b)]).1.into_iter().flatten();
    match (both.next(), both.next()) {
        (Some(a), Some(b)) => (a, b),
        _ => (a.clone(), b.clone()),
    }
}

/// A result whose elements number this table, with a table of its own.
pub fn settled(t: Tensor, table: &Table) -> Tensor {
    match t.dtype() {
        DType::Str if t.items().is_none() => {
            let t = t.with_table(table.clone());
            Tensor::of_strings(t.shape(), t.strings())
        }
        _ => t,
    }
}

/// `op.infer`, after what the operator does not take of strings is refused.
pub fn infer(op: &dyn Op, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
    let text = |f: &Fact| f.dtype == DType::Str;
    let takes = |i: usize| match op.strings() {
        Strings::Refused => false,
        Strings::Moved(takes) => takes(i),
        Strings::Read => true,
    };
    for (i, f) in x.iter().enumerate().filter_map(|(i, f)| Some((i, (*f)?))) {
        ensure!(!text(f) || takes(i), "operand {i} is {f}, expected numbers: this operator does not take strings");
    }
    if !matches!(op.strings(), Strings::Read) {
        let of_text = |a: &Attr| matches!(a, Attr::Tensor(t) if t.dtype() == DType::Str);
        if let Some((name, _)) = c.attrs.iter().find(|(_, a)| of_text(a)) {
            bail!("attribute {name} holds strings, expected numbers: this operator does not take strings");
        }
    }
    let y = op.infer(c, x)?;
    let gives = y.iter().any(text) && matches!(op.strings(), Strings::Refused);
    ensure!(!gives, "the result would be of strings, expected numbers: this operator does not give strings");
    Ok(y)
}

/// `op.eval`, with operands of one table where the operator only moves their elements.
pub fn eval(op: &dyn Op, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
    let text = x.iter().flatten().any(|t| t.dtype() == DType::Str);
    if !text || !matches!(op.strings(), Strings::Moved(_)) {
        return op.eval(c, x);
    }
    let (table, x) = common(x);
    let y = op.eval(c, &x.iter().map(Option::as_ref).collect::<Vec<_>>())?;
    Ok(y.into_iter().map(|t| settled(t, &table)).collect())
}

/// Converted to or from strings as ONNX `Cast` does; a refusal where a string is no number of the type.
pub fn cast(x: &Tensor, to: DType) -> Result<Tensor> {
    match (x.dtype(), to) {
        (DType::Str, DType::Str) => Ok(x.clone()),
        (DType::Str, _) => {
            let data: Vec<Num> = x.strings().map(|s| parse(s, to)).collect::<Result<_>>()?;
            Ok(Tensor::new(to, x.shape(), data))
        }
        (from, DType::Str) => Ok(Tensor::of_strings(x.shape(), x.iter().map(|v| show(v, from)))),
        _ => Ok(x.cast(to)),
    }
}

/// The number that a string says: `3.14`, `1e-5`, `+inf`, `NaN`; of integers only digits and a sign.
fn parse(s: &str, to: DType) -> Result<Num> {
    let word = s.trim();
    let v = match to.int_range() {
        // Through f64 it would be rounded twice.
        None if to == DType::F32 => word.parse::<f32>().ok().map(|v| Num::F(v.into())),
        None => word.parse::<f64>().ok().map(Num::F),
        Some(_) if to == DType::Bool && word.eq_ignore_ascii_case("true") => Some(Num::I(1)),
        Some(_) if to == DType::Bool && word.eq_ignore_ascii_case("false") => Some(Num::I(0)),
        Some((lo, hi)) => word.parse::<i128>().ok().filter(|v| to == DType::Bool || (lo..=hi).contains(v)).map(Num::I),
    };
    match v {
        Some(v) => Ok(v),
        None => bail!("operand input has the string {s:?}, expected one that is a {to}"),
    }
}

/// A number as NumPy writes it: the fewest digits that give it back, with an exponent below 1e-4 and from 1e16.
fn show(v: Num, from: DType) -> String {
    match v {
        Num::I(v) if from == DType::Bool => (if v == 0 { "False" } else { "True" }).into(),
        Num::I(v) => v.to_string(),
        Num::F(v) if v.is_nan() => "nan".into(),
        Num::F(v) if v.is_infinite() => (if v < 0.0 { "-inf" } else { "inf" }).into(),
        Num::F(v) => {
            let back = |s: &str| s.parse().is_ok_and(|w| Tensor::scalar(from, Num::F(w)).at(0).f() == v);
            let shortest = (0..17).map(|digits| format!("{v:.digits$e}")).find(|s| back(s));
            spell(&shortest.unwrap_or_else(|| format!("{v:e}")))
        }
    }
}

/// `-1.25e3` as `-1250.0`, or with an exponent of two digits.
fn spell(scientific: &str) -> String {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |m| ("-", m));
    let zero = mantissa.bytes().all(|c| matches!(c, b'0' | b'.'));
    if !zero && !(-4..16).contains(&exponent) {
        let way = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{mantissa}e{way}{:02}", exponent.abs());
    }
    let mut digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    if exponent < 0 {
        return format!("{sign}0.{}{digits}", "0".repeat(-exponent as usize - 1));
    }
    let whole = exponent as usize + 1;
    while digits.len() <= whole {
        digits.push('0');
    }
    format!("{sign}{}.{}", &digits[..whole], &digits[whole..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Attrs, Graph, interp, ops};

    fn run(op: &str, attrs: Attrs, x: &[Tensor]) -> Result<Tensor> {
        let op = ops::by_name(op).unwrap();
        let c = Ctx { name: "n", attrs: &attrs, outputs: 1 };
        Ok(interp::eval(op.0, &c, &x.iter().map(Some).collect::<Vec<_>>())?.remove(0))
    }

    #[test]
    fn equal_strings_are_equal_tensors() {
        let a = Tensor::of_strings(&[3], ["b", "", "a"]);
        let tail = run("Slice", Attrs::new(), &[a.clone(), Tensor::i64(&[1], &[1]), Tensor::i64(&[1], &[3])]).unwrap();
        assert_eq!(tail, Tensor::of_strings(&[2], ["", "a"]));
        let joined = run("Concat", Attrs::new().with("axis", 0i64), &[tail.clone(), a.clone()]).unwrap();
        assert_eq!(joined.strings().collect::<Vec<_>>(), ["", "a", "b", "", "a"]);
        let same = run("Equal", Attrs::new(), &[tail, Tensor::of_strings(&[1], ["a"])]).unwrap();
        assert_eq!(same.to_i64(), [0, 1]);
        assert_eq!(format!("{a:?}"), "str[3] {\"b\", \"\", \"a\"}");
    }

    #[test]
    fn operators_that_have_no_strings_refuse_them() {
        let mut g = Graph::new("g");
        let x = g.add_input("x", Fact::new(DType::Str, [2.into()]));
        let e = g.apply("n", "Relu", Attrs::new(), &[x]).unwrap_err();
        assert_eq!(
            e.to_string(),
            "node \"n\" (Relu): operand 0 is str[2], expected numbers: this operator does not take strings"
        );
        let shape = g.add_const("shape", Tensor::i64(&[1], &[2]));
        let value = Attrs::new().with("value", Tensor::of_strings(&[1], ["x"]));
        assert!(g.apply("c", "ConstantOfShape", value, &[shape]).is_err());
        let like = Attrs::new().with("dtype", DType::Str);
        let m = g.add_const("m", Tensor::f32(&[2, 2], &[0.0; 4]));
        assert!(g.apply("e", "EyeLike", like, &[m]).is_err());
        assert!(g.apply("r", "Reshape", Attrs::new(), &[m, x]).is_err());
    }

    #[test]
    fn numbers_are_written_as_numpy_does() {
        let f = |v: f64, d: DType| show(Tensor::scalar(d, Num::F(v)).at(0), d);
        for (v, want) in [
            (0.1, "0.1"),
            (2.0, "2.0"),
            (-0.0, "-0.0"),
            (1e-5, "1e-05"),
            (1.5e-4, "0.00015"),
            (123456.5, "123456.5"),
            (1e16, "1e+16"),
            (1e15, "1000000000000000.0"),
            (f64::NAN, "nan"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(f(v, DType::F64), want);
        }
        assert_eq!(f(0.1, DType::F32), "0.1");
        assert_eq!(f(0.1, DType::F16), "0.1");
        assert_eq!(f(3.3333333, DType::F32), "3.3333333");
    }

    #[test]
    fn strings_are_read_as_numbers_or_refused() {
        let s = |v: &str, to| cast(&Tensor::of_strings(&[], [v]), to);
        assert_eq!(s(" 1e-5", DType::F32).unwrap().to_f32(), [1e-5]);
        assert!(s("-INF", DType::F64).unwrap().to_f64()[0] < f64::MIN);
        assert!(s("NaN", DType::F16).unwrap().to_f64()[0].is_nan());
        assert_eq!(s("-12", DType::I8).unwrap().to_i64(), [-12]);
        assert_eq!(
            s("300", DType::U8).unwrap_err().to_string(),
            "operand input has the string \"300\", expected one that is a u8"
        );
        assert!(s("1.5", DType::I32).is_err());
        assert!(s("", DType::F32).is_err());
    }
}
