//! dlc-compiler.
