//! Element-wise operators: one formula as the meaning, one as the lowering.

use crate::infer::{broadcast_facts, broadcast_index};
use crate::op::need;
use crate::tensor::for_each_index;
use crate::{DType, Dim, Fact, Num, Result, Tensor};

/// Meaning of an element-wise operator over operands broadcast as NumPy's.
pub fn eval(x: &[&Tensor], dtype: DType, f: impl Fn(&[Num]) -> Num) -> Result<Tensor> {
    let facts: Vec<Fact> = x.iter().map(|t| t.type_fact()).collect();
    let shape = broadcast_facts(&facts.iter().collect::<Vec<_>>())?;
    let shape: Vec<usize> = shape.iter().map(|d| d.as_const().unwrap_or(0) as usize).collect();
    let mut data = Vec::new();
    let mut args = vec![Num::I(0); x.len()];
    for_each_index(&shape, |idx| {
        for (a, t) in args.iter_mut().zip(x) {
            *a = t.at(broadcast_index(t.shape(), idx));
        }
        data.push(f(&args));
    });
    Ok(Tensor::new(dtype, &shape, data))
}

/// Fact of an element-wise result of type `dtype`.
pub fn infer(x: &[&Fact], dtype: DType) -> Result<Fact> {
    Ok(Fact::new(dtype, broadcast_facts(x)?))
}

/// All operands, none of which may be omitted.
pub fn all<'a, T>(x: &[Option<&'a T>]) -> Result<Vec<&'a T>> {
    (0..x.len()).map(|i| need(x, i, "x")).collect()
}

/// Floats that the samples of element-wise operators use: both signs, zero, fractions.
pub fn sample_floats(shape: &[usize], seed: u32) -> Tensor {
    let n: usize = shape.iter().product();
    let mut s = seed.wrapping_mul(747796405).wrapping_add(2891336453);
    let data: Vec<f32> = (0..n)
        .map(|_| {
            s = s.wrapping_mul(1664525).wrapping_add(1013904223);
            ((s >> 16) % 129) as f32 / 16.0 - 4.0
        })
        .collect();
    Tensor::f32(shape, &data)
}

/// Fact of a binary element-wise result on integers that may be known as expressions over the sizes: `f` gives the
/// element from two elements, or `None` when no expression says it.
pub fn infer_known(x: &[&Fact], dtype: DType, f: impl Fn(&Dim, &Dim) -> Option<Dim>) -> Result<Fact> {
    infer_known_all(x, dtype, |v| f(v[0], v[1]))
}

/// The same for any number of operands.
pub fn infer_known_all(x: &[&Fact], dtype: DType, f: impl Fn(&[&Dim]) -> Option<Dim>) -> Result<Fact> {
    let y = infer(x, dtype)?;
    let known: Option<Vec<Vec<Dim>>> = x.iter().map(|f| f.as_dims()).collect();
    let Some(known) = known.filter(|_| y.rank() <= 1) else { return Ok(y) };
    let n = match y.shape.first().map(Dim::as_const) {
        None => 1,
        Some(Some(n)) => n as usize,
        Some(None) => return Ok(y),
    };
    if known.iter().any(|v| v.len() != n && v.len() != 1) {
        return Ok(y);
    }
    let element = |i: usize| f(&known.iter().map(|v| &v[i.min(v.len() - 1)]).collect::<Vec<_>>());
    Ok(match (0..n).map(element).collect() {
        Some(v) => y.with_dims(v),
        None => y,
    })
}

#[cfg(test)]
mod tests {
    use crate::{Attrs, Ctx, DType, Dim, Fact, ops};

    /// What `op` tells of its result for operands known as sizes.
    fn known(op: &str, attrs: Attrs, x: &[&Fact]) -> Option<Vec<Dim>> {
        let x: Vec<_> = x.iter().map(|f| Some(*f)).collect();
        let c = Ctx { name: "node", attrs: &attrs, outputs: 1 };
        ops::by_name(op).unwrap().infer(&c, &x).unwrap()[0].as_dims()
    }

    fn n() -> Dim {
        Dim::sym("n")
    }

    fn sizes<const N: usize>(v: [Dim; N]) -> Fact {
        Fact::dims(v.to_vec())
    }

    #[test]
    fn arithmetic_on_sizes_stays_known() {
        let a = sizes([n() * 2.into(), 7.into()]);
        let two = sizes([2.into()]);
        let cases: [(&str, [Dim; 2]); 7] = [
            ("Add", [n() * 2.into() + 2.into(), 9.into()]),
            ("Sub", [n() * 2.into() - 2.into(), 5.into()]),
            ("Mul", [n() * 4.into(), 14.into()]),
            ("Div", [n(), 3.into()]),
            ("Mod", [0.into(), 1.into()]),
            ("Max", [(n() * 2.into()).max_of(&2.into()), 7.into()]),
            ("Min", [(n() * 2.into()).min_of(&2.into()), 2.into()]),
        ];
        for (op, y) in cases {
            assert_eq!(known(op, Attrs::new(), &[&a, &two]).unwrap(), y, "{op}");
        }
        let negative = known("Div", Attrs::new(), &[&sizes([Dim::from(-7)]), &two]);
        assert_eq!(negative.unwrap(), [Dim::from(-3)], "quotients truncate");
    }

    #[test]
    fn comparisons_are_known_where_every_size_decides_them_alike() {
        let (a, b) = (sizes([n(), n(), 3.into()]), sizes([n(), n() + 1.into(), 4.into()]));
        let cases: [(&str, [i32; 3]); 5] = [
            ("Equal", [1, 0, 0]),
            ("Less", [0, 1, 1]),
            ("LessOrEqual", [1, 1, 1]),
            ("Greater", [0, 0, 0]),
            ("GreaterOrEqual", [1, 0, 0]),
        ];
        for (op, y) in cases {
            assert_eq!(known(op, Attrs::new(), &[&a, &b]).unwrap(), y.map(Dim::from), "{op}");
        }
        assert_eq!(known("Equal", Attrs::new(), &[&sizes([n()]), &sizes([3.into()])]), None);
    }

    #[test]
    fn choices_reductions_and_casts_keep_sizes() {
        let a = sizes([n(), 3.into()]);
        let pick = sizes([1.into(), 0.into()]).constant().unwrap().cast(DType::Bool).fact();
        let chosen = known("Where", Attrs::new(), &[&pick, &a, &sizes([Dim::from(-1)])]);
        assert_eq!(chosen.unwrap(), [n(), Dim::from(-1)]);
        assert_eq!(known("ReduceProd", Attrs::new(), &[&a]).unwrap(), [n() * 3.into()]);
        assert_eq!(known("ReduceSum", Attrs::new(), &[&a]).unwrap(), [n() + 3.into()]);
        assert_eq!(known("Cast", Attrs::new().with("to", DType::I32), &[&a]).unwrap(), [n(), 3.into()]);
        assert_eq!(known("Cast", Attrs::new().with("to", DType::F32), &[&a]), None);
        assert_eq!(known("Identity", Attrs::new(), &[&a]).unwrap(), [n(), 3.into()]);
    }

    #[test]
    fn vectors_without_elements_are_no_trouble() {
        let (none, one) = (Fact::dims(vec![]), sizes([5.into()]));
        assert_eq!(known("Add", Attrs::new(), &[&none, &one]).unwrap(), []);
    }
}
