//! Threads that help with a job: they spin briefly for the next one, then sleep.

use crate::{Error, Result};
use std::hint::spin_loop;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::*};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Something that several threads do together.
pub(crate) trait Job: Send + Sync {
    /// Takes part as thread `thread` (0 is the one that asked) until nothing is left to begin.
    fn run(&self, thread: usize);
}

/// How often a thread looks before it sleeps: some tens of microseconds.
const SPINS: usize = 2000;

/// Threads of one session.
pub(crate) struct Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    desk: Mutex<Desk>,
    /// [`Desk::count`], to be looked at without the lock.
    count: AtomicU64,
    /// Workers at the current job.
    busy: AtomicUsize,
    /// A job is there, or the end.
    wake: Condvar,
    /// The last worker has left the job.
    done: Condvar,
}

#[derive(Default)]
struct Desk {
    job: Option<Arc<dyn Job>>,
    /// Jobs so far.
    count: u64,
    /// Workers that may still join the job.
    places: usize,
    /// Workers asleep.
    asleep: usize,
    stop: bool,
}

impl Shared {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job after number `seen`; `None` at the end.
    fn next(&self, seen: &mut u64) -> Option<Arc<dyn Job>> {
        loop {
            let new = || self.count.load(Acquire) != *seen;
            (0..SPINS).find(|_| {
                spin_loop();
                new()
            });
            let mut desk = self.desk();
            while !desk.stop && desk.count == *seen {
                desk.asleep += 1;
                desk = self.wake.wait(desk).unwrap_or_else(PoisonError::into_inner);
                desk.asleep -= 1;
            }
            if desk.stop {
                return None;
            }
            *seen = desk.count;
            if desk.places > 0 && desk.job.is_some() {
                desk.places -= 1;
                self.busy.fetch_add(1, Relaxed);
                return desk.job.clone();
            }
        }
    }

    fn work(&self, thread: usize) {
        let mut seen = 0;
        while let Some(job) = self.next(&mut seen) {
            let _leaves = Leaves(self);
            job.run(thread);
            drop(job);
        }
    }
}

/// Leaves the job when dropped, whatever happened in it.
struct Leaves<'a>(&'a Shared);

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        if self.0.busy.fetch_sub(1, Release) == 1 {
            let _desk = self.0.desk();
            self.0.done.notify_one();
        }
    }
}

impl Pool {
    /// A pool of `threads` threads, one of them the one that asks.
    pub(crate) fn new(threads: usize) -> Result<Self> {
        let mut pool = Pool { shared: Arc::default(), workers: vec![] };
        for thread in 1..threads {
            let shared = pool.shared.clone();
            let builder = std::thread::Builder::new().name(format!("dlc-{thread}"));
            let worker = builder.spawn(move || shared.work(thread));
            pool.workers.push(worker.map_err(|source| Error::System { action: "start a thread", source })?);
        }
        Ok(pool)
    }

    /// Threads that may take part in a job, the asking one included.
    pub(crate) fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Does the job with at most `threads` threads; returns when all have left it. Those that come too late take no part.
    pub(crate) fn run(&self, job: &Arc<impl Job + 'static>, threads: usize) {
        let mut desk = self.shared.desk();
        desk.job = Some(job.clone());
        desk.places = threads.saturating_sub(1);
        desk.count += 1;
        self.shared.count.store(desk.count, Release);
        if desk.asleep > 0 {
            self.shared.wake.notify_all();
        }
        drop(desk);
        let _closes = Closes(&self.shared);
        job.run(0);
    }
}

/// Lets nobody join any more and waits for those who have.
struct Closes<'a>(&'a Shared);

impl Drop for Closes<'_> {
    fn drop(&mut self) {
        let mut desk = self.0.desk();
        desk.job = None;
        desk.places = 0;
        drop(desk);
        let left = || self.0.busy.load(Acquire) == 0;
        let soon = (0..SPINS).any(|_| {
            spin_loop();
            left()
        });
        if !soon {
            let mut desk = self.0.desk();
            while !left() {
                desk = self.0.done.wait(desk).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.desk().stop = true;
        self.shared.wake.notify_all();
        // A worker that panicked has nothing left to tell.
        self.workers.drain(..).for_each(|w| drop(w.join()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sum {
        next: AtomicUsize,
        sum: AtomicUsize,
        threads: AtomicU64,
    }

    impl Job for Sum {
        fn run(&self, thread: usize) {
            self.threads.fetch_or(1 << thread, Relaxed);
            loop {
                let k = self.next.fetch_add(1, Relaxed);
                if k >= 100 {
                    return;
                }
                self.sum.fetch_add(k, Relaxed);
            }
        }
    }

    fn sum() -> Arc<Sum> {
        Arc::new(Sum { next: 0.into(), sum: 0.into(), threads: 0.into() })
    }

    #[test]
    fn every_piece_is_done_once_when_the_job_returns() {
        for threads in [1, 2, 3] {
            let pool = Pool::new(threads).unwrap();
            for _ in 0..500 {
                let job = sum();
                pool.run(&job, threads);
                assert_eq!((job.sum.load(Relaxed), Arc::strong_count(&job)), (4950, 1));
            }
        }
    }

    #[test]
    fn no_more_threads_take_part_than_asked() {
        let pool = Pool::new(3).unwrap();
        for _ in 0..100 {
            let job = sum();
            pool.run(&job, 1);
            assert_eq!(job.threads.load(Relaxed), 1);
        }
    }

    #[test]
    fn sleeping_threads_wake_up() {
        let pool = Pool::new(2).unwrap();
        for _ in 0..3 {
            std::thread::sleep(std::time::Duration::from_millis(20));
            let job = sum();
            pool.run(&job, 2);
            assert_eq!(job.sum.load(Relaxed), 4950);
        }
    }
}
