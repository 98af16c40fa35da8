//! Chains: what is between their calls is in the memory of threads.

use super::*;
use crate::tests::code::*;

/// `y = (x + x) + x` for f32[n] as a chain of `n` pieces, the sum in the middle in the memory of threads.
fn chain() -> Build {
    let mut b = Build::default();
    let n = b.sym("n");
    let bytes = b.times(4, n);
    let add = b.function("add", ADD_F32);
    let calls = [b.call(add, &[0, 0, 1], &[], n), b.call(add, &[2, 0, 3], &[], n)];
    let calls = calls.into_iter().filter_map(|s| if let Step::Call(c) = s { Some(c) } else { None }).collect();
    b.program.blocks.push(Block {
        name: "main".into(),
        inputs: vec![port("x", F32, &[n], 0)],
        outputs: vec![port("y", F32, &[n], 3)],
        buffers: vec![
            buffer(Home::Input(0), bytes),
            buffer(Home::Thread, bytes),
            buffer(Home::Alias(1), bytes),
            buffer(arena(0, END), bytes),
        ],
        steps: vec![Step::Chain { calls, pieces: n }],
        asserts: vec![],
    });
    b
}

#[test]
fn chains_give_what_their_calls_give() {
    let values: Vec<f32> = (0..200_000).map(|v| (v % 1000) as f32).collect();
    let want: Vec<f32> = values.iter().map(|v| v * 3.0).collect();
    for threads in [1, 2, 5] {
        let mut session = chain().session(threads);
        for n in [0, 1, 7, 200_000, 3] {
            let y = session.run(&[floats(&values[..n])]).unwrap();
            assert_eq!((y[0].dims(), y[0].to_vec().unwrap()), (&[n][..], want[..n].to_vec()));
        }
    }
}

#[test]
fn profiles_tell_of_each_call_of_a_chain() {
    let mut seen = vec![];
    let mut each = |t: crate::Trace<'_>| seen.push((t.function.to_owned(), t.step, t.start, t.nanoseconds));
    chain().session(1).run_profiled(&[floats(&[1.0; 4])], &mut each).unwrap();
    assert_eq!((seen[0].0.as_str(), seen[0].1, seen[1].1), ("add", 0, 0));
    assert_eq!((seen.len(), seen[1].2), (2, seen[0].2 + seen[0].3), "a call begins where the one before ends");
}

#[test]
fn memory_of_threads_is_used_by_one_chain_only() {
    let says = |change: fn(&mut Block), text: &str| {
        let mut b = chain();
        change(&mut b.program.blocks[0]);
        assert_eq!(b.refused(), text);
    };
    says(
        |b| b.outputs[0].buffer = 2,
        "block 0 (`main`), output `y`: expected buffer 2 within one chain only, found an output",
    );
    let twice = "block 0 (`main`), step 1 (`node 0`): expected buffer 1 within one chain only, found another use";
    says(|b| b.steps.push(b.steps[0].clone()), twice);
    says(
        |b| {
            let Step::Chain { calls, .. } = b.steps.remove(0) else { return };
            b.steps = calls.into_iter().map(Step::Call).collect();
        },
        "block 0 (`main`), step 0 (`node 0`): expected buffer 1 within one chain only, found another use",
    );
}

#[test]
fn work_has_as_many_parts_as_there_are_pieces() {
    let mut b = chain();
    let two = b.n(2);
    let Step::Chain { pieces, .. } = &mut b.program.blocks[0].steps[0] else { return };
    *pieces = two;
    let mut session = b.session(1);
    assert_eq!(session.run(&[floats(&[1.0; 4])]).unwrap(), [floats(&[3.0; 4])]);
    let message = error(&mut session, &[floats(&[1.0; 3])]);
    assert_eq!(message, "node `node 0`: expected work of 2 equal parts, found 3");
}
