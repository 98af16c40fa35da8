//! Chains: several calls for a few parts of their work at a time, what is between them in the memory of each thread.

use crate::Result;
use crate::code::{Claims, Link, SharedChain};
use crate::execute::{CHUNKS, Run, wrong};
use crate::frame::Frame;
use crate::plan::ALIGN;
use crate::pool::Job;
use dlc_artifact::program::{BufId, Call, ExprId, Home};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Bytes that a thread keeps of the buffers between the calls, if one part is not more: less than a second-level cache.
const NEAR: usize = 256 * 1024;

/// Bytes of one part of each buffer in the memory of threads.
type Parts = BTreeMap<BufId, usize>;

impl<'a> Run<'a, '_> {
    /// Runs the calls of a chain of so many pieces.
    pub(crate) fn chain(&mut self, frame: &Frame<'a>, step: usize, calls: &'a [Call], pieces: ExprId) -> Result<()> {
        let name = &calls[0].node;
        let parts = frame.size(pieces, || format!("node `{name}`"))?;
        if parts == 0 {
            return Ok(());
        }
        let own = own(frame, calls, parts)?;
        let (mut work, mut private) = (0i64, 0);
        for c in calls {
            let place = || format!("node `{}`", c.node);
            let grain = frame.value(c.grain, place)?.max(1);
            work = work.saturating_add(frame.size(c.work, place)? as i64 / grain);
            private = private.max(frame.size(c.scratch, place)?);
        }
        let threads = (self.state.pool.threads() as i64).min(work).min(parts as i64).max(1);
        let near = NEAR / own.values().sum::<usize>().max(1);
        let share = if threads > 1 { (parts - 1) / (threads * CHUNKS) as usize + 1 } else { parts };
        let chunk = near.min(share).max(1);
        let (places, bytes) = places(&own, private, chunk);
        self.reserve_scratch(bytes as u64)?;
        let links = calls.iter().map(|c| self.link(frame, c, parts, &own, &places)).collect::<Result<Vec<_>>>()?;
        let timed = if self.is_traced() { calls.len() } else { 0 };
        let job = Arc::new(SharedChain {
            code: self.model.code.clone(),
            links,
            claims: Claims::new(parts as i64, chunk as i64, threads),
            scratch: self.state.scratch.clone(),
            spent: (0..timed).map(|_| AtomicU64::new(0)).collect(),
        });
        let mut start = self.now();
        match threads {
            1 => job.run(0),
            n => self.state.pool.run(&job, n as usize),
        }
        for (c, spent) in calls.iter().zip(&job.spent) {
            let nanoseconds = spent.load(Relaxed) / threads as u64;
            self.tell(frame, step, c, start, nanoseconds);
            start += nanoseconds;
        }
        Ok(())
    }

    fn link(&self, frame: &Frame<'_>, c: &Call, parts: usize, own: &Parts, places: &Parts) -> Result<Link> {
        let place = || format!("node `{}`", c.node);
        let work = frame.size(c.work, place)?;
        if !work.is_multiple_of(parts) {
            return Err(wrong(&c.node, format!("work of {parts} equal parts"), work));
        }
        let root = |b: BufId| frame.schedule.roots[b as usize];
        let of_threads =
            c.buffers.iter().enumerate().filter_map(|(i, b)| Some((i, places.get(&root(*b))?, own[&root(*b)])));
        Ok(Link {
            kernel: self.model.kernel(c.function)?,
            buffers: c.buffers.iter().map(|b| frame.spots[*b as usize].address).collect(),
            args: c.args.iter().map(|e| frame.value(*e, place)).collect::<Result<_>>()?,
            pieces: (work / parts) as i64,
            own: of_threads.map(|(i, at, bytes)| (i, *at, bytes)).collect(),
        })
    }
}

/// The buffers in the memory of threads that the calls use.
fn own(frame: &Frame<'_>, calls: &[Call], parts: usize) -> Result<Parts> {
    let mut own = Parts::new();
    for c in calls {
        for b in c.buffers.iter().map(|b| frame.schedule.roots[*b as usize]) {
            if frame.block.buffers[b as usize].home != Home::Thread {
                continue;
            }
            let bytes = frame.spots[b as usize].bytes;
            if !bytes.is_multiple_of(parts) {
                return Err(wrong(&c.node, format!("buffer {b} of {parts} equal parts"), format!("{bytes} bytes")));
            }
            own.insert(b, bytes / parts);
        }
    }
    Ok(own)
}

/// Where `chunk` parts of each are, after the private memory of the calls, and the end.
fn places(own: &Parts, private: usize, chunk: usize) -> (Parts, usize) {
    let next = |at: usize| at.checked_next_multiple_of(ALIGN as usize).unwrap_or(usize::MAX);
    let (mut at, mut out) = (next(private), Parts::new());
    for (b, bytes) in own {
        out.insert(*b, at);
        at = next(at.saturating_add(bytes.saturating_mul(chunk)));
    }
    (out, at)
}
