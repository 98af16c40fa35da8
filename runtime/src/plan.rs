//! Places of the buffers of a block for given sizes, remembered.

use crate::schedule::Stage;
use dlc_artifact::program::{Block, Home};
use dlc_artifact::{Interval, Plan, place};
use std::sync::Arc;

/// Alignment of every buffer.
pub(crate) const ALIGN: u64 = crate::tensor::ALIGN as u64;
/// Sizes whose plans are remembered.
const REMEMBERED: usize = 8;

/// Places the arena of a stage; `bytes` gives the size of each buffer of [`Stage::arena`].
pub(crate) fn plan(block: &Block, stage: &Stage, bytes: impl Iterator<Item = u64>) -> Plan {
    let interval = |(b, bytes): (&u32, u64)| match block.buffers[*b as usize].home {
        Home::Arena { first, last } => Interval { first, last, bytes },
        _ => Interval { first: 0, last: u32::MAX, bytes },
    };
    let intervals: Vec<Interval> = stage.arena.iter().zip(bytes).map(interval).collect();
    place(&intervals, ALIGN)
}

/// The latest plans of one stage by the values of the symbols they depend on, newest first.
#[derive(Debug, Default)]
pub(crate) struct Plans {
    latest: Vec<(Vec<i64>, Arc<Plan>)>,
}

impl Plans {
    /// The plan for `key`, made by `make` unless it is remembered.
    pub(crate) fn get(&mut self, key: &[i64], make: impl FnOnce() -> Plan) -> Arc<Plan> {
        match self.latest.iter().position(|(k, _)| k == key) {
            Some(at) => self.latest[..=at].rotate_right(1),
            None => {
                self.latest.truncate(REMEMBERED - 1);
                self.latest.insert(0, (key.to_vec(), Arc::new(make())));
            }
        }
        self.latest[0].1.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_plans_are_remembered() {
        let mut plans = Plans::default();
        let mut made = 0;
        let mut get = |key: i64| {
            let make = || {
                made += 1;
                Plan { offsets: vec![], arena: key as u64 }
            };
            let arena = plans.get(&[key], make).arena;
            (arena, made)
        };
        (0..8).for_each(|k| assert_eq!(get(k), (k as u64, k + 1)));
        assert_eq!((get(0), get(8), get(0), get(1)), ((0, 8), (8, 9), (0, 9), (1, 10)));
    }
}
