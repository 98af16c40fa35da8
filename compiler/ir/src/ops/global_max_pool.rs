//! `GlobalMaxPool`: largest element over the spatial axes. <https://onnx.ai/onnx/operators/onnx__GlobalMaxPool.html>

use super::common::global_pool::GlobalPool;
use super::common::reduction::extreme;

pub static GLOBAL_MAX_POOL: GlobalPool =
    GlobalPool { name: "GlobalMaxPool", meaning: |v| extreme(v, 1), reduction: "ReduceMax" };
