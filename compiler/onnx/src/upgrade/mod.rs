//! The newest form of every operator: what changed between versions of ai.onnx, as a table.

mod broadcast;
mod cast;
mod draft;
mod experimental;
mod label;
mod norm;
mod operand;
mod random;
mod resize;
mod sequence;
mod softmax;

pub use draft::Draft;

use dlc_ir::{Result, Value};

/// Changes a node in place, or gives the values of its results when it needs several nodes.
type Upgrade = fn(&mut Draft) -> Result<Option<Vec<Value>>>;

/// A change of one operator.
struct Entry {
    /// The operators, by name.
    ops: &'static [&'static str],
    /// The last version of ai.onnx that has the old form.
    last: i64,
    /// To the newer form.
    upgrade: Upgrade,
}

const fn entry(ops: &'static [&'static str], last: i64, upgrade: Upgrade) -> Entry {
    Entry { ops, last, upgrade }
}

const REDUCTIONS: &[&str] = &[
    "ReduceL1",
    "ReduceL2",
    "ReduceLogSum",
    "ReduceLogSumExp",
    "ReduceMax",
    "ReduceMean",
    "ReduceMin",
    "ReduceProd",
    "ReduceSumSquare",
];
const BINARY: &[&str] = &["Add", "And", "Div", "Equal", "Gemm", "Greater", "Less", "Mul", "Or", "Pow", "Sub", "Xor"];
const RANDOM: &[&str] =
    &["Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"];

/// Every change, oldest first; a node goes through all that its version is not beyond.
static UPGRADES: &[Entry] = &[
    entry(&["GlobalLpPool", "LpPool"], 1, operand::integer_p),
    entry(&["Pad"], 1, operand::pad_paddings),
    entry(&["Split"], 1, operand::split_operand),
    entry(&["GRU", "LSTM", "RNN"], 2, sequence::direction),
    entry(&["Reshape"], 4, operand::reshape_shape),
    entry(&["Cast"], 5, cast::named_type),
    entry(&["Selu"], 5, operand::selu_constants),
    entry(&["Tile"], 5, operand::tile_axis),
    entry(BINARY, 6, broadcast::aligned),
    entry(&["PRelu"], 6, broadcast::slope_of_channels),
    entry(&["BatchNormalization", "Dropout"], 6, norm::inference_only),
    entry(&["GRU", "LSTM", "RNN"], 6, sequence::output_sequence),
    entry(&["Upsample"], 6, resize::upsample_factors),
    entry(&["BatchNormalization"], 8, norm::spatial),
    entry(&["Upsample"], 8, resize::upsample_attribute),
    entry(&["Slice"], 9, operand::slice_bounds),
    entry(&["TopK"], 9, operand::top_k),
    entry(&["Resize", "Upsample"], 10, resize::asymmetric),
    entry(&["Clip"], 10, operand::clip_bounds),
    entry(&["Pad"], 10, operand::pad_operands),
    entry(&["Dropout"], 11, norm::dropout_ratio),
    entry(&["Hardmax", "LogSoftmax", "Softmax"], 12, softmax::flattened),
    entry(&["ReduceSum", "Squeeze", "Unsqueeze"], 12, operand::axes),
    entry(&["Split"], 12, operand::split_sizes),
    entry(&["BatchNormalization"], 13, norm::one_result),
    entry(&["RoiAlign"], 15, resize::roi_unshifted),
    entry(REDUCTIONS, 17, operand::axes),
    entry(&["Split"], 17, operand::split_evenly),
    entry(&["DFT"], 19, operand::dft_axis),
    entry(&["GridSample"], 19, resize::grid_mode),
    entry(&["GroupNormalization"], 20, norm::scale_of_groups),
    entry(&["STFT"], ALWAYS, operand::stft_channel),
    entry(RANDOM, ALWAYS, random::seed),
    entry(&["Dropout"], ALWAYS, random::dropout_seed),
    entry(&["Scatter"], ALWAYS, operand::scatter),
    entry(&["Upsample"], ALWAYS, resize::upsample),
    entry(&["Resize"], ALWAYS, resize::empty_operands),
    entry(&["Affine"], ALWAYS, experimental::affine),
    entry(&["ConstantFill"], ALWAYS, experimental::constant_fill),
    entry(&["Crop"], ALWAYS, experimental::crop),
    entry(&["DynamicSlice"], ALWAYS, experimental::dynamic_slice),
    entry(&["GivenTensorFill"], ALWAYS, experimental::given_tensor_fill),
    entry(&["ImageScaler"], ALWAYS, experimental::image_scaler),
    entry(&["ParametricSoftplus"], ALWAYS, experimental::parametric_softplus),
    entry(&["Scale"], ALWAYS, experimental::scale),
    entry(&["ScaledTanh"], ALWAYS, experimental::scaled_tanh),
];

/// Operators that a newer one replaces, and forms that every version allows.
const ALWAYS: i64 = i64::MAX;

/// Gives the node the newest form of its operator; its values when that takes several nodes.
pub fn upgrade(d: &mut Draft, opset: i64) -> Result<Option<Vec<Value>>> {
    if (&*d.domain, &*d.op) == ("ai.onnx.ml", "LabelEncoder") && opset < 2 {
        return label::classes(d);
    }
    if !d.domain.is_empty() {
        return Ok(None);
    }
    if opset < 6 {
        d.attrs.remove("consumed_inputs");
    }
    for e in UPGRADES.iter().filter(|e| opset <= e.last) {
        if e.ops.contains(&&*d.op)
            && let Some(values) = (e.upgrade)(d)?
        {
            return Ok(Some(values));
        }
    }
    Ok(None)
}

/// The last versions of ai.onnx in which an operator has a form that differs from the next.
pub fn older_forms(op: &str) -> Vec<i64> {
    let old = UPGRADES.iter().filter(|e| e.last != ALWAYS && e.ops.contains(&op)).map(|e| e.last);
    old.collect::<std::collections::BTreeSet<i64>>().into_iter().collect()
}
