//! Programs with parts exchanged at random: opened or refused, run or refused, never a panic, never out of bounds.

use super::*;
use rand::{Rng, SeedableRng, rngs::StdRng};

/// Every function only returns, so that whatever the program says can be run.
fn harmless(mut b: Build) -> Build {
    b.code = vec![0xc3; b.code.len()];
    b
}

/// A random one of the numbers in use, or a little more.
fn index(rng: &mut StdRng, count: usize) -> u32 {
    rng.random_range(0..=count as u32)
}

fn change_step(rng: &mut StdRng, step: &mut Step, (exprs, buffers, symbols): (usize, usize, usize)) {
    match step {
        Step::Call(call) => change_call(rng, call, (exprs, buffers)),
        Step::Chain { calls, pieces } => match rng.random_range(0..4) {
            0 => *pieces = index(rng, exprs),
            1 => calls.truncate(1),
            _ => calls.iter_mut().for_each(|c| change_call(rng, c, (exprs, buffers))),
        },
        Step::Bind { symbol, buffer, index: element, .. } => match rng.random_range(0..3) {
            0 => *symbol = index(rng, symbols),
            1 => *buffer = index(rng, buffers),
            _ => *element = rng.random_range(0..4),
        },
        Step::If { cond, then, els, inputs, outputs, .. } => match rng.random_range(0..5) {
            0 => *cond = index(rng, buffers),
            1 => std::mem::swap(then, els),
            2 => *els = index(rng, 2),
            3 => inputs.iter_mut().for_each(|p| p.buffer = index(rng, buffers)),
            _ => outputs.iter_mut().for_each(|p| change_dims(rng, &mut p.dims, exprs)),
        },
        Step::Loop { cond, carried, captured, outputs, .. } => match rng.random_range(0..4) {
            0 => *cond = Some(index(rng, buffers)),
            1 => carried.iter_mut().for_each(|p| change_dims(rng, &mut p.dims, exprs)),
            2 => captured.iter_mut().for_each(|p| p.buffer = index(rng, buffers)),
            _ => outputs.iter_mut().for_each(|p| change_dims(rng, &mut p.dims, exprs)),
        },
    }
}

fn change_call(rng: &mut StdRng, c: &mut Call, (exprs, buffers): (usize, usize)) {
    match rng.random_range(0..5) {
        0 => c.work = index(rng, exprs),
        1 => c.grain = index(rng, exprs),
        2 => c.scratch = index(rng, exprs),
        3 => c.args.push(index(rng, exprs)),
        _ => c.buffers.push(index(rng, buffers)),
    }
}

fn change_dims(rng: &mut StdRng, dims: &mut [ExprId], exprs: usize) {
    dims.iter_mut().for_each(|d| *d = index(rng, exprs));
}

fn home(rng: &mut StdRng, buffers: usize) -> Home {
    match rng.random_range(0..5) {
        0 => Home::Input(index(rng, 3)),
        1 => Home::Const(rng.random_range(0..100)),
        2 => Home::Alias(index(rng, buffers)),
        3 => Home::Thread,
        _ => arena(rng.random_range(0..3), END),
    }
}

fn expr(rng: &mut StdRng, below: usize, symbols: usize) -> Expr {
    let (a, b) = (index(rng, below), index(rng, below));
    match rng.random_range(0..8) {
        0 => Expr::Const(rng.random::<i64>() >> rng.random_range(0..64)),
        1 => Expr::Sym(index(rng, symbols)),
        2 => Expr::Sub(a, b),
        3 => Expr::Mul(a, b),
        4 => Expr::Div(a, b),
        5 => Expr::Mod(a, b),
        6 => Expr::Min(a, b),
        _ => Expr::Max(a, b),
    }
}

fn change(rng: &mut StdRng, p: &mut Program) {
    let (exprs, symbols) = (p.exprs.len(), p.symbols.len());
    let at = rng.random_range(0..p.blocks.len());
    let block = &mut p.blocks[at];
    let buffers = block.buffers.len();
    match rng.random_range(0..8) {
        0 => {
            let at = rng.random_range(0..exprs);
            p.exprs[at] = expr(rng, at.saturating_sub(1), symbols.saturating_sub(1));
        }
        1 => block.buffers[rng.random_range(0..buffers)].home = home(rng, buffers),
        2 => block.buffers[rng.random_range(0..buffers)].bytes = index(rng, exprs),
        3 => block.inputs.iter_mut().for_each(|p| change_dims(rng, &mut p.dims, exprs)),
        4 => block.outputs.iter_mut().for_each(|p| change_dims(rng, &mut p.dims, exprs)),
        5 => block.outputs.iter_mut().for_each(|p| p.buffer = index(rng, buffers)),
        6 => block.asserts.push(Assert { left: index(rng, exprs), right: index(rng, exprs), message: "m".into() }),
        _ => {
            let steps = block.steps.len();
            block.steps.iter_mut().take(rng.random_range(0..=steps)).for_each(|s| {
                change_step(rng, s, (exprs - 1, buffers - 1, symbols.saturating_sub(1)));
            });
        }
    }
}

/// Opens `rounds` changed programs and runs those that open; how many opened, and how many ran.
fn survive(b: Build, inputs: &[Tensor], seed: u64, rounds: usize) -> (usize, usize) {
    let b = harmless(b);
    let mut rng = StdRng::seed_from_u64(seed);
    let (mut opened, mut ran) = (0, 0);
    for _ in 0..rounds {
        let mut changed = b.clone();
        (0..rng.random_range(1..4)).for_each(|_| change(&mut rng, &mut changed.program));
        let Ok(image) = changed.artifact().to_image() else { continue };
        let Ok(model) = Model::from_image(image) else { continue };
        opened += 1;
        let mut session = Session::new(&model, Options { threads: 1, max_memory: Some(1 << 20) }).unwrap();
        ran += usize::from(session.run(inputs).is_ok());
        assert!(session.stats().held_bytes <= 1 << 20);
    }
    (opened, ran)
}

#[test]
fn changed_programs_never_panic() {
    let yes = Tensor::of(&[], &[true]).unwrap();
    let three = Tensor::of(&[], &[3i64]).unwrap();
    let zeros = |n: usize| ints(&vec![0; n]);
    let of = [
        survive(calls::sum(Some(&[1.0; 8])), &[floats(&[1.0; 4])], 1, 1500),
        survive(sizes::cache(), &[zeros(4), zeros(5), zeros(3)], 2, 1500),
        survive(sizes::range(), &[ints(&[3])], 3, 1500),
        survive(control::branch(), &[yes.clone(), floats(&[1.0; 4])], 4, 1500),
        survive(control::growing(2), &[three, yes, ints(&[1, 2]), ints(&[5])], 5, 1500),
    ];
    assert!(of.iter().all(|(opened, ran)| *opened > 100 && *ran > 20 && ran < opened), "{of:?}");
}
