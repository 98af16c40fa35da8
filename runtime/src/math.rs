//! The scalar functions that code calls, in the order of [`MATH`](dlc_artifact::program::MATH). They are the same on
//! every processor.

use dlc_artifact::program::MathFn;

/// Functions of one argument, under their own names, with the type of the table.
macro_rules! unary {
    ($($name:ident)*) => {$(
        extern "C" fn $name(x: f64, _: f64) -> f64 {
            libm::$name(x)
        }
    )*};
}

unary!(exp log sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh erf);

extern "C" fn pow(x: f64, y: f64) -> f64 {
    libm::pow(x, y)
}

extern "C" fn fmod(x: f64, y: f64) -> f64 {
    libm::fmod(x, y)
}

/// The table that code is given.
pub(crate) static TABLE: [MathFn; 17] =
    [exp, log, sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, asinh, acosh, atanh, erf, pow, fmod];

#[cfg(test)]
mod tests {
    use super::TABLE;
    use dlc_artifact::program::MATH;

    #[test]
    fn the_table_has_the_order_of_the_names() {
        let want = |name: &str| match name {
            "exp" => 0.5f64.exp(),
            "log" => 0.5f64.ln(),
            "sin" => 0.5f64.sin(),
            "cos" => 0.5f64.cos(),
            "tan" => 0.5f64.tan(),
            "asin" => 0.5f64.asin(),
            "acos" => 0.5f64.acos(),
            "atan" => 0.5f64.atan(),
            "sinh" => 0.5f64.sinh(),
            "cosh" => 0.5f64.cosh(),
            "tanh" => 0.5f64.tanh(),
            "asinh" => 0.5f64.asinh(),
            "atanh" => 0.5f64.atanh(),
            "erf" => 0.520_499_877_813_046_5,
            "pow" => 0.5f64.powf(0.3),
            "fmod" => 0.5 % 0.3,
            _ => f64::NAN,
        };
        assert_eq!(MATH.len(), TABLE.len());
        for (name, f) in MATH.iter().zip(TABLE) {
            let (found, want) = (f(0.5, 0.3), want(name));
            assert!((found - want).abs() < 1e-12 || found.is_nan() && *name == "acosh", "{name}: {found} and {want}");
        }
        assert!((TABLE[12](2.0, 0.0) - 2f64.acosh()).abs() < 1e-12);
    }
}
