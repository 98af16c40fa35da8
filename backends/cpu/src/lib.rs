//! dlc-cpu.
