//! The program an artifact stores: buffers, steps, code and constants; no operators.
//!
//! A program is a list of blocks. Block 0 is the model; others are bodies of [`Step::If`] and [`Step::Loop`]. Entering a
//! block binds its inputs, derives the symbols that follow from them, places its buffers (`place`) and runs its steps.
//! Sizes are expressions over symbols; a symbol is a dimension of an input or is read from a buffer by [`Step::Bind`].

/// Index into [`Program::exprs`].
pub type ExprId = u32;
/// Index into [`Program::symbols`].
pub type SymId = u32;
/// Index into [`Block::buffers`].
pub type BufId = u32;
/// Index into [`Program::blocks`].
pub type BlockId = u32;

/// A compiled model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Program {
    /// Names of all symbols.
    pub symbols: Vec<String>,
    /// Expressions; an operand of one is an earlier one.
    pub exprs: Vec<Expr>,
    /// Blocks; 0 is the model.
    pub blocks: Vec<Block>,
    /// Length of the machine code section in bytes.
    pub code_len: u64,
    /// Length of the constants section in bytes.
    pub const_len: u64,
    /// Functions in the code section: name (for traces), offset of the entry.
    pub functions: Vec<Function>,
    /// What the inputs of the model are made of, in order. Empty where all are tensors.
    pub inputs: Vec<Border>,
    /// The same of its outputs.
    pub outputs: Vec<Border>,
}

/// An input or output of the model, passed as one or several of block 0: whether it is there (bool, of an optional),
/// the shapes of its tensors (i64 `[n, row]`) and the elements of all, one after another (`[m]`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Border {
    /// Name as in the model.
    pub name: String,
    /// What it is: one of [`TENSOR`], [`SEQUENCE`], [`OPTIONAL`], [`OPTIONAL_SEQUENCE`].
    pub form: u8,
    /// Element type (ONNX number).
    pub dtype: DTypeCode,
    /// Sizes of every tensor in it, -1 where they vary. Absent where even ranks vary: rows then have [`WIDEST`] sizes, with
    /// -1 after the last.
    pub dims: Option<Vec<i64>>,
}

/// A [`Border`] that is one input or output of block 0.
pub const TENSOR: u8 = 0;
/// A list of tensors.
pub const SEQUENCE: u8 = 1;
/// One tensor or none.
pub const OPTIONAL: u8 = 2;
/// A list of tensors or none.
pub const OPTIONAL_SEQUENCE: u8 = 3;
/// Largest rank of a tensor where ranks vary.
pub const WIDEST: usize = 8;

impl Border {
    /// Number of inputs or outputs of block 0 that it is passed as.
    pub fn parts(&self) -> usize {
        match self.form {
            TENSOR => 1,
            SEQUENCE => 2,
            _ => 3,
        }
    }

    /// Length of a row of shapes.
    pub fn row(&self) -> usize {
        self.dims.as_ref().map_or(WIDEST, Vec::len)
    }
}

/// A function in the code section, with the ABI of [`KernelFn`].
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// Name, for traces.
    pub name: String,
    /// Offset of its first byte.
    pub offset: u64,
    /// Bytes of code.
    pub len: u64,
}

/// Integer arithmetic on i64; every operation is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Expr {
    /// A constant.
    Const(i64),
    /// Value of a symbol.
    Sym(SymId),
    /// Sum.
    Add(ExprId, ExprId),
    /// Difference.
    Sub(ExprId, ExprId),
    /// Product.
    Mul(ExprId, ExprId),
    /// Quotient rounded down; the divisor must be positive.
    Div(ExprId, ExprId),
    /// Remainder with the sign of the divisor, which must be positive.
    Mod(ExprId, ExprId),
    /// Smaller.
    Min(ExprId, ExprId),
    /// Larger.
    Max(ExprId, ExprId),
}

/// Element types at the border of a program. Numbers are ONNX's.
pub type DTypeCode = u8;

/// An input or output.
#[derive(Clone, Debug, PartialEq)]
pub struct Port {
    /// Name as in the model.
    pub name: String,
    /// Element type (ONNX number).
    pub dtype: DTypeCode,
    /// Size of each axis.
    pub dims: Vec<ExprId>,
    /// Buffer it is read from or written to.
    pub buffer: BufId,
}

/// Where the bytes of a buffer are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// Given by the caller: input `k` of the block. Code never writes to it, nor to a constant.
    Input(u32),
    /// In the constants section at this offset.
    Const(u64),
    /// Placed in the block's arena, alive from step `first` to step `last` (both included) of the block. Every use of
    /// it, also through buffers that alias it, is within these.
    Arena {
        /// Step that writes it first.
        first: u32,
        /// Last step that reads it; `u32::MAX` when it is an output of the block.
        last: u32,
    },
    /// The bytes of another, earlier buffer of the block (a view, or written in place).
    Alias(BufId),
    /// In memory of each thread that runs a [`Step::Chain`], the pieces it is at only: nothing outside of that one step uses
    /// it, also through buffers that alias it.
    Thread,
}

