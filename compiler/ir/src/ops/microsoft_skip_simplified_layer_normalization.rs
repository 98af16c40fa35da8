//! `com.microsoft.SkipSimplifiedLayerNormalization`: RMSNormalization of `input + skip + bias` over the last axis.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::normalize::Center;
use super::common::skip_norm::SkipNorm;

pub static MICROSOFT_SKIP_SIMPLIFIED_LAYER_NORMALIZATION: SkipNorm =
    SkipNorm { name: "SkipSimplifiedLayerNormalization", center: Center::Zero, beta: None, bias: 3 };
