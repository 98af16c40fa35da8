//! What operators on strings share.

use crate::op::need;
use crate::{DType, Fact, Result, ensure};

/// The operand at `i`, which must be of strings.
pub fn check<'a>(x: &[Option<&'a Fact>], i: usize, name: &str) -> Result<&'a Fact> {
    let f = need(x, i, name)?;
    ensure!(f.dtype == DType::Str, "operand {name} is {f}, expected strings");
    Ok(f)
}
