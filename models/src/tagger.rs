//! A tagger of words: embedding, bidirectional LSTM, a class for each word. Huang et al., "Bidirectional LSTM-CRF models
//! for sequence tagging", 2015, without the CRF.

use crate::net::Net;
use dlc_ir::{Attrs, DType, Graph};

const WORDS: usize = 100;
const WIDTH: usize = 16;
const HIDDEN: usize = 12;
const TAGS: usize = 5;

/// Numbers of words `[length, batch]` into log-probabilities `[length, batch, 5]`.
pub fn build(seed: u64) -> Graph {
    let mut n = Net::new("tagger", seed);
    let x = n.input("words", DType::I64, &["length", "batch"]);
    let table = n.spread("embedding", &[WORDS, WIDTH], 0.0, 1.0);
    let x = n.plain("Gather", &[table, x]);
    let w = n.weight("lstm.weight", &[2, 4 * HIDDEN, WIDTH], 1);
    let r = n.weight("lstm.recurrence", &[2, 4 * HIDDEN, HIDDEN], 1);
    let b = n.spread("lstm.bias", &[2, 8 * HIDDEN], 0.0, 0.1);
    let attrs = Attrs::new().with("direction", "bidirectional").with("hidden_size", HIDDEN);
    let y = n.op("LSTM", attrs, &[x, w, r, b]);
    let y = n.op("Transpose", Attrs::new().with("perm", vec![0i64, 2, 1, 3]), &[y]);
    let join = n.list("join", &[0, 0, 2 * HIDDEN as i64]);
    let y = n.plain("Reshape", &[y, join]);
    let y = n.dense("tags", y, 2 * HIDDEN, TAGS);
    let y = n.op("LogSoftmax", Attrs::new().with("axis", -1i64), &[y]);
    n.finish(&[("tags", y)])
}