/// Some bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Buffer {
    /// Where they are.
    pub home: Home,
    /// How many.
    pub bytes: ExprId,
}

/// A sequence of steps with buffers of its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    /// Name, for traces.
    pub name: String,
    /// Inputs, in order. An input whose `dims` entry is a lone symbol not yet bound binds it; others are checked.
    pub inputs: Vec<Port>,
    /// Outputs, in order.
    pub outputs: Vec<Port>,
    /// Buffers.
    pub buffers: Vec<Buffer>,
    /// What is done, in order.
    pub steps: Vec<Step>,
    /// Conditions on sizes that must hold on entry, or, where they contain symbols that are bound later, right after
    /// the last of those is bound.
    pub asserts: Vec<Assert>,
}

/// A condition on sizes that code relies on.
#[derive(Clone, Debug, PartialEq)]
pub struct Assert {
    /// Must be at most `right`.
    pub left: ExprId,
    /// See `left`.
    pub right: ExprId,
    /// What is wrong when it is not: node, expectation.
    pub message: String,
}

/// A call of a function over `0..work`.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Index into [`Program::functions`].
    pub function: u32,
    /// Pointers it gets.
    pub buffers: Vec<BufId>,
    /// Integers it gets.
    pub args: Vec<ExprId>,
    /// Number of independent pieces of work.
    pub work: ExprId,
    /// Smallest number of pieces worth a thread of its own.
    pub grain: ExprId,
    /// Bytes of private scratch memory each thread gets.
    pub scratch: ExprId,
    /// Arithmetic operations on elements it makes, for profiles: a multiplication that is added on counts as two.
    pub operations: ExprId,
    /// Nodes of the model it computes, for traces and errors.
    pub node: String,
}

/// One thing a program does.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Calls a function, its work split among threads in chunks of at least the call's grain.
    Call(Call),
    /// Several calls, one after the other for a few pieces at a time, so that what one writes is near when the next reads
    /// it. The work of each call is as many equal parts as there are pieces; part p of a call needs of the others' results
    /// part p only. Buffers in the threads' memory ([`Home::Thread`]) have as many equal parts.
    Chain {
        /// The calls, in order.
        calls: Vec<Call>,
        /// Number of pieces.
        pieces: ExprId,
    },
    /// Binds a symbol to element `index` of an i64 buffer; buffers whose size contains it are placed after this step.
    /// A negative value is an error naming `node`.
    Bind {
        /// Symbol.
        symbol: SymId,
        /// Buffer of i64.
        buffer: BufId,
        /// Which element.
        index: u32,
        /// Node whose size it is.
        node: String,
    },
    /// Runs one of two blocks. Inputs and outputs of both blocks are `inputs` and `outputs`.
    If {
        /// Buffer of one bool.
        cond: BufId,
        /// Block when true.
        then: BlockId,
        /// Block when false.
        els: BlockId,
        /// Arguments of either block, with their shapes.
        inputs: Vec<Passed>,
        /// Results of either block. A dim that is a lone unbound symbol is bound from the block's result.
        outputs: Vec<Passed>,
        /// Node it computes.
        node: String,
    },
    /// Repeats a block. ONNX Loop: block inputs are (iteration i64 scalar, condition bool scalar, carried.., captured..);
    /// block outputs are (condition, carried.., scanned..).
    Loop {
        /// Buffer of one i64: most iterations; none is no limit.
        trips: Option<BufId>,
        /// Buffer of one bool: whether to start; none is true.
        cond: Option<BufId>,
        /// The body.
        body: BlockId,
        /// First values of the carried values.
        carried: Vec<Passed>,
        /// Values that every iteration sees.
        captured: Vec<Passed>,
        /// Final carried values, then for each scanned output the stack of its values along a new first axis. A dim
        /// that is a lone unbound symbol is bound from what the loop gives.
        outputs: Vec<Passed>,
        /// Node it computes.
        node: String,
    },
}

/// A buffer passed into or out of a block, with its shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Passed {
    /// Buffer of the outer block.
    pub buffer: BufId,
    /// Element type (ONNX number).
    pub dtype: DTypeCode,
    /// Its shape.
    pub dims: Vec<ExprId>,
}

/// Scalar functions that code calls through a table instead of carrying them: `f(x, y)`; `y` is ignored by functions of one.
pub type MathFn = extern "C" fn(f64, f64) -> f64;

/// Order of the functions in the table code is given.
pub static MATH: &[&str] = &[
    "exp", "log", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh",
    "erf", "pow", "fmod",
];

/// A function of the code section: pointers of the buffers, integers, the pieces `begin..end` of the work, private
/// scratch memory, and the table of [`MATH`].
pub type KernelFn = unsafe extern "C" fn(
    buffers: *const *mut u8,
    args: *const i64,
    begin: i64,
    end: i64,
    scratch: *mut u8,
    math: *const MathFn,
);
