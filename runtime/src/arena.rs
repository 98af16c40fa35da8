//! Memory that code reads and writes.
//!
//! All memory is owned by a [`Memory`] behind an `Arc`; a [`Span`] is a part of one and keeps it alive. Only the thread
//! that runs a session touches spans, and only while no code runs, so copying between them needs no locks.

use crate::tensor::out_of_memory;
use crate::{Error, Result};
use bytes::Bytes;
use dlc_artifact::file::SLACK;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How much memory a session may have, and has.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: u64,
    used: AtomicU64,
}

impl Budget {
    pub(crate) fn new(limit: Option<u64>) -> Arc<Self> {
        Arc::new(Budget { limit: limit.unwrap_or(u64::MAX), used: AtomicU64::new(0) })
    }

    pub(crate) fn used(&self) -> u64 {
        self.used.load(Relaxed)
    }

    /// Sets `bytes` aside until the ticket is dropped.
    pub(crate) fn reserve(self: &Arc<Self>, bytes: u64) -> Result<Ticket> {
        let used = self.used();
        if used.checked_add(bytes).is_none_or(|sum| sum > self.limit) {
            return Err(Error::Memory { limit: self.limit, needed: bytes, used });
        }
        self.used.store(used + bytes, Relaxed);
        Ok(Ticket { budget: self.clone(), bytes })
    }
}

/// Memory set aside.
#[derive(Debug)]
pub(crate) struct Ticket {
    budget: Arc<Budget>,
    bytes: u64,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Relaxed);
    }
}

/// What owns the bytes.
#[derive(Debug)]
enum Owner {
    /// Own memory, zero at first.
    Map(#[allow(dead_code)] memmap2::MmapMut, #[allow(dead_code)] Ticket),
    /// Someone else's, only read.
    Bytes(#[allow(dead_code)] Bytes),
}

/// A range of memory.
#[derive(Debug)]
pub(crate) struct Memory {
    base: *mut u8,
    len: usize,
    owner: Owner,
}

// SAFETY: `base` points into memory that `owner` owns, which may be freed on any thread; who may touch the bytes when is
// ruled by the session that has them (see the module), not by this type.
unsafe impl Send for Memory {}
// SAFETY: as above; through a shared reference only the address and the length are read.
unsafe impl Sync for Memory {}

/// Memory of this size is worth asking for large pages.
const LARGE: usize = 4 << 20;

impl Memory {
    /// `len` bytes, zero, at the start of a page.
    fn zeroed(len: usize, budget: &Arc<Budget>) -> Result<Self> {
        if len > isize::MAX as usize {
            return Err(out_of_memory("allocate memory"));
        }
        let ticket = budget.reserve(len as u64)?;
        let failed = |source| Error::System { action: "allocate memory", source };
        let mut map = memmap2::MmapMut::map_anon(len.max(1)).map_err(failed)?;
        #[cfg(target_os = "linux")]
        if len >= LARGE {
            // Refused where large pages are not configured, which changes nothing but speed.
            let _ = map.advise(memmap2::Advice::HugePage);
        }
        Ok(Memory { base: map.as_mut_ptr(), len, owner: Owner::Map(map, ticket) })
    }

    /// Bytes that are only read.
    pub(crate) fn of(bytes: Bytes) -> Self {
        Memory { base: bytes.as_ptr().cast_mut(), len: bytes.len(), owner: Owner::Bytes(bytes) }
    }

    /// Address of byte `at`.
    pub(crate) fn address(&self, at: usize) -> *mut u8 {
        self.base.wrapping_add(at)
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }
}

/// Part of a memory.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    memory: Arc<Memory>,
    at: usize,
    len: usize,
}

impl Span {
    /// Bytes `at .. at + len`, if they are in the memory.
    pub(crate) fn new(memory: Arc<Memory>, at: usize, len: usize) -> Option<Self> {
        (at.checked_add(len)? <= memory.len).then_some(Span { memory, at, len })
    }

