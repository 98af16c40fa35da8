//! Files: written, read, cut short, damaged.

use crate::file::{HEADER, Image, PAGE, SLACK};
use crate::program::*;
use crate::wire::{decode, encode};
use crate::{Artifact, Error, verify, write, write_chunks};
use bytes::Bytes;
use rand::{Rng, SeedableRng, rngs::StdRng};

/// Every kind of step, expression and home.
fn sample() -> Artifact {
    let port = |name: &str, dims: &[ExprId], buffer| Port { name: name.into(), dtype: 1, dims: dims.to_vec(), buffer };
    let buffer = |home, bytes| Buffer { home, bytes };
    let passed = |buffer, dims: &[ExprId]| Passed { buffer, dtype: 1, dims: dims.to_vec() };
    let call = |function| Call {
        function,
        buffers: vec![0, 1, 2],
        args: vec![1, 4],
        work: 1,
        grain: 0,
        scratch: 0,
        operations: 0,
        node: "a node".into(),
    };
    let main = Block {
        name: "main".into(),
        inputs: vec![port("x", &[1], 0)],
        outputs: vec![port("y", &[1], 2)],
        buffers: vec![
            buffer(Home::Input(0), 2),
            buffer(Home::Const(64), 0),
            buffer(Home::Arena { first: 0, last: u32::MAX }, 2),
            buffer(Home::Alias(2), 2),
            buffer(Home::Thread, 2),
        ],
        steps: vec![
            Step::Call(call(0)),
            Step::Bind { symbol: 1, buffer: 1, index: 0, node: "b".into() },
            Step::If {
                cond: 1,
                then: 1,
                els: 1,
                inputs: vec![passed(0, &[1])],
                outputs: vec![passed(2, &[1])],
                node: "c".into(),
            },
            Step::Loop {
                trips: Some(1),
                cond: None,
                body: 2,
                carried: vec![passed(0, &[1])],
                captured: vec![passed(3, &[3])],
                outputs: vec![passed(2, &[1]), passed(2, &[3, 1])],
                node: "d".into(),
            },
            Step::Chain { calls: vec![call(0), Call { buffers: vec![4, 2], ..call(0) }], pieces: 1 },
        ],
        asserts: vec![Assert { left: 1, right: 2, message: "too small".into() }],
    };
    let branch = Block {
        name: "then".into(),
        inputs: vec![port("p", &[1], 0)],
        outputs: vec![port("q", &[1], 0)],
        buffers: vec![buffer(Home::Input(0), 2)],
        ..Block::default()
    };
    let ports =
        |n: u32, ranks: &[usize]| -> Vec<Port> { (0..n).map(|k| port("p", &vec![1; ranks[k as usize]], k)).collect() };
    let body = Block {
        name: "body".into(),
        inputs: ports(4, &[0, 0, 1, 1]),
        outputs: ports(3, &[0, 1, 1]),
        buffers: (0..4).map(|k| buffer(Home::Input(k), 2)).collect(),
        ..Block::default()
    };
    let program = Program {
        symbols: vec!["n".into(), "m".into()],
        exprs: vec![
            Expr::Const(4),
            Expr::Sym(0),
            Expr::Mul(0, 1),
            Expr::Sym(1),
            Expr::Add(1, 3),
            Expr::Sub(4, 1),
            Expr::Div(4, 0),
            Expr::Mod(4, 0),
            Expr::Min(1, 3),
            Expr::Max(1, 3),
            Expr::Const(i64::MIN),
        ],
        blocks: vec![main, branch, body],
        code_len: 7,
        const_len: 100,
        functions: vec![Function { name: "f".into(), offset: 3, len: 4 }],
        inputs: vec![],
        outputs: vec![],
    };
    Artifact {
        target: vec!["x86_64".into(), "avx2".into()],
        metadata: vec![("model".into(), "sample".into())],
        program,
        code: vec![0xc3; 7],
        constants: vec![(0, Bytes::from_static(&[1, 2, 3])), (64, Bytes::from_static(&[9; 36]))],
    }
}

#[test]
fn what_is_written_is_read() {
    let artifact = sample();
    let image = artifact.to_image().unwrap();
    assert_eq!((&image.program, &image.target), (&artifact.program, &artifact.target));
    assert_eq!((&image.metadata, &image.code[..]), (&artifact.metadata, &artifact.code[..]));
    assert_eq!((&image.constants[..4], &image.constants[60..66]), (&[1, 2, 3, 0][..], &[0, 0, 0, 0, 9, 9][..]));
}

#[test]
fn files_are_the_same_and_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.dlc");
    write(&sample(), &path).unwrap();
    let first = std::fs::read(&path).unwrap();
    write_chunks(&Artifact { constants: vec![], ..sample() }, sample().constants, &path).unwrap();
    assert_eq!(first, std::fs::read(&path).unwrap());
    assert_eq!(first, sample().to_bytes().unwrap());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let image = Image::open(&path).unwrap();
    assert_eq!(image.program, sample().program);
    assert_eq!(image.constants.as_ptr() as usize % PAGE as usize, 0);
}

#[test]
fn a_failed_write_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.dlc");
    let mut artifact = sample();
    artifact.constants.push((80, Bytes::from_static(&[0])));
    let error = write(&artifact, &path).unwrap_err().to_string();
    assert_eq!(error, "a chunk of constants: expected bytes within 100..100, found 80..81");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    assert!(matches!(write(&sample(), folder.path().join("none/m.dlc")), Err(Error::Io { .. })));
    assert!(matches!(Image::open(path), Err(Error::Io { .. })));
}

