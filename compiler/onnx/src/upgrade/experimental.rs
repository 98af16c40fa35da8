//! Operators that ai.onnx had on trial in its first versions, which models of that time still hold; runtimes compute
//! them in every version. <https://github.com/onnx/onnx/blob/v1.3.0/docs/Operators.md>, at its end.

use super::Draft;
use dlc_ir::attrs::FromAttr;
use dlc_ir::{Attrs, DType, Num, Result, Tensor, Value, bail, ensure};

type Done = Result<Option<Vec<Value>>>;

/// An attribute that must be there.
fn required<T: FromAttr>(d: &mut Draft, name: &'static str) -> Result<T> {
    match d.take(name)? {
        Some(v) => Ok(v),
        None => bail!("attribute {name} is missing"),
    }
}

/// A number of the type of operand 0.
fn number(d: &mut Draft, name: &str, v: f32) -> Result<Value> {
    let t = Tensor::scalar(d.dtype()?, Num::F(v as f64));
    Ok(d.constant(name, t))
}

/// The node as `op` of these operands.
fn becomes(d: &mut Draft, op: &str, x: &[Value]) -> Done {
    d.op = op.into();
    d.x = x.iter().copied().map(Some).collect();
    Ok(None)
}

/// `alpha * x + beta`.
pub fn affine(d: &mut Draft) -> Done {
    let (alpha, beta) = (d.take("alpha")?.unwrap_or(1.0), d.take("beta")?.unwrap_or(0.0));
    let (x, alpha, beta) = (d.operand(0, "X")?, number(d, "alpha", alpha)?, number(d, "beta", beta)?);
    let product = d.apply("product", "Mul", Attrs::new(), &[x, alpha])?;
    becomes(d, "Add", &[product, beta])
}

/// `scale * x`.
pub fn scale(d: &mut Draft) -> Done {
    let scale = d.take("scale")?.unwrap_or(1.0);
    let (x, scale) = (d.operand(0, "input")?, number(d, "scale", scale)?);
    becomes(d, "Mul", &[x, scale])
}

/// `alpha * f(beta * x)`.
fn scaled(d: &mut Draft, f: &str) -> Done {
    let (alpha, beta) = (required(d, "alpha")?, required(d, "beta")?);
    let (x, alpha, beta) = (d.operand(0, "X")?, number(d, "alpha", alpha)?, number(d, "beta", beta)?);
    let inner = d.apply("inner", "Mul", Attrs::new(), &[x, beta])?;
    let outer = d.apply("outer", f, Attrs::new(), &[inner])?;
    becomes(d, "Mul", &[outer, alpha])
}

/// `alpha * log(1 + exp(beta * x))`.
pub fn parametric_softplus(d: &mut Draft) -> Done {
    scaled(d, "Softplus")
}

/// `alpha * tanh(beta * x)`.
pub fn scaled_tanh(d: &mut Draft) -> Done {
    scaled(d, "Tanh")
}

/// `scale * x + bias`, with a bias for each channel of images [n, c, h, w].
pub fn image_scaler(d: &mut Draft) -> Done {
    let (scale, bias) = (d.take("scale")?.unwrap_or(1.0f32), required::<Vec<f32>>(d, "bias")?);
    ensure!(d.fact(0, "input")?.rank() == 4, "operand input is {}, expected rank 4", d.fact(0, "input")?);
    let bias = Tensor::f32(&[bias.len(), 1, 1], &bias).cast(d.dtype()?);
    let (x, scale, bias) = (d.operand(0, "input")?, number(d, "scale", scale)?, d.constant("bias", bias));
    let product = d.apply("product", "Mul", Attrs::new(), &[x, scale])?;
    becomes(d, "Add", &[product, bias])
}

/// Images [n, c, h, w] without `border` (left, top, right, bottom), or from its corner on those of size `scale` (height,
/// width).
pub fn crop(d: &mut Draft) -> Done {
    let (border, size) = (required::<Vec<i64>>(d, "border")?, d.take::<Vec<i64>>("scale")?);
    ensure!(d.fact(0, "input")?.rank() == 4, "operand input is {}, expected rank 4", d.fact(0, "input")?);
    let [left, top, right, bottom] = border[..] else { bail!("attribute border is {border:?}, expected 4 numbers") };
    ensure!(border.iter().all(|b| *b >= 0), "attribute border is {border:?}, expected none below 0");
    let upto = |off: i64| if off == 0 { i64::MAX } else { -off };
    let ends = match size.as_deref() {
        None | Some([]) => [upto(bottom), upto(right)],
        Some([height, width]) => [top.saturating_add(*height), left.saturating_add(*width)],
        Some(other) => bail!("attribute scale is {other:?}, expected height and width"),
    };
    let x = d.operand(0, "input")?;
    let bounds = [d.ints("starts", &[top, left]), d.ints("ends", &ends), d.ints("axes", &[2, 3])];
    becomes(d, "Slice", &[x, bounds[0], bounds[1], bounds[2]])
}

/// `Slice` when its bounds were attributes and this one's were operands.
pub fn dynamic_slice(d: &mut Draft) -> Done {
    d.op = "Slice".into();
    Ok(None)
}

/// The shape that attributes ask for: `shape`, or that of the operand (or, as numbers, the operand itself), with
/// `extra_shape` after it.
fn wanted(d: &mut Draft) -> Result<Value> {
    let (shape, extra) = (d.take::<Vec<i64>>("shape")?, d.take::<Vec<i64>>("extra_shape")?.unwrap_or_default());
    let as_shape = d.take::<bool>("input_as_shape")?.unwrap_or(false);
    if d.x.is_empty() {
        let all: Vec<i64> = shape.unwrap_or_default().into_iter().chain(extra).collect();
        return Ok(d.ints("shape", &all));
    }
    let x = d.operand(0, "input")?;
    let first = match as_shape {
        true => d.apply("first", "Cast", Attrs::new().with("to", DType::I64), &[x])?,
        false => d.apply("first", "Shape", Attrs::new(), &[x])?,
    };
    let extra = d.ints("extra_shape", &extra);
    d.apply("shape", "Concat", Attrs::new().with("axis", 0i64), &[first, extra])
}

/// `values` under a shape.
pub fn given_tensor_fill(d: &mut Draft) -> Done {
    let values = required::<Vec<f32>>(d, "values")?;
    let shape = wanted(d)?;
    let values = d.constant("values", Tensor::f32(&[values.len()], &values));
    d.attrs.set("allowzero", true);
    becomes(d, "Reshape", &[values, shape])
}

/// One `value` under a shape.
pub fn constant_fill(d: &mut Draft) -> Done {
    let value = d.take("value")?.unwrap_or(0.0f32);
    let dtype = d.take("dtype")?.unwrap_or(DType::F32);
    let shape = wanted(d)?;
    d.attrs.set("value", Tensor::floats(dtype, &[1], &[value as f64]));
    becomes(d, "ConstantOfShape", &[shape])
}
