//! `DynamicQuantizeLinear`: `scale = (max(x,0) - min(x,0)) / 255`, `zero = round(-min / scale)`, `y = round(x / scale) + zero`.
//! <https://onnx.ai/onnx/operators/onnx__DynamicQuantizeLinear.html>

use super::common::elementwise::sample_floats;
use super::common::quantize::{rounded, saturate, saturate_expr};
use crate::lower::{Expr, Lowering, Monoid, Proc, Ty, Un, for_, set, store};
use crate::op::need;
use crate::{Arity, Attrs, Ctx, DType, Fact, Num, Op, Result, Sample, Tensor, ensure};

pub struct DynamicQuantizeLinear;

impl Op for DynamicQuantizeLinear {
    fn name(&self) -> &'static str {
        "DynamicQuantizeLinear"
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn results(&self) -> Arity {
        Arity::exactly(3)
    }
    fn infer(&self, _: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let x = need(x, 0, "x")?;
        ensure!(x.dtype == DType::F32, "x has type {}, expected f32", x.dtype);
        Ok(vec![Fact::new(DType::U8, x.shape.clone()), Fact::new(DType::F32, []), Fact::new(DType::U8, [])])
    }
    fn eval(&self, _: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let x = need(x, 0, "x")?;
        let f32 = |v: f64| rounded(DType::F32, v);
        let v = x.to_f64();
        let (lo, hi) = v.iter().fold((0.0f64, 0.0f64), |(lo, hi), v| (lo.min(*v), hi.max(*v)));
        let scale = if hi == lo { 1.0 } else { f32(f32(hi - lo) / 255.0) };
        let zero = saturate(f32(-lo / scale), 0, DType::U8);
        let y = v.iter().map(|v| saturate(f32(v / scale), zero.i(), DType::U8));
        Ok(vec![
            Tensor::new(DType::U8, x.shape(), y),
            Tensor::scalar(DType::F32, Num::F(scale)),
            Tensor::scalar(DType::U8, zero),
        ])
    }
    /// Register 0 is the smallest element or 0, 1 the largest, 2 the scale, 3 the zero point.
    fn lowering(&self, _: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let x = need(x, 0, "x")?;
        let at = Expr::vars(x.rank());
        let v = Expr::load(0, x, at.clone());
        let extreme = |m: Monoid| {
            let from = x.rank() as u32;
            let over = x.shape.iter().enumerate().map(|(i, d)| (from + i as u32, d.clone())).collect();
            let index = (0..from).map(|i| Expr::var(from + i)).collect();
            Expr::reduce(m, over, Expr::load(0, x, index))
        };
        let float = |r: u32| Expr::reg(r, Ty::F32);
        let (zero, one) = (v.like(0.0), v.like(1.0));
        let range = float(1).sub(&float(0));
        let scale = range.eq(&zero).select(&one, &range.div(&v.like(255.0)));
        let point = saturate_expr(&float(0).un(Un::Neg).div(&float(2)), None, DType::U8);
        let element = saturate_expr(&v.div(&float(2)), Some(&Expr::reg(3, Ty::I32)), DType::U8);
        let mut loops = vec![store(0, &y[0], at, element)];
        for (i, d) in x.shape.iter().enumerate().rev() {
            loops = vec![for_(i as u32, d, loops)];
        }
        let mut body = vec![
            set(0, extreme(Monoid::Min).min(&zero)),
            set(1, extreme(Monoid::Max).max(&zero)),
            set(2, scale),
            set(3, point),
            store(1, &y[1], vec![], float(2)),
            store(2, &y[2], vec![], Expr::reg(3, Ty::I32)),
        ];
        body.extend(loops);
        Ok(Lowering::Proc(Proc { body, ..Proc::default() }))
    }
    fn samples(&self) -> Vec<Sample> {
        let s = |x: Tensor| Sample { outputs: 3, ..Sample::new(Attrs::new(), vec![x]) };
        vec![
            s(sample_floats(&[3, 5], 1)),
            s(Tensor::f32(&[2, 1, 3], &[0.5, 2.0, 3.5, 1.0, 0.25, 2.75])),
            s(Tensor::f32(&[4], &[-0.5, -2.0, -3.5, -1.0])),
            s(Tensor::f32(&[2], &[0.0, 0.0])),
        ]
    }
}
