//! `Cast` when types were given by name.

use super::Draft;
use dlc_ir::{Attr, DType, Result, Value, bail};

/// The names that types had in attributes.
const NAMES: &[(&str, DType)] = &[
    ("FLOAT", DType::F32),
    ("UINT8", DType::U8),
    ("INT8", DType::I8),
    ("UINT16", DType::U16),
    ("INT16", DType::I16),
    ("INT32", DType::I32),
    ("INT64", DType::I64),
    ("BOOL", DType::Bool),
    ("FLOAT16", DType::F16),
    ("DOUBLE", DType::F64),
    ("UINT32", DType::U32),
    ("UINT64", DType::U64),
];

/// `to`: a name today is a number.
pub fn named_type(d: &mut Draft) -> Result<Option<Vec<Value>>> {
    if let Some(Attr::Str(to)) = d.attrs.get("to") {
        let Some((_, dtype)) = NAMES.iter().find(|n| n.0 == to) else {
            bail!("attribute to is {to:?}, which is no supported type");
        };
        d.attrs.set("to", *dtype);
    }
    Ok(None)
}
