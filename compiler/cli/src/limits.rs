//! What this machine can do at most, measured now.

use crate::failure::{Doing, Result};
use dlc_compiler::limits::{Limit, products, products_of_bytes, reads};
use dlc_runtime::{Model, Options, Session, Tensor};
use serde::Serialize;
use std::time::{Duration, Instant};

/// Bytes that are read to find how fast memory of that size is: within a core's own cache, a shared one, and beyond.
const SIZES: [usize; 3] = [256 << 10, 8 << 20, 128 << 20];
/// How long each limit is measured.
const TIME: Duration = Duration::from_millis(120);

/// Rates with a number of threads.
#[derive(Clone, Debug, Serialize)]
pub struct Limits {
    /// Operations on f32 a second, in registers.
    pub operations_per_second: f64,
    /// Operations on bytes a second, in registers.
    pub byte_operations_per_second: f64,
    /// How many bytes, and how many of so many are read a second; ascending.
    pub bytes_per_second: Vec<(u64, f64)>,
}

impl Limits {
    /// Measures with so many threads: the best of the calls in a short time.
    pub fn measure(threads: usize) -> Result<Limits> {
        let doing = || "measuring the limits of the machine".to_string();
        let work = products().doing(doing)?;
        let operations_per_second = work.operations as f64 / fastest(&work, threads)?;
        let work = products_of_bytes().doing(doing)?;
        let byte_operations_per_second = work.operations as f64 / fastest(&work, threads)?;
        let mut bytes_per_second = vec![];
        for size in SIZES {
            let work = reads(size).doing(doing)?;
            bytes_per_second.push((work.bytes, work.bytes as f64 / fastest(&work, threads)?));
        }
        Ok(Limits { operations_per_second, byte_operations_per_second, bytes_per_second })
    }

    /// Least seconds of a function for so many operations on so many bytes of memory, and whether that is what takes them. Those
    /// of functions that are named for it are on bytes.
    pub fn least(&self, function: &str, operations: u64, bytes: u64) -> (f64, bool) {
        let rate = self.bytes_per_second.iter().find(|(n, _)| bytes <= *n).or(self.bytes_per_second.last());
        let memory = rate.map_or(0.0, |r| bytes as f64 / r.1);
        let of_bytes = function.starts_with("bytes_");
        let rate = if of_bytes { self.byte_operations_per_second } else { self.operations_per_second };
        let arithmetic = operations as f64 / rate;
        (memory.max(arithmetic), memory > arithmetic)
    }
}

/// Seconds of the fastest call.
fn fastest(l: &Limit, threads: usize) -> Result<f64> {
    let doing = || "measuring the limits of the machine".to_string();
    let model = Model::from_image(l.artifact.to_image().doing(doing)?).doing(doing)?;
    let mut session = Session::new(&model, Options { threads, max_memory: None }).doing(doing)?;
    let x = [Tensor::of(&[l.elements], &vec![0f32; l.elements]).doing(doing)?];
    let (start, mut best) = (Instant::now(), f64::INFINITY);
    while start.elapsed() < TIME || best.is_infinite() {
        let call = Instant::now();
        session.run(&x).doing(doing)?;
        best = best.min(call.elapsed().as_secs_f64());
    }
    Ok(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slower_of_arithmetic_and_memory_decides() {
        let l = Limits {
            operations_per_second: 100.0,
            byte_operations_per_second: 400.0,
            bytes_per_second: vec![(1000, 50.0), (2000, 10.0)],
        };
        assert_eq!(l.least("map_f32_1", 200, 50), (2.0, false));
        assert_eq!(l.least("bytes_u8_1", 200, 10), (0.5, false));
        assert_eq!(l.least("map_f32_1", 200, 500), (10.0, true));
        assert_eq!(l.least("map_f32_1", 0, 1500), (150.0, true));
        assert_eq!(l.least("map_f32_1", 0, 5000), (500.0, true), "as fast as the largest that was measured");
    }
}
