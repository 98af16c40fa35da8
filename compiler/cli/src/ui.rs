//! What the user sees while something runs, and how it ends.

use crate::failure::{Failure, Result};
use dlc_compiler::{Progress, STAGES};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Whether the first interrupt only asks the work to end, and whether it came.
static PATIENT: AtomicBool = AtomicBool::new(false);
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Whether work that has something to show for is asked to end; see [`Ui::patient`].
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// How to talk to the user.
pub struct Ui {
    /// Whether the result is printed as JSON.
    pub json: bool,
}

impl Ui {
    /// Interrupts are answered from here on.
    pub fn new(json: bool) -> Self {
        let handler = ctrlc::set_handler(|| {
            if PATIENT.load(Ordering::SeqCst) && !INTERRUPTED.swap(true, Ordering::SeqCst) {
                return;
            }
            crate::files::discard_partial();
            let clear = if std::io::stderr().is_terminal() { "\r\x1b[K" } else { "" };
            let _ = writeln!(std::io::stderr(), "{clear}error: interrupted");
            std::process::exit(130);
        });
        if let Err(e) = handler {
            let _ = writeln!(std::io::stderr(), "note: an interrupt may leave temporary files: {e}");
        }
        Ui { json }
    }

    /// From here on the first interrupt asks the work to end ([`interrupted`]), and the second ends it.
    pub fn patient(&self) {
        PATIENT.store(true, Ordering::SeqCst);
    }

    /// Prints text, or the report as JSON when that was asked for.
    pub fn show<T: serde::Serialize>(&self, report: &T, text: impl FnOnce() -> String) -> Result<()> {
        match self.json {
            true => match serde_json::to_string(report) {
                Ok(json) => self.print(&visible(&json, |c| format!("\\u{:04x}", c as u32))),
                Err(e) => Err(Failure::data(format!("writing JSON: {e}"))),
            },
            false => self.print(&text().split('\n').map(plain).collect::<Vec<_>>().join("\n")),
        }
    }

    /// Prints to the standard output, which may be closed early.
    pub fn print(&self, text: &str) -> Result<()> {
        self.print_bytes(text.as_bytes())?;
        if text.ends_with('\n') { Ok(()) } else { self.print_bytes(b"\n") }
    }

    /// Prints bytes as they are.
    pub fn print_bytes(&self, bytes: &[u8]) -> Result<()> {
        let mut out = std::io::stdout().lock();
        match out.write_all(bytes).and_then(|()| out.flush()) {
            Ok(()) => Ok(()),
            Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Err(Failure::closed()),
            Err(e) => Err(Failure::data(format!("writing to the standard output: {e}"))),
        }
    }

    /// Says something beside the result.
    pub fn note(&self, text: &str) {
        let _ = writeln!(std::io::stderr(), "note: {}", plain(text));
    }

    /// Says what failed; gives the exit code.
    pub fn report(&self, failure: &Failure) -> ExitCode {
        let text = plain(&failure.to_string());
        if !text.is_empty() {
            let label = paint("error:", "1;31", std::io::stderr().is_terminal());
            let _ = writeln!(std::io::stderr(), "{label} {text}");
        }
        ExitCode::from(failure.code)
    }

    /// A bar of `steps` steps, seen on a terminal only.
    pub fn bar(&self, steps: u64) -> Bar {
        Bar::new(steps)
    }
}

/// Text whose control characters and marks of direction are written out: names come from files, and must not steer a
/// terminal.
pub fn plain(text: &str) -> String {
    visible(text, |c| c.escape_default().to_string())
}

/// Text with characters that are not seen, but steer a terminal or the direction of text, as `written` gives them.
pub fn visible(text: &str, written: impl Fn(char) -> String) -> String {
    let steers = |c: char| matches!(c as u32, 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || steers(c) { out.push_str(&written(c)) } else { out.push(c) }
    }
    out
}

/// Text in a colour, if there is a terminal to show it.
pub fn paint(text: &str, code: &str, on: bool) -> String {
    match on && std::env::var_os("NO_COLOR").is_none() {
        true => format!("\x1b[{code}m{text}\x1b[0m"),
        false => text.into(),
    }
}

/// A progress bar on the standard error; removed when dropped.
pub struct Bar(ProgressBar);

impl Bar {
    fn new(steps: u64) -> Bar {
        if !std::io::stderr().is_terminal() {
            return Bar(ProgressBar::hidden());
        }
        let bar = ProgressBar::new(steps);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg:24} {wide_bar} {elapsed}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Bar(bar)
    }

    /// Names what is being done now.
    pub fn at(&self, step: u64, what: &str) {
        self.0.set_position(step);
        self.0.set_message(what.to_string());
    }

    /// Follows the stages of a compilation.
    pub fn follow(&self, p: Progress) -> ControlFlow<()> {
        self.0.set_length(STAGES.len() as u64);
        self.at(p.index as u64 + p.graph.is_some() as u64, p.stage.name);
        ControlFlow::Continue(())
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_steer_a_terminal() {
        assert_eq!(plain("a\u{1b}[2J\u{9b}\u{202e}\r\nb é"), "a\\u{1b}[2J\\u{9b}\\u{202e}\\r\\nb é");
    }
}
