//! From a graph to a schedule: what is computed in which order, fused into which regions, into which memory.
//!
//! * [`expand`]: operators that are graphs of simpler ones are written out.
//! * [`copies`]: what is quicker computed again than kept.
//! * [`region`]: comprehensions inlined into their consumers, epilogues into contractions.
//! * [`schedule`]: blocks of steps with buffers; control flow as blocks of their own.
//! * [`bounds`]: the conditions on sizes under which every access stays inside its tensor.
//! * [`operations`]: how many operations a step makes, for profiles.
//! * [`layout`]: images with their channels last.
//! * [`share`]: lifetimes, and results written over operands that die.
//!
//! Nothing here knows a processor: a backend turns every [`Body`] into code.

pub mod bounds;
pub mod copies;
pub mod expand;
pub mod layout;
mod operations;
pub mod region;
pub mod schedule;
pub mod share;
mod text;

use dlc_ir::lower::{Contract, Expr, Proc};
use dlc_ir::{DType, Dim, Tensor};

pub use operations::operations;
pub use schedule::plan;

/// Number of a buffer of a block.
pub type BufId = usize;

/// What is computed by one step. Operand i of the step is `Slot::X(i)`, result i `Slot::Y(i)`, temporary i `Slot::T(i)`.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// One result as a pure expression.
    Comp(dlc_ir::lower::Comp),
    /// One result as a sum of products and what is done to it: the epilogue reads `Reg(SUM)` and operands at the
    /// contraction's variables batch, m, n, and gives an element of type `dtype`.
    Contract {
        /// The sum.
        contract: Contract,
        /// What becomes of it.
        epilogue: Expr,
        /// Element type of the result.
        dtype: DType,
    },
    /// All results by loops; with the facts' shapes of the results.
    Proc {
        /// The loops.
        body: Proc,
        /// Shapes of the results.
        shapes: Vec<Vec<Dim>>,
    },
}

/// Where the bytes of a buffer are.
#[derive(Clone, Debug, PartialEq)]
pub enum Home {
    /// Input k of the block.
    Input(usize),
    /// A constant.
    Const(Tensor),
    /// Memory of the block's arena.
    Arena,
    /// The bytes of an earlier buffer.
    Alias(BufId),
}

/// Some bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Buffer {
    /// Where they are.
    pub home: Home,
    /// Element type.
    pub dtype: DType,
    /// Shape.
    pub shape: Vec<Dim>,
    /// First step that writes and last that reads it, aliases included; `usize::MAX` for outputs.
    pub live: (usize, usize),
}

/// An input or output of a block, or of a nested block as seen from outside.
#[derive(Clone, Debug, PartialEq)]
pub struct Port {
    /// Name.
    pub name: String,
    /// Buffer.
    pub buffer: BufId,
    /// Shape on this side of the border.
    pub shape: Vec<Dim>,
}

/// One thing a block does.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Computes results.
    Compute {
        /// How.
        body: Body,
        /// Operands.
        operands: Vec<BufId>,
        /// Results.
        results: Vec<BufId>,
        /// Temporaries of a procedure.
        scratch: Vec<BufId>,
        /// The nodes it stands for.
        node: String,
    },
    /// Binds a symbol to an element of an i64 buffer.
    Bind {
        /// The symbol.
        symbol: String,
        /// The buffer.
        buffer: BufId,
        /// Which element.
        index: usize,
        /// The node whose size it is.
        node: String,
    },
    /// One of two blocks.
    If {
        /// Buffer of one bool.
        cond: BufId,
        /// Block when true, when false.
        blocks: [usize; 2],
        /// Captured values.
        inputs: Vec<Port>,
        /// Results.
        outputs: Vec<Port>,
        /// The node.
        node: String,
    },
    /// A repeated block.
    Loop {
        /// Most iterations.
        trips: Option<BufId>,
        /// Whether to start.
        cond: Option<BufId>,
        /// The body.
        body: usize,
        /// First values of carried values.
        carried: Vec<Port>,
        /// Values every iteration sees.
        captured: Vec<Port>,
        /// Final carried values, then stacked ones.
        outputs: Vec<Port>,
        /// The node.
        node: String,
    },
}

/// `left <= right` must hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Assert {
    /// See above.
    pub left: Dim,
    /// See above.
    pub right: Dim,
    /// What is wrong when it does not: node and expectation.
    pub message: String,
}

/// A sequence of steps with buffers of its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    /// Name of the graph.
    pub name: String,
    /// Inputs.
    pub inputs: Vec<Port>,
    /// Outputs.
    pub outputs: Vec<Port>,
    /// Buffers.
    pub buffers: Vec<Buffer>,
    /// Steps.
    pub steps: Vec<Step>,
    /// Conditions.
    pub asserts: Vec<Assert>,
}

/// Blocks of a program; 0 is the model, a nested block has a higher number than the one that runs it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schedule {
    /// The blocks.
    pub blocks: Vec<Block>,
}