#[test]
fn a_file_cut_short_is_refused() {
    let bytes = sample().to_bytes().unwrap();
    for len in 0..bytes.len() {
        let result = Image::from_bytes(bytes.slice(..len));
        assert!(matches!(result, Err(Error::Truncated { .. })), "{len}: {result:?}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.dlc");
    for len in [0, 1, HEADER - 1, HEADER, 2 * PAGE as usize, bytes.len() - SLACK as usize - 1] {
        std::fs::write(&path, &bytes[..len]).unwrap();
        assert!(Image::open(&path).is_err());
    }
}

#[test]
fn a_damaged_file_is_refused_or_the_same() {
    let bytes = sample().to_bytes().unwrap();
    let intact = sample().to_image().unwrap();
    for at in 0..bytes.len() {
        let mut damaged = bytes.to_vec();
        damaged[at] ^= 1 << (at % 8);
        if let Ok(image) = Image::from_bytes(damaged.into()) {
            assert_eq!((&image.program, &image.code), (&intact.program, &intact.code));
            assert_eq!((&image.target, &image.constants), (&intact.target, &intact.constants));
        }
    }
}

/// Damage under a right checksum: what the decoder and `verify` must survive by themselves.
#[test]
fn damaged_programs_never_panic() {
    let bytes = encode(&sample().program);
    let mut rng = StdRng::seed_from_u64(1);
    for at in 0..bytes.len() {
        for _ in 0..20 {
            let mut damaged = bytes.clone();
            damaged[at] = rng.random();
            if let Ok(program) = decode::<Program>("program", &damaged) {
                let _ = verify(&program);
                assert_eq!(decode::<Program>("program", &encode(&program)).unwrap(), program);
            }
        }
        assert!(decode::<Program>("program", &bytes[..at]).is_err());
    }
}

fn random_expr(rng: &mut StdRng) -> Expr {
    let (a, b) = (rng.random::<u32>() >> rng.random_range(0..32), rng.random());
    match rng.random_range(0..9) {
        0 => Expr::Const(rng.random::<i64>() >> rng.random_range(0..64)),
        1 => Expr::Sym(a),
        2 => Expr::Add(a, b),
        3 => Expr::Sub(a, b),
        4 => Expr::Mul(a, b),
        5 => Expr::Div(a, b),
        6 => Expr::Mod(a, b),
        7 => Expr::Min(a, b),
        _ => Expr::Max(a, b),
    }
}

#[test]
fn random_programs_survive_the_round_trip() {
    let mut rng = StdRng::seed_from_u64(2);
    for _ in 0..300 {
        let mut program = sample().program;
        program.exprs = (0..rng.random_range(0..40)).map(|_| random_expr(&mut rng)).collect();
        let from: Vec<Block> = program.blocks.clone();
        program.blocks = (0..rng.random_range(0..6)).map(|_| from[rng.random_range(0..3)].clone()).collect();
        for block in &mut program.blocks {
            let by = rng.random_range(0..=block.steps.len());
            block.steps.rotate_left(by);
            block.buffers.truncate(rng.random_range(0..5));
            block.name = (0..rng.random_range(0..200)).map(|_| rng.random::<char>()).collect();
        }
        (program.code_len, program.const_len) = (rng.random(), rng.random());
        assert_eq!(decode::<Program>("program", &encode(&program)).unwrap(), program);
    }
}

fn refused(change: impl FnOnce(&mut Program)) -> String {
    let mut program = sample().program;
    change(&mut program);
    verify(&program).unwrap_err().to_string()
}

#[test]
fn programs_that_contradict_themselves_are_refused() {
    let says = |text: &str, change: fn(&mut Program)| assert_eq!(refused(change), text);
    says("the program: expected a block, found none", |p| p.blocks.clear());
    says("expression 2: expected an expression below 2, found 2", |p| p.exprs[2] = Expr::Mul(0, 2));
    says("expression 1: expected a symbol below 2, found 2", |p| p.exprs[1] = Expr::Sym(2));
    says("function `f`: expected code within 7 bytes, found 5 bytes at 3", |p| p.functions[0].len = 5);
    says("block 0 (`main`), buffer 3: expected a buffer below 3, found 3", |p| {
        p.blocks[0].buffers[3].home = Home::Alias(3)
    });
    says("block 0 (`main`), buffer 0: expected an input below 1, found 1", |p| {
        p.blocks[0].buffers[0].home = Home::Input(1)
    });
    says("block 0 (`main`), buffer 1: expected constants within 100 bytes, found Some(4) bytes at 97", |p| {
        p.blocks[0].buffers[1].home = Home::Const(97)
    });
    says("block 0 (`main`), step 0: expected a function below 1, found 9", |p| {
        let Step::Call(call) = &mut p.blocks[0].steps[0] else { return };
        call.function = 9;
    });
    says("block 0 (`main`), step 2: expected a block after 0, found 0", |p| {
        let Step::If { els, .. } = &mut p.blocks[0].steps[2] else { return };
        *els = 0;
    });
    says("block 0 (`main`), step 2, `p`: expected type 1 of rank 1, found type 7 of rank 1", |p| {
        let Step::If { inputs, .. } = &mut p.blocks[0].steps[2] else { return };
        inputs[0].dtype = 7;
    });
    says("block 0 (`main`), step 3: expected a block with 4 inputs and 2 outputs, found 4 and 3", |p| {
        let Step::Loop { outputs, .. } = &mut p.blocks[0].steps[3] else { return };
        outputs.pop();
    });
    says("block 0 (`main`), an assertion: expected an expression below 11, found 11", |p| {
        p.blocks[0].asserts[0].left = 11
    });
}
