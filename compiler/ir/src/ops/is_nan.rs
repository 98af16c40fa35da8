//! `IsNaN`: whether elements are NaN. <https://onnx.ai/onnx/operators/onnx__IsNaN.html>

use super::common::predicate::Predicate;
use crate::Attrs;
use crate::lower::Un;

pub static IS_NAN: Predicate = Predicate {
    name: "IsNaN",
    schema: &[],
    meaning: |_, v| Ok(v.is_nan()),
    lower: |_, x| Ok(x.un(Un::IsNan)),
    samples: || vec![Attrs::new()],
};
