//! Blocks within blocks: If and Loop.

use super::*;
use crate::tests::code::*;

/// `c: bool[], x: f32[n] -> if c then x + x else x ++ x`, the size of the result a symbol of its own.
pub(super) fn branch() -> Build {
    let mut b = Build::default();
    let (n, one) = (b.sym("n"), b.n(1));
    let m = b.sym("m");
    let (bytes, result) = (b.times(4, n), b.times(4, m));
    let twice = b.times(2, n);
    let twice_bytes = b.times(8, n);
    let (add, copy) = (b.function("add", ADD_F32), b.function("copy", COPY));
    let main = Block {
        name: "main".into(),
        inputs: vec![port("c", BOOL, &[], 0), port("x", F32, &[n], 1)],
        outputs: vec![port("y", F32, &[m], 2)],
        buffers: vec![buffer(Home::Input(0), one), buffer(Home::Input(1), bytes), buffer(arena(0, END), result)],
        steps: vec![Step::If {
            cond: 0,
            then: 1,
            els: 2,
            inputs: vec![passed(F32, &[n], 1)],
            outputs: vec![passed(F32, &[m], 2)],
            node: "choice".into(),
        }],
        asserts: vec![],
    };
    let then = Block {
        name: "then".into(),
        inputs: vec![port("x", F32, &[n], 0)],
        outputs: vec![port("y", F32, &[n], 1)],
        buffers: vec![buffer(Home::Input(0), bytes), buffer(arena(0, END), bytes)],
        steps: vec![b.call(add, &[0, 0, 1], &[], n)],
        asserts: vec![],
    };
    // The first half is a view of the whole; the second is written through a longer copy.
    let els = Block {
        name: "else".into(),
        inputs: vec![port("x", F32, &[n], 0)],
        outputs: vec![port("y", F32, &[twice], 1)],
        buffers: vec![buffer(Home::Input(0), bytes), buffer(arena(0, END), twice_bytes), buffer(Home::Alias(1), bytes)],
        steps: vec![b.call(copy, &[0, 2], &[], bytes)],
        asserts: vec![],
    };
    b.program.blocks = vec![main, then, els];
    b
}

#[test]
fn either_block_runs_and_tells_its_size() {
    for threads in [1, 2] {
        let mut session = branch().session(threads);
        let mut run = |c: bool, x: &[f32]| session.run(&[Tensor::of(&[], &[c]).unwrap(), floats(x)]).unwrap();
        assert_eq!(run(true, &[1.0, 2.0]), [floats(&[2.0, 4.0])]);
        let y = run(false, &[1.0, 2.0, 5.0]);
        assert_eq!((y[0].dims(), &y[0].to_vec::<f32>().unwrap()[..3]), (&[6][..], &[1.0, 2.0, 5.0][..]));
        assert_eq!(run(true, &[]), [floats(&[])]);
    }
}

#[test]
fn a_result_of_the_wrong_size_is_named() {
    let mut b = branch();
    let n = b.sym("n");
    let bytes = b.times(4, n);
    let main = &mut b.program.blocks[0];
    main.outputs[0].dims = vec![n];
    main.buffers[2].bytes = bytes;
    let Step::If { outputs, .. } = &mut main.steps[0] else { panic!() };
    outputs[0].dims = vec![n];
    let mut session = b.session(1);
    let message = error(&mut session, &[Tensor::of(&[], &[false]).unwrap(), floats(&[1.0])]);
    assert_eq!(message, "node `choice`: expected output 0 of shape [1], found [2]");
    session.run(&[Tensor::of(&[], &[true]).unwrap(), floats(&[1.0])]).unwrap();
}

#[test]
fn results_go_to_the_arena_only() {
    let mut b = branch();
    let n = b.sym("n");
    let Step::If { outputs, .. } = &mut b.program.blocks[0].steps[0] else { panic!() };
    outputs[0] = passed(F32, &[n], 1);
    assert!(b.refused().contains("buffer 1 to be in the arena, found Input(1)"), "{}", b.refused());
}

/// `trips: i64[], go: bool[], x: i64[p], y: i64[1] -> grown: i64[q], scan: i64[t, 1]`. Each iteration appends
/// `y + iteration` to the carried list, scans it, and goes on while the iteration is below `limit`.
pub(super) fn growing(limit: i64) -> Build {
    let mut b = Build::default();
    let names = ["p", "q", "t", "c"];
    let [p, q, t, c] = names.map(|s| b.sym(s));
    let [one, eight, zero, limit] = [1, 8, 0, limit].map(|v| b.n(v));
    let next = b.add(c, one);
    let [p8, q8, t8, c8, next8] = [p, q, t, c, next].map(|e| b.times(8, e));
    let (add, copy) = (b.function("add", ADD_I64), b.function("copy", COPY));
    let (put, less) = (b.function("put", PUT_I64), b.function("less", LESS_I64));
    let main = Block {
        name: "main".into(),
        inputs: vec![
            port("trips", I64, &[], 0),
            port("go", BOOL, &[], 1),
            port("x", I64, &[p], 2),
            port("y", I64, &[one], 3),
        ],
        outputs: vec![port("grown", I64, &[q], 4), port("scan", I64, &[t, one], 5)],
        buffers: vec![
            buffer(Home::Input(0), eight),
            buffer(Home::Input(1), one),
            buffer(Home::Input(2), p8),
            buffer(Home::Input(3), eight),
            buffer(arena(0, END), q8),
            buffer(arena(0, END), t8),
        ],
        steps: vec![Step::Loop {
            trips: Some(0),
            cond: Some(1),
            body: 1,
            carried: vec![passed(I64, &[p], 2)],
            captured: vec![passed(I64, &[one], 3)],
            outputs: vec![passed(I64, &[q], 4), passed(I64, &[t, one], 5)],
            node: "growth".into(),
        }],
        asserts: vec![],
    };
    let body = Block {
        name: "body".into(),
        inputs: vec![
            port("i", I64, &[], 0),
            port("cond", BOOL, &[], 1),
            port("list", I64, &[c], 2),
            port("y", I64, &[one], 3),
        ],
        outputs: vec![port("more", BOOL, &[], 4), port("list", I64, &[next], 6), port("each", I64, &[one], 5)],
        buffers: vec![
            buffer(Home::Input(0), eight),
            buffer(Home::Input(1), one),
            buffer(Home::Input(2), c8),
            buffer(Home::Input(3), eight),
            buffer(arena(0, END), one),
            buffer(arena(1, END), eight),
            buffer(arena(2, END), next8),
        ],
        steps: vec![
            b.call(less, &[0, 4], &[limit], one),
            b.call(add, &[0, 3, 5], &[zero], one),
            b.call(copy, &[2, 6], &[], c8),
            b.call(put, &[5, 6], &[c], one),
        ],
        asserts: vec![],
    };
    b.program.blocks = vec![main, body];
    b
}

