//! `LabelEncoder` when its table was a list of strings.

use super::Draft;
use dlc_ir::{DType, Result, Value, ensure};

/// `classes_strings`: a string becomes its place in the list, a place its string.
pub fn classes(d: &mut Draft) -> Result<Option<Vec<Value>>> {
    let classes = d.take::<Vec<String>>("classes_strings")?.unwrap_or_default();
    ensure!(!classes.is_empty(), "attribute classes_strings is empty");
    let places: Vec<i64> = (0..classes.len() as i64).collect();
    let text = d.dtype()? == DType::Str;
    let (strings, ints) = if text { ("keys_strings", "values_int64s") } else { ("values_strings", "keys_int64s") };
    d.attrs.set(strings, classes);
    d.attrs.set(ints, places);
    Ok(None)
}
