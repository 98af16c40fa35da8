//! Calls: threads, constants, views, scratch memory, the table of functions.

use super::*;
use crate::tests::code::*;

/// `y = (x + x) + k` for f32[n], where `k` is a constant if `constant`, else `x`; the sum is made in place.
pub(super) fn sum(constant: Option<&[f32]>) -> Build {
    let mut b = Build::default();
    let n = b.sym("n");
    let bytes = b.times(4, n);
    let add = b.function("add", ADD_F32);
    let mut buffers = vec![buffer(Home::Input(0), bytes), buffer(arena(0, END), bytes), buffer(Home::Alias(1), bytes)];
    let mut third = 0;
    if let Some(k) = constant {
        let data: Vec<u8> = k.iter().flat_map(|v| v.to_le_bytes()).collect();
        let home = b.constant(&data);
        buffers.push(buffer(home, bytes));
        third = 3;
    }
    let steps = vec![b.call(add, &[0, 0, 1], &[], n), b.call(add, &[1, third, 2], &[], n)];
    b.program.blocks.push(Block {
        name: "main".into(),
        inputs: vec![port("x", F32, &[n], 0)],
        outputs: vec![port("y", F32, &[n], 2)],
        buffers,
        steps,
        asserts: vec![],
    });
    b
}

#[test]
fn threads_do_not_change_results() {
    let values: Vec<f32> = (0..1000).map(|v| v as f32).collect();
    let want: Vec<f32> = values.iter().map(|v| v * 3.0).collect();
    for threads in [1, 2, 5] {
        let mut session = sum(None).session(threads);
        for n in [0, 1, 7, 1000, 3] {
            let y = session.run(&[floats(&values[..n])]).unwrap();
            assert_eq!((y[0].dims(), y[0].to_vec().unwrap()), (&[n][..], want[..n].to_vec()));
        }
    }
}

#[test]
fn constants_are_read_from_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.dlc");
    dlc_artifact::write(&sum(Some(&[10.0, 20.0])).artifact(), &path).unwrap();
    let model = Model::open(&path).unwrap();
    let mut session = Session::new(&model, Options::default()).unwrap();
    drop(model);
    assert_eq!(session.run(&[floats(&[1.0, 2.0])]).unwrap(), [floats(&[12.0, 24.0])]);
    let message = error(&mut session, &[floats(&[1.0; 3])]);
    assert_eq!(message, "block 0 (`main`), buffer 3: expected at most 8 bytes, where it is, found 12 bytes");
    assert_eq!(session.run(&[floats(&[2.0, 2.0])]).unwrap(), [floats(&[14.0, 24.0])]);
}

#[test]
fn artifacts_in_memory_need_no_alignment() {
    let file = sum(Some(&[10.0])).artifact().to_bytes().unwrap();
    let shifted = Bytes::from([&[0], &file[..]].concat()).slice(1..);
    let model = Model::from_bytes(shifted).unwrap();
    let mut session = Session::new(&model, Options { threads: 1, max_memory: None }).unwrap();
    assert_eq!(session.run(&[floats(&[1.0])]).unwrap(), [floats(&[12.0])]);
}

#[test]
fn inputs_need_no_alignment() {
    let x = floats(&[1.0, 2.0, 3.0]);
    let shifted = Bytes::from([&[0], &x.data()[..]].concat()).slice(1..);
    let mut session = sum(None).session(1);
    let y = session.run(&[Tensor::new(F32, &[3], shifted).unwrap()]).unwrap();
    assert_eq!(y, [floats(&[3.0, 6.0, 9.0])]);
    assert_eq!(y[0].data().as_ptr() as usize % 64, 0);
    let held = session.stats().held_bytes;
    session.run(&[x]).unwrap();
    assert_eq!(session.stats().held_bytes, held);
}

#[test]
fn code_has_scratch_memory_and_functions() {
    let mut b = Build::default();
    let n = b.sym("n");
    let bytes = b.times(8, n);
    let math = b.function("math", MATH_F64);
    let (exp, pow, last) = (b.n(0), b.n(15), b.n(9_999));
    let mut steps = vec![b.call(math, &[0, 1], &[exp, last], n), b.call(math, &[0, 2], &[pow, last], n)];
    let size = b.n(80_000);
    for step in &mut steps {
        let Step::Call(call) = step else { continue };
        call.scratch = size;
    }
    b.program.blocks.push(Block {
        inputs: vec![port("x", 11, &[n], 0)],
        outputs: vec![port("e", 11, &[n], 1), port("p", 11, &[n], 2)],
        buffers: vec![buffer(Home::Input(0), bytes), buffer(arena(0, END), bytes), buffer(arena(1, END), bytes)],
        steps,
        ..Block::default()
    });
    let x: Vec<f64> = (0..200).map(|v| v as f64 / 16.0).collect();
    for threads in [1, 3] {
        let y = b.session(threads).run(&[Tensor::of(&[200], &x).unwrap()]).unwrap();
        let same = |t: &Tensor, f: fn(f64) -> f64| t.to_vec::<f64>().unwrap().iter().zip(&x).all(|(y, x)| *y == f(*x));
        assert!(same(&y[0], libm::exp) && same(&y[1], |x| libm::pow(x, 0.5)));
    }
}

#[test]
fn profiles_name_nodes_and_functions() {
    let mut seen = vec![];
    let mut each =
        |t: crate::Trace<'_>| seen.push((t.node.to_owned(), t.function.to_owned(), t.step, t.bytes, t.start));
    sum(None).session(1).run_profiled(&[floats(&[1.0])], &mut each).unwrap();
    let said: Vec<_> = seen.iter().map(|s| (s.0.as_str(), s.1.as_str(), s.2, s.3)).collect();
    assert_eq!(said, [("node 0", "add", 0, 8), ("node 0", "add", 1, 12)], "an operand read twice counts once");
    assert!(seen[0].4 <= seen[1].4, "steps begin one after another");
}

#[test]
fn sessions_move_between_threads() {
    let mut session = sum(None).session(2);
    let run = move || session.run(&[floats(&[1.0])]);
    assert_eq!(std::thread::spawn(run).join().unwrap().unwrap(), [floats(&[3.0])]);
}

#[test]
fn sessions_share_a_model_between_threads() {
    let model = sum(None).model().unwrap();
    std::thread::scope(|scope| {
        for k in 0..3 {
            let model = &model;
            scope.spawn(move || {
                let mut session = Session::new(model, Options { threads: 2, max_memory: None }).unwrap();
                for _ in 0..50 {
                    assert_eq!(session.run(&[floats(&[k as f32; 9])]).unwrap(), [floats(&[3.0 * k as f32; 9])]);
                }
            });
        }
    });
}

#[test]
fn code_for_other_processors_is_refused() {
    let mut artifact = sum(None).artifact();
    artifact.target.push("z80".into());
    let message = Model::from_image(artifact.to_image().unwrap()).unwrap_err().to_string();
    assert!(message.starts_with("the code needs `z80`"), "{message}");
}
