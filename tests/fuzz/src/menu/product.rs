//! Sums of products.

use crate::builder::Builder;
use dlc_ir::{Attrs, DType};

pub fn matmul(b: &mut Builder) -> Option<()> {
    let x = b.of(DType::F32, 1, 4);
    let s = b.shape(x);
    let k = s[s.len() - 1];
    let lead = s.len().saturating_sub(2);
    let batch = s[..lead].to_vec();
    let fits = |t: &[usize]| match t.len() {
        0 => false,
        1 => t[0] == k,
        n => {
            t[n - 2] == k && t[..n - 2].iter().rev().zip(batch.iter().rev()).all(|(a, b)| a == b || *a == 1 || *b == 1)
        }
    };
    let y = b.want(DType::F32, fits, |d| {
        let keep = if d.chance(60) { 0 } else { lead };
        let mut t: Vec<usize> = batch[lead - keep..].iter().map(|n| if d.chance(25) { 1 } else { *n }).collect();
        t.push(k);
        if !d.chance(10) || !t[..t.len() - 1].is_empty() {
            t.push(d.range(1, 9) as usize);
        }
        t
    });
    b.apply("MatMul", Attrs::new(), &[x, y]).map(drop)
}

pub fn gemm(b: &mut Builder) -> Option<()> {
    let x = b.of(DType::F32, 2, 2);
    let s = b.shape(x);
    let (ta, tb) = (b.draw.chance(40), b.draw.chance(50));
    let (m, k) = if ta { (s[1], s[0]) } else { (s[0], s[1]) };
    let n = b.draw.range(1, 9) as usize;
    let w = b.exactly(DType::F32, &if tb { [n, k] } else { [k, n] });
    let c = b.draw.pick(&[vec![n], vec![1, n], vec![m, n], vec![m, 1], vec![], vec![1]]);
    let c = b.draw.chance(70).then(|| b.exactly(DType::F32, &c));
    let mut attrs = Attrs::new();
    for (name, on) in [("transA", ta), ("transB", tb)] {
        attrs = if on || b.draw.chance(20) { attrs.with(name, on) } else { attrs };
    }
    for name in ["alpha", "beta"] {
        attrs = if b.draw.chance(40) { attrs.with(name, b.draw.pick(&[0.5f32, 2.0, -1.0, 0.0])) } else { attrs };
    }
    b.op("Gemm", attrs, &[Some(x), Some(w), c], 1).map(drop)
}

pub fn einsum(b: &mut Builder) -> Option<()> {
    let equations: &[&str] = &[
        "ij,jk->ik",
        "bij,bjk->bik",
        "ij->ji",
        "ij->",
        "ii->i",
        "bij,bkj->bik",
        "i,j->ij",
        "bhid,bhjd->bhij",
        "ij,ij->i",
        "...ij,...jk->...ik",
        "ijk->ik",
        "abc,cd->abd",
        "ab,ab->",
        "ij,kj",
    ];
    let equation = b.draw.pick(equations);
    let left = equation.split("->").next().unwrap_or("");
    let sizes: Vec<usize> = (0..26).map(|_| b.draw.range(1, 5) as usize).collect();
    let dots = b.draw.shape(1);
    let mut x = vec![];
    for term in left.split(',') {
        let mut shape: Vec<usize> = if term.starts_with("...") { dots.clone() } else { vec![] };
        shape.extend(term.bytes().filter(u8::is_ascii_lowercase).map(|c| sizes[(c - b'a') as usize]));
        x.push(b.exactly(DType::F32, &shape));
    }
    b.apply("Einsum", Attrs::new().with("equation", equation), &x).map(drop)
}

pub fn attention(b: &mut Builder) -> Option<()> {
    let [batch, groups, heads, q, kv, d, v] = [2, 2, 2, 4, 5, 5, 4].map(|n| b.draw.range(1, n) as usize);
    let four = b.draw.chance(60);
    let shape = |h: usize, s: usize, d: usize| if four { vec![batch, h, s, d] } else { vec![batch, s, h * d] };
    let x = [shape(groups * heads, q, d), shape(heads, kv, d), shape(heads, kv, v)];
    let x: Vec<_> = x.iter().map(|s| Some(b.exactly(DType::F32, s))).collect();
    let mut attrs = Attrs::new();
    if !four {
        attrs = attrs.with("q_num_heads", groups * heads).with("kv_num_heads", heads);
    }
    attrs = if b.draw.chance(40) { attrs.with("is_causal", 1i64) } else { attrs };
    attrs = if b.draw.chance(30) { attrs.with("scale", 0.5f32) } else { attrs };
    attrs = if b.draw.chance(20) { attrs.with("softcap", 2.0f32) } else { attrs };
    let mut x = x;
    if b.draw.chance(40) {
        let bool_mask = b.draw.chance(40);
        let shape = b.draw.pick(&[vec![q, kv], vec![batch, 1, q, kv], vec![1, groups * heads, q, kv]]);
        let dtype = if bool_mask { DType::Bool } else { DType::F32 };
        x.push(Some(b.exactly(dtype, &shape)));
    }
    b.op("Attention", attrs, &x, 1).map(drop)
}
