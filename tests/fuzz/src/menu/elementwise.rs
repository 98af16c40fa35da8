//! Element by element.

use crate::builder::Builder;
use dlc_ir::{Attrs, DType, Num, Tensor, Value};

const UNARY: &[&str] = &[
    "Abs",
    "Neg",
    "Relu",
    "Sigmoid",
    "Tanh",
    "Exp",
    "Erf",
    "Gelu",
    "HardSigmoid",
    "HardSwish",
    "LeakyRelu",
    "Elu",
    "Selu",
    "Softplus",
    "Softsign",
    "Mish",
    "Sin",
    "Cos",
    "Floor",
    "Ceil",
    "Round",
    "Sign",
    "Sqrt",
    "Log",
    "Reciprocal",
    "Celu",
    "ThresholdedRelu",
    "Shrink",
    "Identity",
    "Atan",
    "Sinh",
    "Cosh",
    "Asinh",
    "Swish",
    "Tan",
    "Asin",
    "Acos",
    "Acosh",
    "Atanh",
];

pub fn unary(b: &mut Builder) -> Option<()> {
    let x = b.floats(0, 5);
    let op = b.draw.pick(UNARY);
    let alpha = b.draw.pick(&[0.1f32, 0.5, 1.0, 2.0]);
    let attrs = match op {
        "LeakyRelu" | "Elu" | "Celu" | "ThresholdedRelu" | "Swish" if b.draw.chance(70) => {
            Attrs::new().with("alpha", alpha)
        }
        "Gelu" if b.draw.chance(50) => Attrs::new().with("approximate", "tanh"),
        "Shrink" => Attrs::new().with("lambd", alpha).with("bias", alpha / 2.0),
        _ => Attrs::new(),
    };
    b.apply(op, attrs, &[x]).map(drop)
}

pub fn binary(b: &mut Builder) -> Option<()> {
    let x = b.floats(0, 5);
    let t = b.tensor(x);
    let y = match b.draw.below(4) {
        0 => {
            let v = b.draw.pick(&[0.0, 1.0, -1.0, 2.0, 0.5, 3.0]);
            b.constant(Tensor::scalar(t.dtype(), Num::F(v)))
        }
        _ => b.beside(t.dtype(), t.shape()),
    };
    let op = b.draw.pick(&["Add", "Sub", "Mul", "Div", "Add", "Sub", "Mul", "Max", "Min", "Pow", "PRelu", "Mod"]);
    let attrs = if op == "Mod" { Attrs::new().with("fmod", 1i64) } else { Attrs::new() };
    let (x, y) = if b.draw.chance(50) && op != "PRelu" { (x, y) } else { (y, x) };
    b.apply(op, attrs, &[x, y]).map(drop)
}

pub fn integers(b: &mut Builder) -> Option<()> {
    let dtype = b.draw.pick(&[DType::I64, DType::I32, DType::I8, DType::U8, DType::I64]);
    let x = b.of(dtype, 0, 4);
    let shape = b.shape(x);
    let y = b.beside(dtype, &shape);
    let op = b.draw.pick(&[
        "Add",
        "Sub",
        "Mul",
        "Div",
        "Mod",
        "Max",
        "Min",
        "BitwiseAnd",
        "BitwiseXor",
        "Abs",
        "Neg",
        "Sum",
    ]);
    let one = matches!(op, "Abs" | "Neg");
    let operands = if one { vec![x] } else { vec![x, y] };
    b.apply(op, Attrs::new(), &operands).map(drop)
}

pub fn compare(b: &mut Builder) -> Option<()> {
    let x = b.floats(0, 4);
    let t = b.tensor(x);
    let y = b.beside(t.dtype(), t.shape());
    let op = b.draw.pick(&["Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal"]);
    let c = b.apply(op, Attrs::new(), &[x, y])?;
    if b.draw.chance(30) {
        let shape = b.shape(c);
        let d = b.beside(DType::Bool, &shape);
        let op = b.draw.pick(&["And", "Or", "Xor"]);
        b.apply(op, Attrs::new(), &[c, d])?;
    }
    if b.draw.chance(20) {
        b.apply("Not", Attrs::new(), &[c])?;
    }
    Some(())
}

