//! `GlobalAveragePool`: mean over the spatial axes. <https://onnx.ai/onnx/operators/onnx__GlobalAveragePool.html>

use super::common::global_pool::GlobalPool;
use super::reduce_mean::mean;

pub static GLOBAL_AVERAGE_POOL: GlobalPool =
    GlobalPool { name: "GlobalAveragePool", meaning: mean, reduction: "ReduceMean" };
