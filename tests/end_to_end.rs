//! Whole tasks by compiled models of the zoo: speech to text, text to text, speech to probabilities, sentences to
//! similarities. What must come out (`zoo/end_to_end.json`) is what ONNX Runtime gives for the same steps.

use crate::cpu::Program;
use crate::zoo_import::imported;
use dlc_compiler::Target;
use dlc_compiler::targets::by_name;
use dlc_cpu::Level;
use dlc_ir::{DType, Num, Tensor};
use dlc_tests::zoo;
use serde_json::Value;

/// Samples a second.
const RATE: i64 = 16_000;
/// Samples of the window of a voice detector, and how many before it it sees again.
const WINDOW: usize = 512;
const CONTEXT: usize = 64;
/// Samples and frames of the features of them that the recogniser takes.
const SPEECH: usize = 480_000;
const FRAMES: usize = 3000;
/// Start of transcript, English, transcribe, no time stamps; and the end of the text.
const START: [i64; 4] = [50258, 50259, 50359, 50363];
const END: i64 = 50257;

fn expected(task: &str, what: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("zoo/end_to_end.json")).expect("the file is JSON");
    all[task][what].clone()
}

fn list<T>(v: &Value, element: fn(&Value) -> Option<T>) -> Vec<T> {
    v.as_array().expect("a list").iter().map(|v| element(v).expect("elements are of one kind")).collect()
}

fn ints(v: &Value) -> Vec<i64> {
    list(v, Value::as_i64)
}

fn floats(v: &Value) -> Vec<f64> {
    list(v, Value::as_f64)
}

fn program(id: &str) -> Program {
    Program::compile(imported(id)).unwrap_or_else(|e| panic!("{id}: {e}"))
}

/// The recording, from -1 to 1.
fn speech() -> Vec<f32> {
    let file = std::fs::read(zoo::speech()).expect("the file of the recording can be read");
    let data = file.windows(4).position(|w| w == b"data").expect("a chunk of samples") + 8;
    file[data..].chunks_exact(2).map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32768.0).collect()
}

fn zeros(shape: &[usize]) -> Tensor {
    Tensor::f32(shape, &vec![0.0; shape.iter().product()])
}

fn row(tokens: &[i64]) -> Tensor {
    Tensor::i64(&[1, tokens.len()], tokens)
}

/// The most probable token of the last position.
fn best(logits: &Tensor) -> i64 {
    let n = *logits.shape().last().expect("logits have an axis");
    let last = &logits.to_f32()[logits.len() - n..];
    (0..n).rev().max_by(|a, b| last[*a].total_cmp(&last[*b])).expect("there are tokens") as i64
}

/// What the encoder of the recogniser makes of the recording.
fn heard() -> Tensor {
    let mut samples = speech();
    samples.resize(SPEECH, 0.0);
    let lengths = Tensor::i64(&[1], &[SPEECH as i64]);
    let features = program("whisper-mel80").run(&[Tensor::f32(&[1, SPEECH], &samples), lengths], 2).unwrap();
    let frames = features[0].shape()[2];
    let rows = features[0].to_f32();
    let first: Vec<f32> = rows.chunks_exact(frames).flat_map(|r| r[..FRAMES].to_vec()).collect();
    program("whisper-enc-q8").run(&[Tensor::f32(&[1, 80, FRAMES], &first)], 2).unwrap().swap_remove(0)
}

#[test]
fn speech_becomes_text() {
    if !zoo::chosen().iter().any(|e| e.id.starts_with("whisper")) {
        return;
    }
    let heard = heard();
    let program = program("whisper-dec-q8");
    let mut session = program.session(2).unwrap();
    let mut caches = vec![zeros(&[1, 6, 0, 64]); 16];
    let (mut next, mut tokens) = (START.to_vec(), vec![]);
    while tokens.len() < 64 {
        let cached = Tensor::new(DType::Bool, &[1], [Num::I((!tokens.is_empty()).into())]);
        let mut x = vec![row(&next), heard.clone()];
        x.extend(caches.iter().cloned().chain([cached]));
        let y = session.run(&x).unwrap();
        for (k, (old, new)) in caches.iter_mut().zip(&y[1..]).enumerate() {
            // Of every four, two are of the encoder and stay as the first step made them.
            if tokens.is_empty() || k % 4 < 2 {
                *old = new.clone();
            }
        }
        let token = best(&y[0]);
        if token == END {
            break;
        }
        tokens.push(token);
        next = vec![token];
    }
    assert_eq!(tokens, ints(&expected("whisper", "tokens")));
}

