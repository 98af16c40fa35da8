//! Graphs in the place of a convolution.

use dlc_ir::{Attrs, Ctx, Graph, NodeId, Result, Tensor, Value, interp, ops};

/// Writes nodes named after a convolution.
pub(super) struct Writer<'a> {
    /// Name of the convolution.
    pub name: String,
    /// Its graph.
    pub g: &'a mut Graph,
}

impl Writer<'_> {
    fn fresh(&self, part: &str) -> String {
        self.g.fresh_name(&format!("{}_{part}", self.name))
    }

    /// Applies an operator.
    pub fn op(&mut self, part: &str, op: &str, attrs: Attrs, x: &[Value]) -> Result<Value> {
        self.g.apply(&self.fresh(part), op, attrs, x)
    }

    fn ints(&mut self, part: &str, v: &[i64]) -> Value {
        self.g.add_const(&self.fresh(part), Tensor::i64(&[v.len()], v))
    }

    /// The same elements under another shape.
    pub fn reshaped(&mut self, part: &str, x: Value, shape: &[i64]) -> Result<Value> {
        let to = self.ints("shape", shape);
        self.op(part, "Reshape", Attrs::new(), &[x, to])
    }

    /// An image with so many rows and columns of zeros before and behind.
    pub fn padded(&mut self, x: Value, begin: [i64; 2], end: [i64; 2]) -> Result<Value> {
        if begin == [0; 2] && end == [0; 2] {
            return Ok(x);
        }
        let pads = self.ints("pads", &[0, 0, begin[0], begin[1], 0, 0, end[0], end[1]]);
        self.op("padded", "Pad", Attrs::new(), &[x, pads])
    }

    /// What an operator makes of constant filters.
    pub fn filters(&mut self, op: &str, w: Value, attrs: Attrs) -> Result<Value> {
        let op = ops::by_name(op).expect("an operator of ours");
        let name = self.fresh("filters");
        let c = Ctx { name: &name, attrs: &attrs, outputs: 1 };
        let u = interp::eval(op.0, &c, &[self.g.constant(w)])?;
        Ok(self.g.add_const(&name, u.into_iter().next().expect("one result")))
    }

    /// Puts the image, and a bias for each of its channels, in the place of the convolution.
    pub fn finish(&mut self, id: NodeId, image: Value, bias: Option<Value>, channels: i64) -> Result<()> {
        let mut y = image;
        if let Some(bias) = bias {
            let bias = self.reshaped("bias", bias, &[channels, 1, 1])?;
            y = self.op("biased", "Add", Attrs::new(), &[y, bias])?;
        }
        self.g.replace(Value { node: id, port: 0 }, y);
        self.g.remove(id);
        Ok(())
    }
}
