//! Kernels: typed virtual registers, structured control, memory through numbered buffers.

use dlc_ir::lower::{Bin, Cmp, Expr, Un};
use dlc_ir::{DType, Dim};
use std::fmt::Write;

/// What one lane holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Elem {
    F32,
    F64,
    I32,
    I64,
    U64,
    /// True or false.
    Mask,
}

/// Type of a register: 1 lane, or as many lanes of F32, I32 or Mask as the kernel's level has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Type {
    /// What one lane holds.
    pub elem: Elem,
    /// How many.
    pub lanes: u8,
}

/// A virtual register.
pub type Reg = u32;

/// Memory a kernel reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Buf {
    /// Pointer number k of the call.
    Arg(u32),
    /// The thread's private scratch memory, from this byte offset on.
    Scratch(u32),
}

/// What a register is set to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Inst {
    /// A float constant.
    Float(f64),
    /// An integer or mask constant.
    Int(i64),
    /// Integer argument number k of the call.
    Arg(u32),
    /// First piece of work of the call.
    Begin,
    /// One past the last piece of work of the call.
    End,
    /// Operation on one register of the same type (`IsNan` gives a mask). Only exact operations: the others are
    /// written out by [`crate::math`] or called by [`Inst::Call`].
    Un(Un, Reg),
    /// Operation on two registers of the same type.
    Bin(Bin, Reg, Reg),
    /// `a * b + c` in one rounding.
    Fma(Reg, Reg, Reg),
    /// `a * 2^n` in one rounding, for a whole number `n` between -256 and 256: F32, where [`Level::has_scale`] holds.
    ///
    /// [`Level::has_scale`]: crate::Level::has_scale
    Scale(Reg, Reg),
    /// I32 lanes of four bytes each: the four products of a byte of `a` (0..256) and the byte of `b` (-128..128) at its
    /// place, all added to the lane of `c`, modulo 2^32. Only of whole vectors.
    Dot(Reg, Reg, Reg),
    /// F32 lanes of `c`, to which the products of the bf16 numbers in the lanes of `a` and `b` (I32) are added: first that
    /// of the two high halves, then that of the low ones, each in one rounding. Subnormal numbers are zeros, those that are
    /// read and those that come out. Only of whole vectors, where [`Level::has_pairs`] holds.
    ///
    /// [`Level::has_pairs`]: crate::Level::has_pairs
    Pairs(Reg, Reg, Reg),
    /// F32 rounded to nearest even as bf16 bits (I32); subnormal numbers are zeros. Only of whole vectors, where
    /// [`Level::has_pairs`] holds.
    ///
    /// [`Level::has_pairs`]: crate::Level::has_pairs
    Bf16(Reg),
    /// Comparison; gives a mask.
    Cmp(Cmp, Reg, Reg),
    /// Lane-wise choice by a mask.
    Select(Reg, Reg, Reg),
    /// Conversion between element types as `dlc_ir::lower::E::Cast`; same number of lanes.
    Cast(Reg),
    /// The same bits as another 32-bit element type (F32, I32).
    Bits(Reg),
    /// One scalar in all lanes.
    Splat(Reg),
    /// One lane of a vector.
    Lane(Reg, u8),
    /// Every lane from the lane so many after it, counted round: F32 and I32, where [`Level::has_rotate`] holds.
    ///
    /// [`Level::has_rotate`]: crate::Level::has_rotate
    Rotate(Reg, u8),
    /// Elements at `index + offset` (in elements of `mem`), one per lane, consecutive, widened to the register's type.
    Load {
        /// Where.
        buf: Buf,
        /// Type in memory; not f16 or bf16, and no narrow type.
        mem: DType,
        /// I64 scalar.
        index: Reg,
        /// Added to the index.
        offset: i32,
        /// Whether the kernel never writes this memory: the load may then be moved to where its value is used.
        fixed: bool,
    },
    /// [`Inst::Load`] of the first lanes only: the others are 0, and their memory is not touched.
    LoadPart {
        /// Where.
        buf: Buf,
        /// Type in memory, as for [`Inst::Load`].
        mem: DType,
        /// I64 scalar.
        index: Reg,
        /// Added to the index.
        offset: i32,
        /// How many lanes: an I64 scalar, from 0 to all.
        count: Reg,
    },
    /// I32 lanes of four consecutive bytes each, the first lowest; `index + offset` counts bytes.
    Bytes {
        /// Where.
        buf: Buf,
        /// I64 scalar.
        index: Reg,
        /// Added to the index.
        offset: i32,
    },
    /// For each I32 lane of `index`, 0 to 255, the byte there of a table of 256, widened.
    Lookup {
        /// Where the table is; the kernel does not write it.
        buf: Buf,
        /// I8 or U8.
        mem: DType,
        /// A vector.
        index: Reg,
    },
    /// Entry k of the math table of two F64 scalars.
    Call(u32, Reg, Reg),
}

