//! A graph in text form: read or refused; what is read is printed as text that gives the same graph.
#![no_main]

use dlc_ir::text::{parse, print};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(graph) = parse(text) else { return };
    let printed = print(&graph);
    let again = parse(&printed).unwrap_or_else(|e| panic!("{e}\n{printed}"));
    assert_eq!(print(&again), printed);
});