    /// Bytes `at .. at + len` of the span, if it has them.
    pub(crate) fn part(&self, at: usize, len: usize) -> Option<Self> {
        let inside = at.checked_add(len)? <= self.len;
        inside.then(|| Span { memory: self.memory.clone(), at: self.at + at, len })
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn address(&self) -> *mut u8 {
        self.memory.address(self.at)
    }

    pub(crate) fn memory(&self) -> Arc<Memory> {
        self.memory.clone()
    }

    /// Where it begins in its memory.
    pub(crate) fn offset(&self) -> usize {
        self.at
    }

    /// Lets go of the span, keeping its memory.
    pub(crate) fn into_memory(self) -> Arc<Memory> {
        self.memory
    }

    /// Copies as many bytes as both have; they may overlap.
    pub(crate) fn copy_to(&self, to: &Span) {
        // SAFETY: both ranges were checked to be within memory that the spans keep alive, and no code runs meanwhile.
        // Only spans of arenas are given as `to`: outputs of blocks are checked to be none of the caller's.
        unsafe { std::ptr::copy(self.address(), to.address(), self.len.min(to.len)) }
    }

    /// Copies the bytes of `from`, as many as there is room for.
    pub(crate) fn fill(&self, from: &[u8]) {
        // SAFETY: as in `copy_to`; `from` is no longer than its own length.
        unsafe { std::ptr::copy(from.as_ptr(), self.address(), self.len.min(from.len())) }
    }

    /// Appends the bytes to `out`.
    pub(crate) fn append_to(&self, out: &mut Vec<u8>) {
        // SAFETY: the range is within memory that the span keeps alive, all of it initialized (arenas start as zeros),
        // and nobody writes it while the slice lives: no code runs.
        out.extend_from_slice(unsafe { std::slice::from_raw_parts(self.address(), self.len) });
    }

    /// Element `index` of the span as i64.
    pub(crate) fn i64(&self, index: usize) -> Option<i64> {
        let mut bytes = Vec::with_capacity(8);
        self.part(index.checked_mul(8)?, 8)?.append_to(&mut bytes);
        bytes.try_into().ok().map(i64::from_le_bytes)
    }

    /// The first byte as bool.
    pub(crate) fn bool(&self) -> Option<bool> {
        let mut bytes = Vec::with_capacity(1);
        self.part(0, 1)?.append_to(&mut bytes);
        Some(bytes[0] != 0)
    }
}

/// Memory that is used again and again.
#[derive(Debug)]
pub(crate) struct Arena {
    free: Vec<Arc<Memory>>,
    budget: Arc<Budget>,
}

impl Arena {
    pub(crate) fn new(budget: Arc<Budget>) -> Self {
        Arena { free: vec![], budget }
    }

    pub(crate) fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    /// At least `bytes` bytes and the slack after them: the smallest free memory that has them, or new memory in place of
    /// the largest that has not.
    pub(crate) fn take(&mut self, bytes: u64) -> Result<Arc<Memory>> {
        let need = usize::try_from(bytes.saturating_add(SLACK)).unwrap_or(usize::MAX);
        let fits = |m: &Arc<Memory>| m.len() >= need;
        let best = (0..self.free.len()).filter(|&i| fits(&self.free[i])).min_by_key(|&i| self.free[i].len());
        if let Some(best) = best {
            return Ok(self.free.swap_remove(best));
        }
        let largest = (0..self.free.len()).max_by_key(|&i| self.free[i].len());
        let grows = largest.map(|i| self.free.swap_remove(i)).is_some();
        self.allocate(need, grows).map(Arc::new)
    }

    /// New memory; memory that has grown once will again, so it gets some more.
    fn allocate(&mut self, need: usize, grows: bool) -> Result<Memory> {
        let ample = if grows { need.saturating_add(need / 4) } else { need };
        if let Ok(memory) = Memory::zeroed(ample, &self.budget) {
            return Ok(memory);
        }
        self.free.clear();
        Memory::zeroed(need, &self.budget)
    }

    /// Takes memory back, unless someone still has it.
    pub(crate) fn give(&mut self, mut memory: Arc<Memory>) {
        if Arc::get_mut(&mut memory).is_some_and(|m| matches!(m.owner, Owner::Map(..))) {
            self.free.push(memory);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_used_again_and_counted() {
        let mut arena = Arena::new(Budget::new(Some(10_000)));
        let (a, b) = (arena.take(1000).unwrap(), arena.take(100).unwrap());
        let (at_a, at_b) = (a.address(0), b.address(0));
        assert_eq!((at_a as usize % 64, arena.budget().used()), (0, 1228));
        arena.give(a);
        arena.give(b);
        assert_eq!((arena.take(90).unwrap().address(0), arena.take(900).unwrap().address(0)), (at_b, at_a));
        let error = arena.take(20_000).unwrap_err().to_string();
        assert!(error.starts_with("expected to stay within 10000 bytes"), "{error}");
        assert_eq!(arena.budget().used(), 0);
        assert!(arena.take(u64::MAX).is_err());
    }

    #[test]
    fn memory_in_use_is_not_given_back() {
        let mut arena = Arena::new(Budget::new(None));
        let memory = arena.take(8).unwrap();
        let span = Span::new(memory.clone(), 0, 8).unwrap();
        arena.give(memory);
        assert_ne!(arena.take(8).unwrap().address(0), span.address());
    }

    #[test]
    fn spans_stay_inside() {
        let memory = Arc::new(Memory::of(Bytes::from_static(&[1, 0, 0, 0, 0, 0, 0, 0, 2])));
        let span = Span::new(memory.clone(), 0, 9).unwrap();
        assert_eq!((span.i64(0), span.i64(1), span.bool()), (Some(1), None, Some(true)));
        assert!(Span::new(memory, 1, 9).is_none() && span.part(9, 1).is_none() && span.part(usize::MAX, 2).is_none());
        assert_eq!(span.part(9, 0).unwrap().bool(), None);
    }
}
