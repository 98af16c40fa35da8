//! What is read of ONNX beside the operators of the graph language, and what is not.

pub use crate::import::NEWEST as NEWEST_OPSET;
pub use crate::upgrade::older_forms;

/// Operators that the importer writes as others: domain, name, and what becomes of them.
pub static WRITTEN_OUT: &[(&str, &str, &str)] = &[
    ("", "Affine", "a product and a sum"),
    ("", "Constant", "a constant"),
    ("", "ConstantFill", "a ConstantOfShape"),
    ("", "Crop", "a Slice"),
    ("", "DynamicSlice", "a Slice"),
    ("", "GivenTensorFill", "a Reshape of a constant"),
    ("", "ImageScaler", "a product and a sum"),
    ("", "ParametricSoftplus", "a Softplus between products"),
    ("", "Scale", "a product"),
    ("", "ScaledTanh", "a Tanh between products"),
    ("", "SequenceMap", "a Loop over the sequence"),
    ("", "Upsample", "a Resize"),
    ("ai.onnx.preview.training", "Gradient", "the nodes that compute the derivatives"),
];

/// Operators that cannot be had, and the way out: domain, name, what to do.
pub static REFUSED: &[(&str, &str, &str)] = &[
    ("", "ImageDecoder", "files of images are not decoded: give the model the pixels instead"),
    (
        "ai.onnx.ml",
        "ZipMap",
        "the result would be a list of maps, which are not supported: export the model without it (in skl2onnx \
         options={\"zipmap\": False}), and the probabilities are a tensor",
    ),
    (
        "ai.onnx.ml",
        "DictVectorizer",
        "the operand is a map, and maps are not supported: give the model the vector of features instead",
    ),
    (
        "ai.onnx.ml",
        "CastMap",
        "the operand is a map, and maps are not supported: give the model the vector of values instead",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use dlc_ir::ops;

    #[test]
    fn an_operator_is_in_one_list_only() {
        for (domain, name, _) in REFUSED.iter().chain(WRITTEN_OUT) {
            assert!(ops::find(domain, name).is_none(), "{domain} {name} is an operator of the graph language");
        }
    }
}
