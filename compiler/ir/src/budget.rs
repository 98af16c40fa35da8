//! What reading and evaluating a model may cost: the memory it holds, and how much it computes.
//!
//! The limits are those of the innermost [`within`] of the thread. Graphs that operators run (`Loop`, `If`, functions) are
//! thereby held to the limits of whoever runs the outermost, however deep they are. Without one there is no limit.

use crate::{Fact, Result, ensure};
use std::cell::Cell;

/// Most of what may be used; `u64::MAX` is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes held at a time.
    pub bytes: u64,
    /// Elements computed, and [`NODE`] for each operator that is run.
    pub work: u64,
}

impl Limits {
    /// No limit.
    pub const NONE: Limits = Limits { bytes: u64::MAX, work: u64::MAX };
}

/// What running one operator counts, in elements.
pub const NODE: u64 = 256;
/// Bytes that the oracle takes for an element while it computes, besides the result: one [`crate::Num`].
const WORKING: u64 = 32;

thread_local! {
    static LEFT: Cell<Limits> = const { Cell::new(Limits::NONE) };
    static HELD: Cell<u64> = const { Cell::new(0) };
}

/// The limits before, put back when dropped, less the work that was done meanwhile.
struct Outer {
    before: Limits,
    given: u64,
}

impl Drop for Outer {
    fn drop(&mut self) {
        let done = self.given - LEFT.get().work;
        let work = if self.before.work == u64::MAX { u64::MAX } else { self.before.work.saturating_sub(done) };
        LEFT.set(Limits { work, ..self.before });
    }
}

/// Runs `f` within these limits and those that hold already.
pub fn within<T>(limits: Limits, f: impl FnOnce() -> T) -> T {
    let before = LEFT.get();
    let given = before.work.min(limits.work);
    LEFT.set(Limits { bytes: before.bytes.min(limits.bytes), work: given });
    let _outer = Outer { before, given };
    f()
}

/// What `f` gives, unless it needs more than `work`.
pub fn bounded<T>(work: u64, f: impl FnOnce() -> Result<T>) -> Result<Option<T>> {
    within(Limits { work, ..Limits::NONE }, || match f() {
        Ok(t) => Ok(Some(t)),
        Err(_) if LEFT.get().work == 0 => Ok(None),
        Err(e) => Err(e),
    })
}

/// The limits that hold now.
pub fn limits() -> Limits {
    LEFT.get()
}

/// Refuses `bytes` more than are held when that is beyond the limit.
pub fn admit(bytes: u64) -> Result<()> {
    let (limit, held) = (LEFT.get().bytes, HELD.get());
    let fits = held.checked_add(bytes).is_some_and(|sum| sum <= limit);
    ensure!(fits, "{bytes} bytes are needed besides {held} in use, expected at most {limit} in all");
    Ok(())
}

/// Refuses an operator whose results, or the work on them, are beyond the limits.
pub fn admit_results(y: &[Fact]) -> Result<()> {
    let (mut bytes, mut work) = (0u64, NODE);
    for f in y {
        let n = f.elements().unwrap_or(0);
        bytes = bytes.saturating_add(n.saturating_mul(f.dtype.size() as u64 + WORKING));
        work = work.saturating_add(n);
    }
    admit(bytes)?;
    let limits = LEFT.get();
    if limits.work != u64::MAX {
        LEFT.set(Limits { work: limits.work.saturating_sub(work), ..limits });
        ensure!(
            limits.work > work,
            "results to compute are more than may be here, expected at most {} elements more",
            limits.work
        );
    }
    Ok(())
}

/// Memory that counts as held until this is dropped.
#[derive(Debug, Default)]
pub struct Held(u64);

impl Held {
    /// Counts `bytes` more, or refuses them.
    pub fn take(&mut self, bytes: u64) -> Result<()> {
        admit(bytes)?;
        self.0 += bytes;
        HELD.set(HELD.get() + bytes);
        Ok(())
    }

    /// Counts `bytes` less.
    pub fn release(&mut self, bytes: u64) {
        let bytes = bytes.min(self.0);
        self.0 -= bytes;
        HELD.set(HELD.get().saturating_sub(bytes));
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.release(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DType, Dim};

    #[test]
    fn memory_is_counted_until_it_is_let_go() {
        within(Limits { bytes: 100, ..Limits::NONE }, || {
            let mut held = Held::default();
            held.take(60).unwrap();
            let e = Held::default().take(41).unwrap_err().to_string();
            assert_eq!(e, "41 bytes are needed besides 60 in use, expected at most 100 in all");
            within(Limits::NONE, || assert!(admit(41).is_err(), "an inner limit is no way out"));
            held.release(30);
            Held::default().take(41).unwrap();
            drop(held);
            admit(100).unwrap();
        });
        admit(u64::MAX).unwrap();
    }

    #[test]
    fn work_that_is_done_inside_counts_outside() {
        let y = [Fact::new(DType::F32, [Dim::from(1000)])];
        within(Limits { work: 3000, ..Limits::NONE }, || {
            assert_eq!(bounded(2000, || admit_results(&y)), Ok(Some(())));
            assert_eq!(bounded(500, || admit_results(&y)), Ok(None));
            assert!(bounded(2000, || admit_results(&y)).unwrap().is_none() || admit_results(&y).is_err());
        });
        assert!(bounded(5, || -> Result<()> { crate::bail!("another reason") }).is_err());
        assert_eq!(LEFT.get(), Limits::NONE);
    }
}