pub fn choose(b: &mut Builder) -> Option<()> {
    let c = b.of(DType::Bool, 0, 4);
    let shape = b.shape(c);
    let x = b.beside(DType::F32, &shape);
    let shape = b.shape(x);
    let y = b.beside(DType::F32, &shape);
    b.apply("Where", Attrs::new(), &[c, x, y]).map(drop)
}

pub fn clip(b: &mut Builder) -> Option<()> {
    let x = b.floats(0, 4);
    let dtype = b.tensor(x).dtype();
    let (lo, hi) = (b.draw.range(-16, 4) as f64 / 8.0, b.draw.range(4, 48) as f64 / 8.0);
    let mut end = |v: f64| b.draw.chance(70).then(|| b.constant(Tensor::scalar(dtype, Num::F(v))));
    let (lo, hi) = (end(lo), end(hi));
    b.op("Clip", Attrs::new(), &[Some(x), lo, hi], 1).map(drop)
}

pub fn cast(b: &mut Builder) -> Option<()> {
    let x = b.floats(0, 4);
    let to = b.draw.pick(&[
        DType::F32,
        DType::F64,
        DType::F16,
        DType::BF16,
        DType::I32,
        DType::I64,
        DType::I8,
        DType::U8,
        DType::Bool,
    ]);
    let y = b.apply("Cast", Attrs::new().with("to", to), &[x])?;
    if b.draw.chance(50) {
        b.apply("Cast", Attrs::new().with("to", DType::F32), &[y])?;
    }
    Some(())
}

fn scalar(b: &mut Builder, v: f32) -> Value {
    b.constant(Tensor::f32(&[], &[v]))
}

/// What rules look for, written out.
pub fn motif(b: &mut Builder) -> Option<()> {
    let x = b.of(DType::F32, 1, 4);
    let none = Attrs::new;
    match b.draw.below(5) {
        0 => {
            let (root, one, half) = (scalar(b, std::f32::consts::SQRT_2), scalar(b, 1.0), scalar(b, 0.5));
            let d = b.apply("Div", none(), &[x, root])?;
            let e = b.apply("Erf", none(), &[d])?;
            let a = b.apply("Add", none(), &[e, one])?;
            let m = b.apply("Mul", none(), &[x, a])?;
            b.apply("Mul", none(), &[m, half])?;
        }
        1 => {
            let s = b.apply("Sigmoid", none(), &[x])?;
            b.apply("Mul", none(), &[x, s])?;
        }
        2 => {
            let (axis, two, small) = (b.ints(&[-1]), scalar(b, 2.0), scalar(b, 1e-5));
            let m = b.apply("ReduceMean", none(), &[x, axis])?;
            let d = b.apply("Sub", none(), &[x, m])?;
            let p = b.apply("Pow", none(), &[d, two])?;
            let v = b.apply("ReduceMean", none(), &[p, axis])?;
            let e = b.apply("Add", none(), &[v, small])?;
            let r = b.apply("Sqrt", none(), &[e])?;
            b.apply("Div", none(), &[d, r])?;
        }
        3 => {
            let m = b.draw.pick(&["Max", "Min"]);
            let (k, six) = (scalar(b, 3.0), scalar(b, 6.0));
            let a = b.apply("Add", none(), &[x, k])?;
            let c = b.apply(m, none(), &[a, six])?;
            b.apply("Mul", none(), &[x, c])?;
        }
        _ => {
            let rank = b.shape(x).len();
            let perm: Vec<i64> = b.draw.order(rank).iter().map(|p| *p as i64).collect();
            let mut back = vec![0i64; rank];
            perm.iter().enumerate().for_each(|(i, p)| back[*p as usize] = i as i64);
            let t = b.apply("Transpose", none().with("perm", perm), &[x])?;
            let op = b.draw.pick(&["Relu", "Neg", "Tanh"]);
            let u = b.apply(op, none(), &[t])?;
            b.apply("Transpose", none().with("perm", back), &[u])?;
        }
    }
    Some(())
}
