//! Instruction-set levels kernels are generated for.

/// A level: how wide vectors are and how many registers there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// 128-bit vectors through Cranelift, on every platform.
    Portable,
    /// x86-64 with 256-bit vectors: AVX2, FMA, BMI2 (the level of 2013).
    Avx2,
    /// x86-64 with 512-bit vectors, masks and 32 registers: AVX-512 F, BW, DQ, VL.
    Avx512,
    /// The same with products of bytes: AVX-512 VNNI.
    Avx512Vnni,
    /// The same with products of bf16 numbers: AVX-512 BF16.
    Avx512Bf16,
}

/// Features of the level of 2013 (x86-64-v3), as `std::is_x86_feature_detected!` names them.
const AVX2: &[&str] = &["sse3", "ssse3", "sse4.1", "sse4.2", "popcnt", "avx", "avx2", "fma", "bmi1", "bmi2", "lzcnt"];
/// Those and AVX-512's.
const AVX512: &[&str] = &[
    "sse3", "ssse3", "sse4.1", "sse4.2", "popcnt", "avx", "avx2", "fma", "bmi1", "bmi2", "lzcnt", "avx512f",
    "avx512bw", "avx512dq", "avx512vl",
];
/// And products of bytes.
const AVX512_VNNI: &[&str] = &[
    "sse3",
    "ssse3",
    "sse4.1",
    "sse4.2",
    "popcnt",
    "avx",
    "avx2",
    "fma",
    "bmi1",
    "bmi2",
    "lzcnt",
    "avx512f",
    "avx512bw",
    "avx512dq",
    "avx512vl",
    "avx512vnni",
];
/// And products of bf16 numbers.
const AVX512_BF16: &[&str] = &[
    "sse3",
    "ssse3",
    "sse4.1",
    "sse4.2",
    "popcnt",
    "avx",
    "avx2",
    "fma",
    "bmi1",
    "bmi2",
    "lzcnt",
    "avx512f",
    "avx512bw",
    "avx512dq",
    "avx512vl",
    "avx512vnni",
    "avx512bf16",
];

impl Level {
    /// All of them, narrow ones first.
    pub const ALL: [Level; 5] = [Level::Portable, Level::Avx2, Level::Avx512, Level::Avx512Vnni, Level::Avx512Bf16];

    /// Name, as in targets.
    pub fn name(self) -> &'static str {
        match self {
            Level::Portable => "portable",
            Level::Avx2 => "avx2",
            Level::Avx512 => "avx512",
            Level::Avx512Vnni => "avx512-vnni",
            Level::Avx512Bf16 => "avx512-bf16",
        }
    }

    /// Bytes of a vector register.
    pub fn bytes(self) -> u8 {
        match self {
            Level::Portable => 16,
            Level::Avx2 => 32,
            Level::Avx512 | Level::Avx512Vnni | Level::Avx512Bf16 => 64,
        }
    }

    /// 32-bit lanes of a vector register.
    pub fn lanes(self) -> usize {
        self.bytes() as usize / 4
    }

    /// Rows of a tile of sums, two registers wide. With the two columns and one factor they fill the registers: 16 of
    /// which Cranelift wants a spare one (a sixth row made it spill one sum in every iteration), 16, and 32.
    pub fn rows(self) -> usize {
        match self {
            Level::Portable => 5,
            Level::Avx2 => 6,
            Level::Avx512 | Level::Avx512Vnni | Level::Avx512Bf16 => 14,
        }
    }

    /// Rows of a tile of sums of products of bytes. Without an instruction for them, the halves of bytes of both factors
    /// take registers, too.
    pub fn dot_rows(self) -> usize {
        match self {
            Level::Portable => 2,
            Level::Avx2 => 4,
            Level::Avx512 => 10,
            Level::Avx512Vnni | Level::Avx512Bf16 => 14,
        }
    }

    /// Columns of a tile.
    pub fn columns(self) -> usize {
        2 * self.lanes()
    }

    /// Whether a part of a vector can be loaded and stored, of elements that have so many bytes in memory.
    pub fn has_parts(self, bytes: usize) -> bool {
        match self {
            Level::Portable => false,
            Level::Avx2 => bytes == 4,
            Level::Avx512 | Level::Avx512Vnni | Level::Avx512Bf16 => bytes <= 4,
        }
    }

    /// Whether one instruction multiplies by a power of two that may make numbers subnormal.
    pub fn has_scale(self) -> bool {
        self >= Level::Avx512
    }

    /// Whether one instruction moves all lanes of a vector to others by the same distance.
    pub fn has_rotate(self) -> bool {
        self >= Level::Avx512
    }

    /// Whether one instruction adds up products of bf16 numbers, and another one rounds to them.
    pub fn has_pairs(self) -> bool {
        self >= Level::Avx512Bf16
    }

    /// What x86-64 code of this level relies on.
    pub fn x86_features(self) -> &'static [&'static str] {
        match self {
            Level::Avx512 => AVX512,
            Level::Avx512Vnni => AVX512_VNNI,
            Level::Avx512Bf16 => AVX512_BF16,
            _ => AVX2,
        }
    }

    /// The widest level of the processor this runs on.
    pub fn host() -> Level {
        #[cfg(target_arch = "x86_64")]
        {
            use std::is_x86_feature_detected as has;
            let avx2 = has!("avx2") && has!("fma") && has!("bmi1") && has!("bmi2") && has!("lzcnt") && has!("popcnt");
            if avx2 && has!("avx512f") && has!("avx512bw") && has!("avx512dq") && has!("avx512vl") {
                return match (has!("avx512vnni"), has!("avx512bf16")) {
                    (true, true) => Level::Avx512Bf16,
                    (true, false) => Level::Avx512Vnni,
                    (false, _) => Level::Avx512,
                };
            }
            if avx2 {
                return Level::Avx2;
            }
        }
        Level::Portable
    }
}
