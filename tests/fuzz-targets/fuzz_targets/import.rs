//! A model in ONNX: read or refused; what is read verifies, and still does when it is simplified.
#![no_main]

use dlc_ir::verify::verify;
use dlc_onnx::{LoadOptions, load_bytes};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let options = LoadOptions { nodes: 1 << 10, ..LoadOptions::default() };
    let Ok(model) = load_bytes(data.to_vec().into(), None, &options) else { return };
    let mut graph = model.graph;
    verify(&graph).expect("what is imported verifies");
    if dlc_passes::simplify(&mut graph).is_ok() {
        verify(&graph).expect("what is simplified verifies");
    }
});
