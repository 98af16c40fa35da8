//! ONNX's own tests, run by each of our executors and compared with the lists of what passes and what does not.
//!
//! `DLC_BLESS=1` rewrites the lists. `DLC_CONFORMANCE=part` runs only the tests whose names contain `part`, and
//! compares nothing with the lists.

mod case;
mod close;
mod cpu;
mod lists;
mod oracle;
mod run;

use case::{Case, cases};
use run::{Suite, check};
