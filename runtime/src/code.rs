//! Machine code: mapped, and called.

use crate::arena::Memory;
use crate::math::TABLE;
use crate::pool::Job;
use crate::{Error, Result};
use dlc_artifact::program::{Function, KernelFn};
use memmap2::{Mmap, MmapMut};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::Instant;

/// The code of a model, executable.
#[derive(Debug)]
pub(crate) struct Code {
    map: Option<Mmap>,
}

/// A function of a [`Code`].
#[derive(Clone, Copy)]
pub(crate) struct Kernel {
    entry: KernelFn,
}

impl Code {
    /// Copies `code` to memory of its own that can be executed and no longer written.
    pub(crate) fn new(code: &[u8]) -> Result<Self> {
        if code.is_empty() {
            return Ok(Code { map: None });
        }
        let failed = |source| Error::System { action: "map code", source };
        let mut map = MmapMut::map_anon(code.len()).map_err(failed)?;
        map.copy_from_slice(code);
        Ok(Code { map: Some(map.make_exec().map_err(failed)?) })
    }

    /// A function; `None` if it is not within the code.
    pub(crate) fn kernel(&self, function: &Function) -> Option<Kernel> {
        let map = self.map.as_ref()?;
        let inside = function.offset.checked_add(function.len)? <= map.len() as u64 && function.len > 0;
        let address = map.as_ptr().wrapping_add(usize::try_from(function.offset).ok()?);
        // SAFETY: the address is within mapped executable memory, where the compiler put a function of this type. It is
        // called only through `call` and `SharedCall`, which hold that the model, and so the map, is alive.
        inside.then(|| Kernel { entry: unsafe { std::mem::transmute::<*const u8, KernelFn>(address) } })
    }
}

/// What a function gets, whatever part of the work it does.
pub(crate) struct Arguments<'a> {
    pub(crate) buffers: &'a [*mut u8],
    pub(crate) args: &'a [i64],
}

/// Calls `kernel` for the pieces `range` on this thread. The buffers must be those of the step being run, in memory that
/// is alive, with the sizes that the step's expressions gave; `code` must be what the kernel is from.
pub(crate) fn call(_code: &Code, kernel: Kernel, with: &Arguments<'_>, range: Range<i64>, scratch: &Memory) {
    // SAFETY: the code is trusted (see the crate's documentation) to stay within buffers of the sizes that the program
    // states, and these were checked when the frame placed them. Scratch is as large as the step asks for.
    unsafe {
        (kernel.entry)(
            with.buffers.as_ptr(),
            with.args.as_ptr(),
            range.start,
            range.end,
            scratch.address(0),
            TABLE.as_ptr(),
        );
    }
}

/// Pieces that threads claim, some at a time: each has a share of its own, the same part of the work in every call, so that
/// what it wrote in the last one is near; when that is done it takes from the others'.
pub(crate) struct Claims {
    shares: Vec<Share>,
    chunk: i64,
}

/// On lines of its own: a processor far away takes long to hand one over.
#[repr(align(128))]
struct Share {
    /// First piece that nobody has claimed.
    next: AtomicI64,
    end: i64,
}

impl Claims {
    /// `work` pieces for so many threads.
    pub(crate) fn new(work: i64, chunk: i64, threads: i64) -> Self {
        let at = |t: i64| (i128::from(work) * i128::from(t) / i128::from(threads)) as i64;
        let share = |t: i64| Share { next: at(t).into(), end: at(t + 1) };
        Claims { shares: (0..threads).map(share).collect(), chunk }
    }

    /// The next pieces for a thread.
    fn claim(&self, thread: usize) -> Option<Range<i64>> {
        let n = self.shares.len();
        (0..n).map(|k| &self.shares[(thread + k) % n]).find_map(|s| {
            // What is done is looked at first, so that the counter stays near its end.
            let begin = if s.next.load(Relaxed) < s.end { s.next.fetch_add(self.chunk, Relaxed) } else { s.end };
            (begin < s.end).then(|| begin..begin.saturating_add(self.chunk).min(s.end))
        })
    }
}

/// A call whose pieces several threads claim.
pub(crate) struct SharedCall {
    pub(crate) code: Arc<Code>,
    pub(crate) kernel: Kernel,
    pub(crate) buffers: Vec<*mut u8>,
    pub(crate) args: Vec<i64>,
    pub(crate) claims: Claims,
    /// Memory of each thread.
    pub(crate) scratch: Vec<Arc<Memory>>,
}

// SAFETY: the pointers go to memory that the session keeps alive until all threads have left the call; the pieces of a
// call are independent of each other, which the compiler guarantees.
unsafe impl Send for SharedCall {}
// SAFETY: as above; nothing but the claims is changed through a shared reference.
unsafe impl Sync for SharedCall {}

impl Job for SharedCall {
    fn run(&self, thread: usize) {
        let with = Arguments { buffers: &self.buffers, args: &self.args };
        while let Some(pieces) = self.claims.claim(thread) {
            call(&self.code, self.kernel, &with, pieces, &self.scratch[thread]);
        }
    }
}

/// A call of a chain: part p of its work are the pieces from `p * pieces` on.
pub(crate) struct Link {
    pub(crate) kernel: Kernel,
    pub(crate) buffers: Vec<*mut u8>,
    pub(crate) args: Vec<i64>,
    pub(crate) pieces: i64,
    /// Of the buffers in the memory of threads: which it is, where the parts being computed are in that memory, and how
    /// many bytes each part has.
    pub(crate) own: Vec<(usize, usize, usize)>,
}

/// Calls made one after the other for a few parts at a time, which several threads claim.
pub(crate) struct SharedChain {
    pub(crate) code: Arc<Code>,
    pub(crate) links: Vec<Link>,
    pub(crate) claims: Claims,
    /// Memory of each thread: the calls' private scratch, then the parts of the buffers it has.
    pub(crate) scratch: Vec<Arc<Memory>>,
    /// Nanoseconds of each call on all threads; empty where they are not wanted.
    pub(crate) spent: Vec<AtomicU64>,
}

// SAFETY: as for `SharedCall`; parts are independent of each other, which the compiler guarantees, and the buffers in the
// memory of a thread are that thread's alone.
unsafe impl Send for SharedChain {}
// SAFETY: as above; nothing but the claims and `spent` is changed through a shared reference.
unsafe impl Sync for SharedChain {}

impl Job for SharedChain {
    fn run(&self, thread: usize) {
        let memory = &self.scratch[thread];
        let mut pointers: Vec<Vec<*mut u8>> = self.links.iter().map(|l| l.buffers.clone()).collect();
        while let Some(Range { start: begin, end }) = self.claims.claim(thread) {
            for (i, (link, buffers)) in self.links.iter().zip(&mut pointers).enumerate() {
                for &(buffer, at, bytes) in &link.own {
                    // Where part 0 would be; only the parts `begin..end` are touched, and these are in the memory.
                    buffers[buffer] = memory.address(at).wrapping_sub(bytes.wrapping_mul(begin as usize));
                }
                let start = self.spent.get(i).map(|_| Instant::now());
                let with = Arguments { buffers, args: &link.args };
                call(&self.code, link.kernel, &with, begin * link.pieces..end * link.pieces, memory);
                if let (Some(spent), Some(start)) = (self.spent.get(i), start) {
                    spent.fetch_add(u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX), Relaxed);
                }
            }
        }
    }
}
