//! Sizes: bound, solved, checked, planned.

use super::*;
use crate::tests::code::*;

/// `x: i64[past], y: i64[past + seq], z: i64[2 * seq] -> y + y`, with an assertion that `seq` is at most 8.
pub(super) fn cache() -> Build {
    let mut b = Build::default();
    let (past, seq) = (b.sym("past"), b.sym("seq"));
    let total = b.add(past, seq);
    let twice = b.times(2, seq);
    let sizes: Vec<ExprId> = [past, total, twice].iter().map(|e| b.times(8, *e)).collect();
    let add = b.function("add", ADD_I64);
    let zero = b.n(0);
    let step = b.call(add, &[1, 1, 3], &[zero], total);
    let asserts = vec![Assert { left: seq, right: b.n(8), message: "node `attention` takes 8 tokens".into() }];
    b.program.blocks.push(Block {
        name: "main".into(),
        inputs: vec![port("z", I64, &[twice], 2), port("y", I64, &[total], 1), port("x", I64, &[past], 0)],
        outputs: vec![port("out", I64, &[total], 3)],
        buffers: vec![
            buffer(Home::Input(2), sizes[0]),
            buffer(Home::Input(1), sizes[1]),
            buffer(Home::Input(0), sizes[2]),
            buffer(arena(0, END), sizes[1]),
        ],
        steps: vec![step],
        asserts,
    });
    b
}

fn zeros(n: usize) -> Tensor {
    ints(&vec![0; n])
}

#[test]
fn symbols_are_solved_from_sums() {
    let mut session = cache().session(1);
    let out = session.run(&[zeros(4), ints(&[1, 2, 3, 4, 5]), zeros(3)]).unwrap();
    assert_eq!(out, [ints(&[2, 4, 6, 8, 10])]);
}

#[test]
fn sizes_that_disagree_are_named() {
    let mut session = cache().session(1);
    let mut says = |z, y, x, text: &str| assert_eq!(error(&mut session, &[zeros(z), zeros(y), zeros(x)]), text);
    says(3, 5, 3, "input `z`, axis 0: expected 2*seq, which no `seq` makes true, found 3");
    says(4, 6, 3, "input `y`, axis 0: expected past + seq = 5, found 6");
    says(18, 12, 3, "node `attention` takes 8 tokens (expected seq = 9 to be at most 8 = 8)");
}

#[test]
fn other_inputs_are_refused() {
    let mut session = cache().session(1);
    assert_eq!(error(&mut session, &[zeros(1)]), "expected 3 inputs, found 1");
    let message = error(&mut session, &[floats(&[0.0]), zeros(1), zeros(1)]);
    assert_eq!(message, "input `z`: expected element type 7, found 1");
    let square = Tensor::of(&[1, 1], &[0i64]).unwrap();
    assert_eq!(error(&mut session, &[square, zeros(1), zeros(1)]), "input `z`: expected rank 1, found 2");
}

#[test]
fn ports_say_what_they_take() {
    let model = cache().model().unwrap();
    let text = |ports: Vec<crate::PortInfo>| -> Vec<String> {
        ports.iter().map(|p| format!("{}: {} [{}]", p.name, p.dtype, p.dims.join(", "))).collect()
    };
    assert_eq!(text(model.inputs()), ["z: 7 [2*seq]", "y: 7 [past + seq]", "x: 7 [past]"]);
    assert_eq!(text(model.outputs()), ["out: 7 [past + seq]"]);
}

#[test]
fn planned_bytes_are_those_of_the_run() {
    let b = cache();
    let (model, mut session) = (b.model().unwrap(), b.session(1));
    for past in [0, 1, 100, 7, 100] {
        session.run(&[zeros(2), zeros(past + 1), zeros(past)]).unwrap();
        let planned = model.planned_bytes(&[("past", past as i64), ("seq", 1)]).unwrap();
        let exact = 8 * (past as u64 + 1);
        assert_eq!(session.stats().arena_bytes, planned);
        assert!(exact <= planned && planned <= exact + exact / 32, "{exact}, {planned}");
    }
    let of = |dims: &[(&str, i64)]| model.planned_bytes(dims).unwrap_err().to_string();
    assert_eq!(of(&[("past", 1)]), "symbol `seq`: expected a value, found none");
    assert_eq!(of(&[("batch", 1)]), "symbol `batch`: expected a symbol of the model, found none of this name");
    assert!(of(&[("past", -1)]).contains("expected 0 or more, found -1"));
    assert!(of(&[("past", i64::MAX), ("seq", 1)]).contains("has no value"));
}

