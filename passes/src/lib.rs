//! dlc-passes.
