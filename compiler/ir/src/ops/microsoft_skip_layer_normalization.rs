//! `com.microsoft.SkipLayerNormalization`: LayerNormalization of `input + skip + bias` over the last axis.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::normalize::Center;
use super::common::skip_norm::SkipNorm;

pub static MICROSOFT_SKIP_LAYER_NORMALIZATION: SkipNorm =
    SkipNorm { name: "SkipLayerNormalization", center: Center::Mean, beta: Some(3), bias: 4 };
