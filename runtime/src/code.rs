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

/// A call whose pieces several threads claim, `chunk` at a time.
pub(crate) struct SharedCall {
    pub(crate) code: Arc<Code>,
    pub(crate) kernel: Kernel,
    pub(crate) buffers: Vec<*mut u8>,
    pub(crate) args: Vec<i64>,
    pub(crate) work: i64,
    pub(crate) chunk: i64,
    /// First piece that nobody has claimed.
    pub(crate) next: AtomicI64,
    /// Memory of each thread.
    pub(crate) scratch: Vec<Arc<Memory>>,
}

// SAFETY: the pointers go to memory that the session keeps alive until all threads have left the call; the pieces of a
// call are independent of each other, which the compiler guarantees.
unsafe impl Send for SharedCall {}
// SAFETY: as above; nothing but `next` is changed through a shared reference.
unsafe impl Sync for SharedCall {}

impl Job for SharedCall {
    fn run(&self, thread: usize) {
        let with = Arguments { buffers: &self.buffers, args: &self.args };
        loop {
            let begin = self.next.fetch_add(self.chunk, Relaxed);
            if begin >= self.work {
                return;
            }
            let end = begin.saturating_add(self.chunk).min(self.work);
            call(&self.code, self.kernel, &with, begin..end, &self.scratch[thread]);
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

/// Calls made one after the other for `chunk` parts at a time, which several threads claim.
pub(crate) struct SharedChain {
    pub(crate) code: Arc<Code>,
    pub(crate) links: Vec<Link>,
    pub(crate) parts: i64,
    pub(crate) chunk: i64,
    /// First part that nobody has claimed.
    pub(crate) next: AtomicI64,
    /// Memory of each thread: the calls' private scratch, then the parts of the buffers it has.
    pub(crate) scratch: Vec<Arc<Memory>>,
    /// Nanoseconds of each call on all threads; empty where they are not wanted.
    pub(crate) spent: Vec<AtomicU64>,
}

// SAFETY: as for `SharedCall`; parts are independent of each other, which the compiler guarantees, and the buffers in the
// memory of a thread are that thread's alone.
unsafe impl Send for SharedChain {}
// SAFETY: as above; nothing but `next` and `spent` is changed through a shared reference.
unsafe impl Sync for SharedChain {}

impl Job for SharedChain {
    fn run(&self, thread: usize) {
        let memory = &self.scratch[thread];
        let mut pointers: Vec<Vec<*mut u8>> = self.links.iter().map(|l| l.buffers.clone()).collect();
        loop {
            let begin = self.next.fetch_add(self.chunk, Relaxed);
            if begin >= self.parts {
                return;
            }
            let end = begin.saturating_add(self.chunk).min(self.parts);
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