/// A statement.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Node {
    /// Defines a register.
    Let(Reg, Inst),
    /// Copies into a register that was defined before and may change.
    Set(Reg, Reg),
    /// Stores the lanes of `value` to consecutive elements, narrowed to `mem` (integers wrap).
    Store { buf: Buf, mem: DType, index: Reg, offset: i32, value: Reg },
    /// Stores the first `count` lanes (an I64 scalar, from 0 to all) and leaves the other memory as it is.
    StorePart { buf: Buf, mem: DType, index: Reg, offset: i32, value: Reg, count: Reg },
    /// Tells the processor that the line an element is in will be read soon; it may be outside of the buffer. Changes nothing.
    Prefetch { buf: Buf, mem: DType, index: Reg, offset: i32 },
    /// `var` from `lo` while below `hi`, by `step`.
    Loop { var: Reg, lo: Reg, hi: Reg, step: i64, body: Vec<Node> },
    /// Runs `head`, and while `cond` (defined in it) holds, `body` and `head` again.
    While { head: Vec<Node>, cond: Reg, body: Vec<Node> },
    /// `cond` is a mask of one lane.
    If { cond: Reg, then: Vec<Node>, els: Vec<Node> },
}

/// A function of the program: see `dlc_artifact::program::KernelFn`.
#[derive(Clone, Debug, PartialEq)]
pub struct Kernel {
    /// Name, for traces.
    pub name: String,
    /// Type of every register.
    pub regs: Vec<Type>,
    /// What is done.
    pub body: Vec<Node>,
    /// Number of buffers.
    pub buffers: u32,
    /// The integers it is called with.
    pub args: Vec<Dim>,
    /// Number of pieces of work.
    pub work: Dim,
    /// The outermost loops over the pieces that are known: the index of each as an expression of the axes of what is
    /// computed, and its extent. Pieces are numbered row-major over these and what is within.
    pub outer: Vec<(Expr, Dim)>,
    /// Fewest pieces worth a thread of their own.
    pub grain: Dim,
    /// Bytes of private scratch memory.
    pub scratch: Dim,
}

impl Type {
    /// One lane.
    pub const fn scalar(elem: Elem) -> Type {
        Type { elem, lanes: 1 }
    }

    /// The same element with `lanes` lanes.
    pub const fn with(self, lanes: u8) -> Type {
        Type { elem: self.elem, lanes }
    }
}

impl Kernel {
    /// The code as text, one statement a line: what makes two kernels one function.
    pub fn text(&self) -> String {
        let mut out = String::new();
        print(&self.body, &self.regs, 0, &mut out);
        out
    }
}

fn print(nodes: &[Node], regs: &[Type], depth: usize, out: &mut String) {
    let pad = "  ".repeat(depth);
    for n in nodes {
        let _ = match n {
            Node::Let(r, i) => {
                writeln!(out, "{pad}r{r}:{:?}x{} = {i:?}", regs[*r as usize].elem, regs[*r as usize].lanes)
            }
            Node::Set(r, v) => writeln!(out, "{pad}r{r} := r{v}"),
            Node::Store { buf, mem, index, offset, value } => {
                writeln!(out, "{pad}{buf:?}.{mem}[r{index} + {offset}] = r{value}")
            }
            Node::Prefetch { buf, mem, index, offset } => {
                writeln!(out, "{pad}prefetch {buf:?}.{mem}[r{index} + {offset}]")
            }
            Node::StorePart { buf, mem, index, offset, value, count } => {
                writeln!(out, "{pad}{buf:?}.{mem}[r{index} + {offset}] = r{value}, r{count} lanes")
            }
            Node::Loop { var, lo, hi, step, body } => {
                let _ = writeln!(out, "{pad}for r{var} in r{lo}..r{hi} by {step}");
                print(body, regs, depth + 1, out);
                Ok(())
            }
            Node::While { head, cond, body } => {
                let _ = writeln!(out, "{pad}while");
                print(head, regs, depth + 1, out);
                let _ = writeln!(out, "{pad}r{cond}:");
                print(body, regs, depth + 1, out);
                Ok(())
            }
            Node::If { cond, then, els } => {
                let _ = writeln!(out, "{pad}if r{cond}");
                print(then, regs, depth + 1, out);
                let _ = writeln!(out, "{pad}else");
                print(els, regs, depth + 1, out);
                Ok(())
            }
        };
    }
}
