//! A tensor in ONNX's form: read or refused.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(tensor) = dlc_onnx::tensor_from_bytes(data.to_vec().into()) {
        let elements: usize = tensor.shape().iter().product();
        assert_eq!(tensor.bytes().len(), elements * tensor.dtype().size());
    }
});
