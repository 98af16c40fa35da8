//! Nanoseconds that a cache line takes from one CPU to another and back, the best of several rounds: some 50 where the two share an L3,
//! some 300 where they do not. Two-thread figures of virtual machines, which move between the two, are told apart by it.
//!
//!     cargo run --release -p dlc-bench --bin round-trip

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long rounds are repeated.
const TIME: Duration = Duration::from_millis(50);
/// Round trips in one measurement.
const TRIPS: u64 = 50;
/// What ends the other thread.
const END: u64 = u64::MAX;

/// A counter with a cache line (and the one fetched beside it) of its own.
#[repr(align(128))]
struct Line(AtomicU64);

fn main() {
    if std::thread::available_parallelism().map_or(1, |n| n.get()) < 2 {
        eprintln!("error: two CPUs are needed");
        std::process::exit(1);
    }
    println!("{:.0}", best());
}

/// Both threads spin, so that the scheduler keeps them on CPUs of their own.
fn best() -> f64 {
    let line = Line(AtomicU64::new(0));
    std::thread::scope(|s| {
        s.spawn(|| answer(&line.0));
        let (start, mut best) = (Instant::now(), f64::INFINITY);
        while start.elapsed() < TIME {
            best = best.min(round(&line.0));
        }
        line.0.store(END, Ordering::Release);
        best
    })
}

/// Nanoseconds of a trip: one thread writes odd numbers, the other the next even one.
fn round(line: &AtomicU64) -> f64 {
    let start = Instant::now();
    for _ in 0..TRIPS {
        let v = line.load(Ordering::Acquire) + 1;
        line.store(v, Ordering::Release);
        await_other(line, v);
    }
    start.elapsed().as_nanos() as f64 / TRIPS as f64
}

fn answer(line: &AtomicU64) {
    let mut v = 0;
    loop {
        v = await_other(line, v);
        if v == END {
            return;
        }
        v += 1;
        line.store(v, Ordering::Release);
    }
}

/// Waits until the value is another one; lets the other thread on where both are on one CPU.
fn await_other(line: &AtomicU64, own: u64) -> u64 {
    for spins in 0u64.. {
        let v = line.load(Ordering::Acquire);
        if v != own {
            return v;
        }
        if spins % 4096 == 4095 {
            std::thread::yield_now();
        }
        std::hint::spin_loop();
    }
    own
}
