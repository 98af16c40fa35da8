//! `dlc.FourierSums`: `y[k,q,n,t,s,o] = sum over c of x[n,c/lanes,t,s,k,q,c mod lanes] f[k,q,c,o]` of complex numbers. Ours: spectra of
//! images times those of filters over all channels, for convolutions by spectra: see [`fourier`](super::common::fourier).
//!
//! Operands: x[n, g, t, s, k, 2 * size, lanes], as [`super::dlc_fourier_columns`] gives it; f[k, size, 2, c, 2, o], as
//! [`super::dlc_fourier_filters`] gives it. Result: f32[k, size, n, t, s, 2, o].

use super::common::elementwise::sample_floats;
use crate::lower::{Contract, Expr, Lowering, Ty};
use crate::op::need;
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Num, Op, Result, Sample, Tensor, ensure};

pub struct FourierSums;

impl Op for FourierSums {
    fn name(&self) -> &'static str {
        "FourierSums"
    }
    fn domain(&self) -> &'static str {
        "dlc"
    }
    fn operands(&self) -> Arity {
        Arity::exactly(2)
    }
    fn constant_sizes(&self) -> &'static [usize] {
        &[0, 1]
    }
    fn infer(&self, _: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (x, f) = (need(x, 0, "X")?, need(x, 1, "F")?);
        ensure!(x.dtype == DType::F32 && x.rank() == 7, "operand X is {x}, expected f32[n,g,t,s,k,2q,l]");
        let channels = x.shape[1].clone() * x.shape[6].clone();
        let want = [x.shape[4].clone(), x.shape[5].div(&2.into()), 2.into(), channels, 2.into()];
        let fits = f.dtype == DType::F32 && f.rank() == 6 && f.shape[..5] == want[..];
        ensure!(fits, "operand F is {f}, expected the spectra of filters of {x}");
        let shape = [&want[..2], &x.shape[..1], &x.shape[2..4], &f.shape[4..]].concat();
        Ok(vec![Fact::new(DType::F32, shape)])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let facts = [need(x, 0, "X")?.type_fact(), need(x, 1, "F")?.type_fact()];
        let shape = self.infer(c, &[Some(&facts[0]), Some(&facts[1])])?[0].const_shape().unwrap_or_default();
        let (x, f) = (need(x, 0, "X")?, need(x, 1, "F")?);
        let (lanes, images, filters) = (x.shape()[6], x.to_f64(), f.to_f64());
        let at = |t: &Tensor, index: &[usize]| index.iter().zip(t.strides()).map(|(i, s)| i * s).sum::<usize>();
        let mut out = vec![];
        for_each_index(&shape, |y| {
            let [k, q, n, t, s, part, o] = y[..] else { unreachable!("a result has seven axes") };
            let term = |i: usize| {
                let (p, c) = (i % 2, i / 2);
                let image = images[at(x, &[n, c / lanes, t, s, k, 2 * q + p, c % lanes])];
                image * filters[at(f, &[k, q, p, c, part, o])]
            };
            out.push(Num::F((0..2 * f.shape()[3]).map(term).sum()));
        });
        Ok(vec![Tensor::new(DType::F32, &shape, out)])
    }
    fn lowering(&self, _: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (x, f) = (need(x, 0, "X")?, need(x, 1, "F")?);
        let shape = |axes: &[usize]| axes.iter().map(|a| y[0].shape[*a].clone()).collect::<Vec<Dim>>();
        // k, q; n, t, s; part, o; and summed: part, g, l.
        let v = Expr::vars(10);
        let part = v[1].mul(&Expr::int(2)).add(&v[7]);
        let image = [&v[2], &v[8], &v[3], &v[4], &v[0], &part, &v[9]].map(Expr::clone).to_vec();
        let channel = v[8].mul(&Expr::size(&x.shape[6])).add(&v[9]);
        let filter = [&v[0], &v[1], &v[7], &channel, &v[5], &v[6]].map(Expr::clone).to_vec();
        Ok(Lowering::Contract(Contract {
            batch: shape(&[0, 1]),
            m: shape(&[2, 3, 4]),
            n: shape(&[5, 6]),
            k: vec![2.into(), x.shape[1].clone(), x.shape[6].clone()],
            a: Expr::load(0, x, image),
            b: Expr::load(1, f, filter),
            acc: Ty::F32,
            dtype: DType::F32,
        }))
    }
    fn samples(&self) -> Vec<Sample> {
        let s = |x: &[usize], o: usize| {
            let f = [x[4], x[5] / 2, 2, x[1] * x[6], 2, o];
            Sample::new(Attrs::new(), vec![sample_floats(x, 1), sample_floats(&f, 2)])
        };
        vec![s(&[1, 2, 2, 1, 3, 4, 3], 2), s(&[2, 1, 1, 2, 1, 2, 5], 17)]
    }
}
