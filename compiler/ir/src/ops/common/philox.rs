//! Philox4x32-10, a counter-based random generator: Salmon, Moraes, Dror and Shaw, "Parallel Random Numbers: As Easy as
//! 1, 2, 3" (SC 2011). A number depends on a key and a position only, so that any order and any number of threads
//! draw the same.

use crate::lower::{Bin, E, Expr, Ty};

const ROUNDS: usize = 10;
/// Multipliers of words 0 and 2 of the counter.
const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
/// What is added to the key after each round.
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// The four words for a counter and a key.
pub fn words(mut c: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..ROUNDS {
        let (p, q) = (c[0] as u64 * MULTIPLIERS[0] as u64, c[2] as u64 * MULTIPLIERS[1] as u64);
        c = [(q >> 32) as u32 ^ c[1] ^ key[0], q as u32, (p >> 32) as u32 ^ c[3] ^ key[1], p as u32];
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    c
}

/// The words of element `position` under `key`.
pub fn at(position: u64, key: u32) -> [u32; 4] {
    words([position as u32, (position >> 32) as u32, 0, 0], [key, 0])
}

/// The same as expressions (U64, each below 2^32); `position` is I64.
pub fn at_expr(position: &Expr, key: u32) -> [Expr; 4] {
    let word = |v: u32| Expr::from(E::Int(Ty::U64, v as i64));
    let low = |e: &Expr| e.and(&word(u32::MAX));
    let high = |e: &Expr| e.bin(Bin::Shr, &word(32));
    let position = position.cast(Ty::U64);
    let mut c = [low(&position), high(&position), word(0), word(0)];
    let mut key = [key, 0];
    for _ in 0..ROUNDS {
        let (p, q) = (c[0].mul(&word(MULTIPLIERS[0])), c[2].mul(&word(MULTIPLIERS[1])));
        let mix = |product: &Expr, c: &Expr, k: u32| high(product).xor(c).xor(&word(k));
        c = [mix(&q, &c[1], key[0]), low(&q), mix(&p, &c[3], key[1]), low(&p)];
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    c
}

/// Known answers of the authors' library Random123.
#[test]
fn known_answers() {
    assert_eq!(words([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
    assert_eq!(words([u32::MAX; 4], [u32::MAX; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
    let pi = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344];
    assert_eq!(words(pi, [0xa409_3822, 0x299f_31d0]), [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]);
}
