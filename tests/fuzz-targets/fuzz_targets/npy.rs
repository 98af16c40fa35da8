//! An array of NumPy: read or refused; what is read is written as a file that gives the same tensor.
#![no_main]

#[allow(dead_code)]
#[path = "../../../compiler/cli/src/npy.rs"]
mod npy;
#[path = "../../../compiler/cli/src/npy_text.rs"]
mod npy_text;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(tensor) = npy::read(data) else { return };
    let file = npy::write(&tensor).expect("every type that is read can be written");
    assert_eq!(npy::read(&file).expect("what is written can be read"), tensor);
});