#[test]
fn a_language_model_continues_a_text() {
    let program = program("minimind2-q8");
    let mut session = program.session(2).unwrap();
    let want = ints(&expected("language_model", "tokens"));
    let mut next = ints(&expected("language_model", "prompt"));
    let (mut tokens, mut past): (Vec<i64>, i64) = (vec![], 0);
    let mut caches = vec![zeros(&[1, 2, 0, 64]); 16];
    while tokens.len() < want.len() {
        let all = past + next.len() as i64;
        let positions: Vec<i64> = (past..all).collect();
        let mut x = vec![row(&next), row(&vec![1; all as usize]), row(&positions)];
        x.append(&mut caches);
        let mut y = session.run(&x).unwrap();
        caches = y.split_off(1);
        next = vec![best(&y[0])];
        tokens.extend(&next);
        past = all;
    }
    assert_eq!(tokens, want);
}

/// The levels of the processor's vectors, as targets.
fn levels() -> Vec<&'static Target> {
    let has = |l: &Level| *l <= Level::host();
    Level::ALL.iter().filter(|l| has(l)).map(|l| by_name(&format!("cpu-{}", l.name())).unwrap()).collect()
}

/// Probabilities of a voice in every window, by a model whose inputs have this order.
fn voice(program: &Program, inputs: &[&str]) -> Vec<f32> {
    let mut session = program.session(1).unwrap();
    let samples = [vec![0.0; CONTEXT], speech()].concat();
    let mut state = zeros(&[2, 1, 128]);
    let mut out = vec![];
    for start in (0..samples.len() - CONTEXT - WINDOW + 1).step_by(WINDOW) {
        let window = Tensor::f32(&[1, CONTEXT + WINDOW], &samples[start..][..CONTEXT + WINDOW]);
        let x = inputs.iter().map(|name| match *name {
            "input" => window.clone(),
            "state" => state.clone(),
            _ => Tensor::i64(&[], &[RATE]),
        });
        let mut y = session.run(&x.collect::<Vec<_>>()).unwrap();
        state = y.remove(1);
        out.extend(y[0].to_f32());
    }
    out
}

#[test]
fn a_voice_is_found_in_a_recording() {
    let want = floats(&expected("voice", "probabilities"));
    let exports: [(&str, &[&str]); 3] = [
        ("silero-vad-v6", &["input", "state", "sr"]),
        ("silero-ifless", &["input", "sr", "state"]),
        ("silero-openvino", &["input", "state"]),
    ];
    let levels = levels();
    let mut found: Vec<(String, Vec<f32>)> = vec![];
    for (id, inputs) in exports {
        let programs = Program::compile_for(imported(id), &levels).unwrap_or_else(|e| panic!("{id}: {e}"));
        let all = programs.iter().zip(&levels).map(|(p, t)| (format!("{id} for {}", t.name), voice(p, inputs)));
        found.extend(all);
    }
    let apart = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    for (name, one) in &found {
        assert_eq!(one.len(), want.len());
        let far = one.iter().zip(&want).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
        assert!(far < 2e-5, "{name} is {far} from what is expected");
        for (other, y) in &found {
            assert!(apart(one, y) < 5e-7, "{name} is {} from {other}", apart(one, y));
        }
    }
}

/// Cosines of the mean embeddings of every two of the sentences.
fn similarities(id: &str, sentences: &[Vec<i64>]) -> Vec<f64> {
    let (n, length) = (sentences.len(), sentences.iter().map(Vec::len).max().unwrap_or(0));
    let grid = |f: &dyn Fn(i64) -> i64| -> Tensor {
        let at = |i: usize| sentences[i / length].get(i % length).copied().unwrap_or(0);
        Tensor::i64(&[n, length], &(0..n * length).map(|i| f(at(i))).collect::<Vec<_>>())
    };
    let mut x = vec![grid(&|t| t), grid(&|t| i64::from(t != 0)), grid(&|_| 0)];
    x.truncate(if id == "minilm-l3" { 2 } else { 3 });
    let y = program(id).run(&x, 2).unwrap();
    let hidden = y.iter().find(|t| t.rank() == 3).expect("a result has the states of all tokens");
    let (h, d) = (hidden.to_f64(), hidden.shape()[2]);
    let mean = |s: usize| -> Vec<f64> {
        let token = |t: usize, k: usize| h[(s * length + t) * d + k];
        (0..d).map(|k| (0..sentences[s].len()).map(|t| token(t, k)).sum()).collect()
    };
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let cosine = |a: &[f64], b: &[f64]| dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
    let means: Vec<_> = (0..n).map(mean).collect();
    (0..n).flat_map(|a| (a + 1..n).map(move |b| (a, b))).map(|(a, b)| cosine(&means[a], &means[b])).collect()
}

#[test]
fn sentences_are_as_similar_as_elsewhere() {
    let sentences = list(&expected("sentences", "tokens"), |s| Some(ints(s)));
    for e in zoo::chosen().iter().filter(|e| e.id.starts_with("minilm")) {
        let want = floats(&expected("sentences", "similarity")[e.id]);
        let got = similarities(e.id, &sentences);
        assert!(got.iter().zip(&want).all(|(g, w)| (g - w).abs() < 1e-6), "{}: {got:?}, expected {want:?}", e.id);
        assert_eq!(got.len(), want.len());
    }
}
