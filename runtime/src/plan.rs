//! Places of the buffers of a block for given sizes, remembered.

use crate::schedule::Stage;
use dlc_artifact::program::{Block, BufId, Expr, Home};
use dlc_artifact::{Interval, Plan, place};
use std::sync::Arc;

/// Alignment of every buffer.
pub(crate) const ALIGN: u64 = crate::tensor::ALIGN as u64;
/// Sizes whose plans are remembered.
const REMEMBERED: usize = 8;

/// Room for a buffer whose size is `size` of `bytes` bytes. Sizes that depend on symbols are rounded up, by less than a
/// 32nd: a size that grows by little each run keeps its plan for many runs.
pub(crate) fn room(size: Expr, bytes: u64) -> u64 {
    match size {
        Expr::Const(_) => bytes,
        _ => bytes.checked_next_multiple_of(1 << (bytes / 32).max(1).ilog2()).unwrap_or(bytes),
    }
}

/// Places the arena of a stage; `rooms` gives the room for each buffer of [`Stage::arena`].
pub(crate) fn plan(block: &Block, stage: &Stage, rooms: &[u64]) -> Plan {
    let interval = |(b, bytes): (&BufId, &u64)| match block.buffers[*b as usize].home {
        Home::Arena { first, last } => Interval { first, last, bytes: *bytes },
        _ => Interval { first: 0, last: u32::MAX, bytes: *bytes },
    };
    let intervals: Vec<Interval> = stage.arena.iter().zip(rooms).map(interval).collect();
    place(&intervals, ALIGN)
}

/// The latest plans of one stage by the rooms they are for, newest first.
#[derive(Debug, Default)]
pub(crate) struct Plans {
    latest: Vec<(Vec<u64>, Arc<Plan>)>,
}

impl Plans {
    /// The plan for `rooms`, made by `make` unless it is remembered.
    pub(crate) fn get(&mut self, rooms: &[u64], make: impl FnOnce() -> Plan) -> Arc<Plan> {
        match self.latest.iter().position(|(k, _)| k == rooms) {
            Some(at) => self.latest[..=at].rotate_right(1),
            None => {
                self.latest.truncate(REMEMBERED - 1);
                self.latest.insert(0, (rooms.to_vec(), Arc::new(make())));
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
        let mut get = |key: u64| {
            let make = || {
                made += 1;
                Plan { offsets: vec![], arena: key }
            };
            let arena = plans.get(&[key], make).arena;
            (arena, made)
        };
        (0..8).for_each(|k| assert_eq!(get(k), (k, k + 1)));
        assert_eq!((get(0), get(8), get(0), get(1)), ((0, 8), (8, 9), (0, 9), (1, 10)));
    }

    #[test]
    fn rooms_of_symbolic_sizes_are_a_little_larger() {
        assert_eq!(
            (room(Expr::Const(0), 1001), room(Expr::Sym(0), 63), room(Expr::Sym(0), u64::MAX)),
            (1001, 63, u64::MAX)
        );
        for bytes in 0..100_000 {
            let room = room(Expr::Sym(0), bytes);
            assert!(bytes <= room && room - bytes <= bytes / 32, "{bytes}: {room}");
        }
        let rooms =
            |from: u64| (from..from + 1024).map(|b| room(Expr::Sym(0), b)).collect::<std::collections::BTreeSet<_>>();
        assert_eq!(rooms(1 << 20).len(), 2);
    }
}
