//! dlc-onnx.
