//! Inputs nobody gave: random, and the same for the same seed.

use dlc_ir::{DType, Num, Tensor};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// A tensor of this type and shape, a pure function of its arguments. Floats are uniform in `-1..1`, those without a sign
/// in `0..1`; `bool` is 0 or 1; integers of up to 8 bits span their range, since they hold data; strings are
/// single digits; wider ones are 0 or 1, since they hold indices and masks, and those two are valid wherever any index is.
pub fn random(dtype: DType, shape: &[usize], seed: u64) -> Tensor {
    let mut rng = StdRng::seed_from_u64(seed);
    let n = shape.iter().product();
    if dtype == DType::Str {
        return Tensor::of_strings(shape, (0..n).map(|_| format!("{}", rng.random_range(0..10))));
    }
    let mut next = || match dtype {
        DType::F8E8M0 => Num::F(rng.random_range(0.0..1.0)),
        d if d.is_float() => Num::F(rng.random_range(-1.0..1.0)),
        DType::I8 => Num::I(rng.random::<i8>().into()),
        DType::U8 => Num::I(rng.random::<u8>().into()),
        d if d.is_narrow() => Num::I(rng.random::<u8>().into()),
        _ => Num::I(rng.random::<bool>().into()),
    };
    Tensor::new(dtype, shape, std::iter::repeat_with(&mut next).take(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_tensor() {
        for (dtype, ..) in dlc_ir::dtype::DTYPES {
            let t = random(*dtype, &[3, 5], 7);
            assert_eq!(t, random(*dtype, &[3, 5], 7));
            assert!(t.iter().all(|v| v.f().abs() <= 255.0), "{t:?}");
        }
        assert_ne!(random(DType::F32, &[8], 0), random(DType::F32, &[8], 1));
    }
}
