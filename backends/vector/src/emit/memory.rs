//! Loads and stores: elements of any type in memory, one or a vector of them at a time.

use super::{Function, clif_type, flags};
use crate::ir::{Buf, Inst, Reg, Type};
use cranelift_codegen::ir::types::{I8X16, I16X8, I32, I32X4, I64, I64X2};
use cranelift_codegen::ir::{self as clif, InstBuilder, MemFlagsData, Value};
use dlc_ir::DType;
use dlc_ir::lower::Bin;

impl Function<'_> {
    /// Address of an element, and what is left to add to it.
    fn address(&mut self, buf: Buf, mem: DType, index: Reg, offset: i32) -> (Value, i32) {
        let (base, extra) = match buf {
            Buf::Arg(k) => (self.buffers[k as usize], 0),
            Buf::Scratch(o) => (self.params[4], o as i32),
        };
        // The last term of a sum is the innermost variable: what comes before it is added to the base outside of its loop.
        let terms = match self.defs[index as usize] {
            Some(Inst::Bin(Bin::Add, x, y)) => vec![x, y],
            _ => vec![index],
        };
        let shift = self.b.ins().iconst(I64, mem.size().trailing_zeros() as i64);
        let mut p = base;
        for t in terms {
            let t = self.get(t);
            let bytes = self.b.ins().ishl(t, shift);
            p = self.b.ins().iadd(p, bytes);
        }
        (p, offset * mem.size() as i32 + extra)
    }

    pub(super) fn load(
        &mut self,
        ty: Type,
        buf: Buf,
        mem: DType,
        index: Reg,
        offset: i32,
        flags: MemFlagsData,
    ) -> Value {
        let (p, o) = self.address(buf, mem, index, offset);
        if ty.lanes > 1 {
            return self.load_lanes(ty, mem, p, o, flags);
        }
        let wide = clif_type(ty);
        match mem {
            DType::I8 => self.b.ins().sload8(wide, flags, p, o),
            DType::U8 | DType::Bool => self.b.ins().uload8(wide, flags, p, o),
            DType::I16 => self.b.ins().sload16(wide, flags, p, o),
            DType::U16 => self.b.ins().uload16(wide, flags, p, o),
            DType::U32 => self.b.ins().uload32(flags, p, o),
            _ => self.b.ins().load(wide, flags, p, o),
        }
    }

    /// Four bytes for each lane, of memory that the kernel does not write.
    pub(super) fn bytes(&mut self, ty: Type, buf: Buf, index: Reg, offset: i32) -> Value {
        let (p, o) = self.address(buf, DType::U8, index, offset);
        self.b.ins().load(clif_type(ty), flags(false), p, o)
    }

    /// A byte of a table for each lane.
    pub(super) fn lookup(&mut self, buf: Buf, mem: DType, index: Reg) -> Value {
        let (ty, index) = (self.ty(index), self.get(index));
        let (base, extra) = match buf {
            Buf::Arg(k) => (self.buffers[k as usize], 0),
            Buf::Scratch(o) => (self.params[4], o as i32),
        };
        let mut out = index;
        for l in 0..ty.lanes {
            let i = self.b.ins().extractlane(index, l);
            let i = self.b.ins().uextend(I64, i);
            let p = self.b.ins().iadd(base, i);
            let x = match mem.is_signed() {
                true => self.b.ins().sload8(I32, flags(true), p, extra),
                false => self.b.ins().uload8(I32, flags(true), p, extra),
            };
            out = self.b.ins().insertlane(out, x, l);
        }
        out
    }

    fn load_lanes(&mut self, ty: Type, mem: DType, p: Value, o: i32, flags: MemFlagsData) -> Value {
        let little = MemFlagsData::new().with_endianness(clif::Endianness::Little);
        let signed = mem.is_signed();
        match mem.size() {
            1 => {
                let x = self.b.ins().load(I32, flags, p, o);
                let x = self.b.ins().scalar_to_vector(I32X4, x);
                let x = self.b.ins().bitcast(I8X16, little, x);
                let x = if signed { self.b.ins().swiden_low(x) } else { self.b.ins().uwiden_low(x) };
                if signed { self.b.ins().swiden_low(x) } else { self.b.ins().uwiden_low(x) }
            }
            2 => {
                let x = self.b.ins().load(I64, flags, p, o);
                let x = self.b.ins().scalar_to_vector(I64X2, x);
                let x = self.b.ins().bitcast(I16X8, little, x);
                if signed { self.b.ins().swiden_low(x) } else { self.b.ins().uwiden_low(x) }
            }
            _ => self.b.ins().load(clif_type(ty), flags, p, o),
        }
    }

    pub(super) fn store(&mut self, buf: Buf, mem: DType, index: Reg, offset: i32, value: Reg) {
        let (p, o) = self.address(buf, mem, index, offset);
        let (ty, v) = (self.ty(value), self.get(value));
        if ty.lanes == 1 {
            return self.store_one(ty, mem, v, p, o);
        }
        if mem.size() == 4 {
            self.b.ins().store(flags(false), v, p, o);
            return;
        }
        for l in 0..ty.lanes {
            let x = self.b.ins().extractlane(v, l);
            self.store_one(ty.with(1), mem, x, p, o + l as i32 * mem.size() as i32);
        }
    }

    fn store_one(&mut self, ty: Type, mem: DType, v: Value, p: Value, o: i32) {
        let wide = clif_type(ty).bytes() as usize > mem.size();
        match (mem.size(), wide) {
            (1, true) => self.b.ins().istore8(flags(false), v, p, o),
            (2, true) => self.b.ins().istore16(flags(false), v, p, o),
            (4, true) => self.b.ins().istore32(flags(false), v, p, o),
            _ => self.b.ins().store(flags(false), v, p, o),
        };
    }
}
