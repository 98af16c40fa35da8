//! MT19937, the generator of ONNX's reference implementation of `Dropout`: Matsumoto and Nishimura, "Mersenne Twister"
//! (ACM TOMACS 8, 1998), seeded by their `init_genrand` of 2002; two words make a number in 0..1 of 53 digits.
//!
//! A state of 624 words is drawn from in order, then twisted.

use crate::DType;
use crate::lower::{Bin, Expr, Slot, Stmt, Ty, for_, if_, set};

const N: usize = 624;
const M: usize = 397;
const TWIST: u32 = 0x9908_B0DF;
const KNUTH: u32 = 1_812_433_253;

/// A sequence of random numbers.
pub struct Mersenne {
    state: [u32; N],
    next: usize,
}

impl Mersenne {
    /// The sequence of a seed.
    pub fn new(seed: u32) -> Self {
        let mut state = [seed; N];
        for i in 1..N {
            let last = state[i - 1];
            state[i] = KNUTH.wrapping_mul(last ^ (last >> 30)).wrapping_add(i as u32);
        }
        Mersenne { state, next: N }
    }

    fn twist(&mut self) {
        for i in 0..N {
            let y = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % N] & 0x7fff_ffff);
            self.state[i] = self.state[(i + M) % N] ^ (y >> 1) ^ if y & 1 == 1 { TWIST } else { 0 };
        }
        self.next = 0;
    }

    /// The next word.
    pub fn word(&mut self) -> u32 {
        if self.next == N {
            self.twist();
        }
        let mut y = self.state[self.next];
        self.next += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    /// The next number in `0..1`.
    pub fn fraction(&mut self) -> f64 {
        let (a, b) = (self.word() >> 5, self.word() >> 6);
        (a as f64 * (1u64 << 26) as f64 + b as f64) / (1u64 << 53) as f64
    }
}

/// The same as statements of a procedure: registers and a temporary of its own.
pub struct Steps {
    /// Temporary that holds the state.
    pub scratch: usize,
    /// First of three registers, and first of two loop variables.
    pub first: u32,
}

fn int(v: u32) -> Expr {
    Expr::int(v as i64)
}

fn shifted(e: &Expr, by: i64) -> Expr {
    e.bin(if by < 0 { Bin::Shr } else { Bin::Shl }, &Expr::int(by.abs()))
}

impl Steps {
    /// Type and shape of the temporary.
    pub fn state() -> (DType, Vec<crate::Dim>) {
        (DType::U32, vec![N.into()])
    }

    fn load(&self, at: &Expr) -> Expr {
        Expr::load_slot(Slot::T(self.scratch), DType::U32, &[N.into()], vec![at.clone()])
    }

    fn store(&self, at: Expr, value: Expr) -> Stmt {
        Stmt::Store { slot: Slot::T(self.scratch), dtype: DType::U32, index: vec![at], value }
    }

    fn next(&self) -> Expr {
        Expr::reg(self.first, Ty::I64)
    }

    /// Seeds the state.
    pub fn seed(&self, seed: u32) -> Vec<Stmt> {
        let i = Expr::var(self.first);
        let last = self.load(&i.sub(&Expr::int(1)));
        let word = last.xor(&shifted(&last, -30)).mul(&int(KNUTH)).add(&i).and(&int(u32::MAX));
        let fill =
            Stmt::For { var: self.first, lo: Expr::int(1), hi: Expr::int(N as i64), body: vec![self.store(i, word)] };
        vec![self.store(Expr::int(0), int(seed)), fill, set(self.first, Expr::int(N as i64))]
    }

    fn twist(&self) -> Stmt {
        let i = Expr::var(self.first + 1);
        let wrapped = |by: usize| self.load(&i.add(&Expr::int(by as i64)).rem(&Expr::int(N as i64)));
        let y = self.load(&i).and(&int(0x8000_0000)).or(&wrapped(1).and(&int(0x7fff_ffff)));
        let odd = y.and(&int(1)).mul(&int(TWIST));
        let word = wrapped(M).xor(&shifted(&y, -1)).xor(&odd);
        for_(self.first + 1, &N.into(), vec![self.store(i, word)])
    }

    /// Draws a word into register `first + to`.
    fn word(&self, to: u32) -> Vec<Stmt> {
        let y = Expr::reg(self.first + to, Ty::I64);
        let left = |by: i64, mask: u32| set(self.first + to, y.xor(&shifted(&y, by).and(&int(mask))));
        let right = |by: i64| set(self.first + to, y.xor(&shifted(&y, -by)));
        vec![
            if_(self.next().ge(&Expr::int(N as i64)), vec![self.twist(), set(self.first, Expr::int(0))]),
            set(self.first + to, self.load(&self.next())),
            set(self.first, self.next().add(&Expr::int(1))),
            right(11),
            left(7, 0x9d2c_5680),
            left(15, 0xefc6_0000),
            right(18),
        ]
    }

    /// Statements that draw a number, and the number (F64).
    pub fn fraction(&self) -> (Vec<Stmt>, Expr) {
        let word = |to: u32, by: i64| shifted(&Expr::reg(self.first + to, Ty::I64), -by);
        let whole = word(1, 5).mul(&Expr::int(1 << 26)).add(&word(2, 6)).cast(Ty::F64);
        ([self.word(1), self.word(2)].concat(), whole.div(&whole.like((1u64 << 53) as f64)))
    }
}

/// The first numbers of seed 0, as NumPy's `RandomState(0).uniform()` gives them.
#[test]
fn known_answers() {
    let mut r = Mersenne::new(0);
    assert_eq!([r.fraction(), r.fraction()], [0.5488135039273248, 0.7151893663724195]);
    let mut r = Mersenne::new(5489);
    assert_eq!((0..10_000).map(|_| r.word()).last(), Some(4_123_659_995));
}
