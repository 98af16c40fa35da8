//! The byte form of a [`Program`]: integers of variable length, lists with their length first, variants with their number.
// The form is stated once for both directions; a reader needs one.
#![cfg_attr(not(feature = "write"), allow(dead_code))]

use crate::program::*;
use crate::{Error, Result};

/// Something with a byte form.
pub(crate) trait Wire: Sized {
    /// Appends it.
    fn put(&self, out: &mut Vec<u8>);
    /// Reads it.
    fn get(from: &mut Reader<'_>) -> Result<Self>;
}

/// The bytes of `value`.
pub(crate) fn encode<T: Wire>(value: &T) -> Vec<u8> {
    let mut out = vec![];
    value.put(&mut out);
    out
}

/// The value whose bytes are all of `bytes`, the contents of `section`.
pub(crate) fn decode<T: Wire>(section: &'static str, bytes: &[u8]) -> Result<T> {
    let mut reader = Reader { section, bytes, at: 0 };
    let value = T::get(&mut reader)?;
    match bytes.len() - reader.at {
        0 => Ok(value),
        more => Err(reader.wrong("the end", format!("{more} more bytes"))),
    }
}

/// A place in a section.
pub(crate) struct Reader<'a> {
    section: &'static str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn wrong(&self, expected: &'static str, found: impl ToString) -> Error {
        Error::Encoding { section: self.section, at: self.at, expected, found: found.to_string() }
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        let taken = rest.get(..len).ok_or_else(|| self.wrong("more bytes", "the end"))?;
        self.at += len;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    /// Length of a list whose elements take at least a byte each.
    fn len(&mut self) -> Result<usize> {
        let len = u64::get(self)?;
        let rest = self.bytes.len() - self.at;
        usize::try_from(len).ok().filter(|l| *l <= rest).ok_or_else(|| self.wrong("a length within the section", len))
    }
}

impl Wire for u64 {
    fn put(&self, out: &mut Vec<u8>) {
        let mut rest = *self;
        while rest >= 0x80 {
            out.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        out.push(rest as u8);
    }

    fn get(from: &mut Reader<'_>) -> Result<Self> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = from.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(from.wrong("an integer of 64 bits", "a longer one"))
    }
}

impl Wire for i64 {
    /// Sign in the lowest bit, so that small negative numbers are short.
    fn put(&self, out: &mut Vec<u8>) {
        ((*self << 1) ^ (*self >> 63)).cast_unsigned().put(out);
    }

    fn get(from: &mut Reader<'_>) -> Result<Self> {
        let bits = u64::get(from)?;
        Ok((bits >> 1).cast_signed() ^ -(bits & 1).cast_signed())
    }
}

impl Wire for u32 {
    fn put(&self, out: &mut Vec<u8>) {
        u64::from(*self).put(out);
    }

    fn get(from: &mut Reader<'_>) -> Result<Self> {
        let value = u64::get(from)?;
        u32::try_from(value).map_err(|_| from.wrong("an integer of 32 bits", value))
    }
}

impl Wire for u8 {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(*self);
    }

    fn get(from: &mut Reader<'_>) -> Result<Self> {
        from.byte()
    }
}

impl Wire for String {
    fn put(&self, out: &mut Vec<u8>) {
        (self.len() as u64).put(out);
        out.extend_from_slice(self.as_bytes());
    }

    fn get(from: &mut Reader<'_>) -> Result<Self> {
        let len = from.len()?;
        let text = std::str::from_utf8(from.take(len)?);
        text.map(str::to_owned).map_err(|e| from.wrong("text in UTF-8", e))
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        (self.len() as u64).put(out);
        self.iter().for_each(|v| v.put(out));
    }

    fn get(from: &mut Reader<'_>) -> Result<Self> {
        (0..from.len()?).map(|_| T::get(from)).collect()
    }
}

impl<T: Wire> Wire for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(self.is_some().into());
        self.iter().for_each(|v| v.put(out));
    }

    fn get(from: &mut Reader<'_>) -> Result<Self> {
        match from.byte()? {
            0 => Ok(None),
            1 => T::get(from).map(Some),
            other => Err(from.wrong("0 or 1", other)),
        }
    }
}

impl<A: Wire, B: Wire> Wire for (A, B) {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
        self.1.put(out);
    }

    fn get(from: &mut Reader<'_>) -> Result<Self> {
        Ok((A::get(from)?, B::get(from)?))
    }
}

/// Byte form of structures: their fields in the order given.
macro_rules! records {
    ($($name:ident { $($field:ident),* })*) => {$(
        impl Wire for $name {
            fn put(&self, out: &mut Vec<u8>) {
                $(self.$field.put(out);)*
            }

            fn get(from: &mut Reader<'_>) -> Result<Self> {
                Ok($name { $($field: Wire::get(from)?),* })
            }
        }
    )*};
}

/// Byte form of enumerations: the number of the variant, then its fields.
macro_rules! variants {
    ($($name:ident { $($tag:literal = $v:ident $(($($a:ident),*))? $({$($f:ident),*})?,)* })*) => {$(
        impl Wire for $name {
            fn put(&self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$v $(($($a),*))? $({$($f),*})? => {
                        out.push($tag);
                        $($($a.put(out);)*)?
                        $($($f.put(out);)*)?
                    })*
                }
            }

            fn get(from: &mut Reader<'_>) -> Result<Self> {
                match from.byte()? {
                    $($tag => {
                        $($(let $a = Wire::get(from)?;)*)?
                        $($(let $f = Wire::get(from)?;)*)?
                        Ok(Self::$v $(($($a),*))? $({$($f),*})?)
                    })*
                    other => Err(from.wrong(concat!("a variant of ", stringify!($name)), other)),
                }
            }
        }
    )*};
}

records! {
    Program { symbols, exprs, blocks, code_len, const_len, functions, inputs, outputs }
    Border { name, form, dtype, dims }
    Function { name, offset, len }
    Port { name, dtype, dims, buffer }
    Buffer { home, bytes }
    Block { name, inputs, outputs, buffers, steps, asserts }
    Assert { left, right, message }
    Passed { buffer, dtype, dims }
    Call { function, buffers, args, work, grain, scratch, operations, node }
}

variants! {
    Expr {
        0 = Const(v),
        1 = Sym(s),
        2 = Add(a, b),
        3 = Sub(a, b),
        4 = Mul(a, b),
        5 = Div(a, b),
        6 = Mod(a, b),
        7 = Min(a, b),
        8 = Max(a, b),
    }
    Home {
        0 = Input(k),
        1 = Const(at),
        2 = Arena { first, last },
        3 = Alias(of),
        4 = Thread,
    }
    Step {
        0 = Call(call),
        1 = Bind { symbol, buffer, index, node },
        2 = If { cond, then, els, inputs, outputs, node },
        3 = Loop { trips, cond, body, carried, captured, outputs, node },
        4 = Chain { calls, pieces },
    }
}
