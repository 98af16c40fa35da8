//! What this processor has.

use crate::{Error, Result};

/// Whether the processor has a feature, by name; `None` for names not known here.
#[cfg(target_arch = "x86_64")]
fn has(feature: &str) -> Option<bool> {
    macro_rules! features {
        ($($name:tt)*) => {
            match feature {
                "x86_64" => Some(true),
                // Calling conventions: code is called with that of the system.
                "sysv" => Some(cfg!(not(windows))),
                "win64" => Some(cfg!(windows)),
                $($name => Some(std::is_x86_feature_detected!($name)),)*
                _ => None,
            }
        };
    }
    features!(
        "sse2" "sse3" "ssse3" "sse4.1" "sse4.2" "popcnt" "avx" "avx2" "fma" "f16c" "bmi1" "bmi2" "lzcnt" "movbe"
        "avx512f" "avx512bw" "avx512cd" "avx512dq" "avx512vl" "avx512vnni" "avx512bf16" "avx512fp16" "avx512vbmi"
        "avx512vbmi2" "avx512ifma" "avx512bitalg" "avx512vpopcntdq" "avxvnni" "gfni" "vaes" "vpclmulqdq"
    )
}

/// As for x86-64.
#[cfg(target_arch = "aarch64")]
fn has(feature: &str) -> Option<bool> {
    match feature {
        "aarch64" => Some(true),
        "neon" => Some(std::arch::is_aarch64_feature_detected!("neon")),
        "dotprod" => Some(std::arch::is_aarch64_feature_detected!("dotprod")),
        "fp16" => Some(std::arch::is_aarch64_feature_detected!("fp16")),
        "i8mm" => Some(std::arch::is_aarch64_feature_detected!("i8mm")),
        "bf16" => Some(std::arch::is_aarch64_feature_detected!("bf16")),
        _ => None,
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn has(_: &str) -> Option<bool> {
    None
}

/// Checks that the processor has all of `target`.
pub(crate) fn check(target: &[String]) -> Result<()> {
    target.iter().try_for_each(|feature| {
        let why = match has(feature) {
            Some(true) => return Ok(()),
            Some(false) => "this processor does not have",
            None => "this runtime does not know on this processor",
        };
        Err(Error::Processor { feature: feature.clone(), why })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_checked_by_name() {
        check(&[std::env::consts::ARCH.into()]).unwrap();
        let error = check(&["quantum".into()]).unwrap_err().to_string();
        assert!(error.starts_with("the code needs `quantum`, which this runtime does not know"), "{error}");
    }
}