fn grow(session: &mut Session, trips: i64, go: bool, x: &[i64]) -> (Vec<i64>, Vec<i64>) {
    let (trips, go) = (Tensor::of(&[], &[trips]).unwrap(), Tensor::of(&[], &[go]).unwrap());
    let out = session.run(&[trips, go, ints(x), ints(&[100])]).unwrap();
    let scan: Vec<i64> = out[1].to_vec().unwrap();
    assert_eq!(out[1].dims(), &[scan.len(), 1]);
    (out[0].to_vec().unwrap(), scan)
}

#[test]
fn loops_carry_grow_and_scan() {
    for threads in [1, 2] {
        let mut session = growing(1000).session(threads);
        assert_eq!(grow(&mut session, 3, true, &[7]), (vec![7, 100, 101, 102], vec![100, 101, 102]));
        assert_eq!(grow(&mut session, 0, true, &[7, 8]), (vec![7, 8], vec![]));
        assert_eq!(grow(&mut session, 5, false, &[]), (vec![], vec![]));
        let (list, scan) = grow(&mut session, 300, true, &[1, 2]);
        assert_eq!((list.len(), list[301], scan[299]), (302, 399, 399));
    }
}

#[test]
fn loops_end_when_their_body_says() {
    let mut session = growing(2).session(1);
    assert_eq!(grow(&mut session, 100, true, &[]).1, [100, 101, 102]);
}

#[test]
fn loops_keep_their_memory() {
    let mut session = growing(1000).session(1);
    grow(&mut session, 50, true, &[1; 200]);
    grow(&mut session, 50, true, &[1; 200]);
    let held = session.stats();
    grow(&mut session, 50, true, &[1; 200]);
    assert_eq!(session.stats(), held);
    assert!(held.inner_bytes > 200 * 8 && held.held_bytes < 64 * 1024, "{held:?}");
}

#[test]
fn loops_without_iterations_bind_unknown_sizes_to_zero() {
    let mut b = growing(0);
    let u = b.sym("u");
    let t = b.sym("t");
    let size = b.mul(t, u);
    let bytes = b.times(8, size);
    let main = &mut b.program.blocks[0];
    main.outputs[1].dims = vec![t, u];
    main.buffers[5].bytes = bytes;
    let Step::Loop { outputs, .. } = &mut main.steps[0] else { panic!() };
    outputs[1].dims = vec![t, u];
    let mut session = b.session(1);
    let go = Tensor::of(&[], &[true]).unwrap();
    let mut run = |trips: i64| {
        let out = session.run(&[Tensor::of(&[], &[trips]).unwrap(), go.clone(), ints(&[1]), ints(&[5])]).unwrap();
        out[1].dims().to_vec()
    };
    assert_eq!((run(0), run(1)), (vec![0, 0], vec![1, 1]));
}

#[test]
fn limits_hold_inside_loops() {
    let model = growing(1000).model().unwrap();
    let mut session = Session::new(&model, Options { threads: 1, max_memory: Some(20_000) }).unwrap();
    let trip = |n: i64| Tensor::of(&[], &[n]).unwrap();
    let go = Tensor::of(&[], &[true]).unwrap();
    let message = error(&mut session, &[trip(1_000), go.clone(), ints(&[1]), ints(&[5])]);
    assert!(message.starts_with("expected to stay within 20000 bytes"), "{message}");
    session.run(&[trip(10), go, ints(&[1]), ints(&[5])]).unwrap();
}

#[test]
fn blocks_cannot_be_too_deep() {
    let mut b = branch();
    let inner = b.program.blocks[1].clone();
    for id in 0..100 {
        let mut block = inner.clone();
        block.steps = vec![Step::If {
            cond: 0,
            then: id + 1,
            els: id + 1,
            inputs: vec![passed(F32, &block.inputs[0].dims, 0)],
            outputs: vec![passed(F32, &block.outputs[0].dims, 1)],
            node: String::new(),
        }];
        b.program.blocks[id as usize] = block;
        b.program.blocks.push(inner.clone());
    }
    assert!(b.refused().contains("101 deep"), "{}", b.refused());
}
