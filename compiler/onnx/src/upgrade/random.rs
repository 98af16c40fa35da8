//! Random operators.

use super::Draft;
use dlc_ir::{Result, Value};

type Done = Result<Option<Vec<Value>>>;

/// A node without seed gets one made of its name, so that the same model draws the same numbers, each node its own.
pub fn seed(d: &mut Draft) -> Done {
    if d.attrs.get("seed").is_none() {
        // 24 bits are an f32 without rounding.
        d.attrs.set("seed", (hash(&d.name) >> 8) as f32);
    }
    Ok(None)
}

/// The same for `Dropout`, whose seed is an integer, where it may be training.
pub fn dropout_seed(d: &mut Draft) -> Done {
    if d.x.get(2).is_some_and(Option::is_some) && d.attrs.get("seed").is_none() {
        d.attrs.set("seed", hash(&d.name) as i64);
    }
    Ok(None)
}

/// FNV-1a of 32 bits: <http://www.isthe.com/chongo/tech/comp/fnv/>.
fn hash(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |h, b| (h ^ b as u32).wrapping_mul(0x0100_0193))
}

#[test]
fn known_hashes() {
    assert_eq!([hash(""), hash("a"), hash("foobar")], [0x811c_9dc5, 0xe40c_292c, 0xbf9c_f968]);
}