#[test]
fn memory_is_limited() {
    let model = cache().model().unwrap();
    let mut session = Session::new(&model, Options { threads: 1, max_memory: Some(4096) }).unwrap();
    session.run(&[zeros(2), zeros(9), zeros(8)]).unwrap();
    let message = error(&mut session, &[zeros(2), zeros(1001), zeros(1000)]);
    assert!(message.starts_with("expected to stay within 4096 bytes of memory, found a need for 8"), "{message}");
    session.run(&[zeros(2), zeros(9), zeros(8)]).unwrap();
}

#[test]
fn memory_is_kept_and_grows() {
    let mut session = cache().session(1);
    session.run(&[zeros(2), zeros(1001), zeros(1000)]).unwrap();
    let held = session.stats().held_bytes;
    session.run(&[zeros(2), zeros(11), zeros(10)]).unwrap();
    assert_eq!(session.stats().held_bytes, held);
    session.run(&[zeros(2), zeros(2001), zeros(2000)]).unwrap();
    let grown = session.stats().held_bytes;
    assert!(grown > held && grown < 4 * held);
    session.run(&[zeros(2), zeros(2101), zeros(2100)]).unwrap();
    assert_eq!(session.stats().held_bytes, grown);
}

/// `count: i64[1] -> 0..count`: a size read from data.
pub(super) fn range() -> Build {
    let mut b = Build::default();
    let (one, eight, zero) = (b.n(1), b.n(8), b.n(0));
    let k = b.sym("k");
    let bytes = b.times(8, k);
    let count = b.function("count", COUNT_I64);
    let bind = Step::Bind { symbol: 0, buffer: 0, index: 0, node: "Range".into() };
    let steps = vec![bind, b.call(count, &[1], &[zero], k)];
    b.program.blocks.push(Block {
        name: "main".into(),
        inputs: vec![port("count", I64, &[one], 0)],
        outputs: vec![port("out", I64, &[k], 1)],
        buffers: vec![buffer(Home::Input(0), eight), buffer(arena(1, END), bytes)],
        steps,
        asserts: vec![],
    });
    b
}

#[test]
fn sizes_are_read_from_data() {
    let (mut session, model) = (range().session(2), range().model().unwrap());
    for k in [3, 0, 20] {
        let want: Vec<i64> = (0..k).collect();
        assert_eq!(session.run(&[ints(&[k])]).unwrap(), [ints(&want)]);
        assert_eq!(session.stats().arena_bytes, model.planned_bytes(&[("k", k)]).unwrap());
    }
    assert_eq!(error(&mut session, &[ints(&[-2])]), "node `Range`: expected a size of 0 or more, found -2");
    let message = error(&mut session, &[ints(&[i64::MAX])]);
    assert!(message.starts_with("block 0 (`main`), buffer 1: expected a size, found 8*k, which has no"), "{message}");
    assert!(message.ends_with("k = 9223372036854775807"), "{message}");
    assert!(session.run(&[ints(&[i64::MAX / 8])]).is_err());
    assert_eq!(session.run(&[ints(&[1])]).unwrap(), [ints(&[0])]);
}

#[test]
fn elements_that_are_not_there_are_not_read() {
    let mut b = range();
    b.program.blocks[0].steps[0] = Step::Bind { symbol: 0, buffer: 0, index: 1, node: "Range".into() };
    let message = error(&mut b.session(1), &[ints(&[1])]);
    assert_eq!(message, "node `Range`: expected a size of 0 or more, found no such element");
}

#[test]
fn programs_that_use_what_is_not_known_are_refused() {
    let mut b = range();
    b.program.blocks[0].steps.swap(0, 1);
    let place = "block 0 (`main`), step 0 (`node 0`): expected";
    assert_eq!(b.refused(), format!("{place} k to be known, found known after step 1"));
    b.program.blocks[0].steps.truncate(1);
    assert_eq!(b.refused(), format!("{place} k to be known, found never known"));
    let mut b = range();
    b.program.blocks[0].buffers[1].home = arena(0, 0);
    let place = "block 0 (`main`), step 1 (`node 0`): expected";
    assert_eq!(b.refused(), format!("{place} buffer 1 alive at step 1, found alive from step 0 to step 0"));
    let mut b = cache();
    b.program.blocks[0].asserts[0].right = b.sym("heads");
    let place = "block 0 (`main`), assertion \"node `attention` takes 8 tokens\": expected";
    assert_eq!(b.refused(), format!("{place} heads to be known, found never known"));
    let mut b = cache();
    b.program.blocks[0].inputs[2].dims[0] = b.program.blocks[0].inputs[1].dims[0];
    b.program.blocks[0].inputs[0].dims[0] = b.program.blocks[0].inputs[1].dims[0];
    assert_eq!(b.refused(), "block 0 (`main`), input `z`: expected past + seq to be known, found never known");
}
