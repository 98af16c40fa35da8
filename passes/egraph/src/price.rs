//! What a term costs.

use dlc_ir::lower::{Contract, Lowering};
use dlc_ir::{Attrs, Ctx, Dim, Fact, OpRef, dim};

/// Prices of operators on a device. Only their order matters to the search.
pub trait Price {
    /// Time of one operator, in any unit; `y` are the facts of its results.
    fn price(&self, op: OpRef, attrs: &Attrs, x: &[Option<&Fact>], y: &[Fact]) -> f64;
}

/// A price without a device: bytes moved, and arithmetic of contractions. Reshapes are almost free.
#[derive(Clone, Copy, Debug)]
pub struct Traffic {
    /// What every symbolic size is taken to be.
    pub size: i64,
}

impl Default for Traffic {
    fn default() -> Self {
        Traffic { size: 16 }
    }
}

/// Starting one operator costs as much as moving this many bytes.
const START: f64 = 256.0;
/// Multiplications that take as long as moving a byte.
const PER_BYTE: f64 = 8.0;

impl Traffic {
    fn value(&self, d: &Dim) -> f64 {
        d.eval(&|_| Some(self.size)).map_or(1.0, |v| v.max(0) as f64)
    }

    fn bytes(&self, f: &Fact) -> f64 {
        self.value(&f.len()) * f.dtype.size() as f64
    }

    fn multiplications(&self, c: &Contract) -> f64 {
        self.value(&dim::product(c.batch.iter().chain(&c.m).chain(&c.n).chain(&c.k)))
    }
}

impl Price for Traffic {
    fn price(&self, op: OpRef, attrs: &Attrs, x: &[Option<&Fact>], y: &[Fact]) -> f64 {
        let moved: f64 = x.iter().flatten().copied().chain(y).map(|f| self.bytes(f)).sum();
        let ctx = Ctx { name: "price", attrs, outputs: y.len() };
        match op.lowering(&ctx, x, y) {
            Ok(Lowering::Alias) => 1.0,
            Ok(Lowering::Contract(c)) => START + moved + self.multiplications(&c) / PER_BYTE,
            // A power takes a logarithm and an exponential.
            _ if op.name() == "Pow" => START + 4.0 * moved,
            _ if op.name() == "Div" => START + 1.1 * moved,
            _ => START + moved,
        }
    }
}
