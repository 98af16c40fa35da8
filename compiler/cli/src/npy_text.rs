//! Strings in NumPy files: every element as many 32-bit characters, filled up with zeros.

use dlc_ir::Tensor;

/// Characters of an element, at least 1, and all elements. A zero at the end of a string would be lost and is refused.
pub fn encode(t: &Tensor) -> Result<(usize, Vec<u8>), String> {
    if let Some(s) = t.strings().find(|s| s.ends_with('\0')) {
        return Err(format!("the string {s:?} ends with a zero, which has no form in NumPy"));
    }
    let width = t.strings().map(|s| s.chars().count()).max().unwrap_or(0).max(1);
    let padded = |s: &str| s.chars().map(u32::from).chain(std::iter::repeat(0)).take(width).collect::<Vec<u32>>();
    Ok((width, t.strings().flat_map(padded).flat_map(u32::to_le_bytes).collect()))
}

/// The strings of elements of `width` characters.
pub fn decode(shape: &[usize], width: u64, big: bool, bytes: &[u8]) -> Result<Tensor, String> {
    let width = usize::try_from(width).map_err(|_| "the strings are too long")?;
    let want = shape.iter().chain([&width, &4]).try_fold(1usize, |n, d| n.checked_mul(*d));
    if want != Some(bytes.len()) {
        return Err(format!("{} bytes of strings of {width} characters, expected {want:?}", bytes.len()));
    }
    if width == 0 {
        return Err("strings of 0 characters are not supported".into());
    }
    let text = |element: &[u8]| -> Result<String, String> {
        let code = |b: &[u8]| {
            let b = [b[0], b[1], b[2], b[3]];
            let code = if big { u32::from_be_bytes(b) } else { u32::from_le_bytes(b) };
            char::from_u32(code).ok_or_else(|| format!("{code:#x} is no character"))
        };
        let s: String = element.chunks_exact(4).map(code).collect::<Result<_, _>>()?;
        Ok(s.trim_end_matches('\0').to_string())
    };
    let all: Vec<String> = bytes.chunks_exact(4 * width).map(text).collect::<Result<_, _>>()?;
    Ok(Tensor::of_strings(shape, all))
}
