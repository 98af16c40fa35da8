//! dlc-runtime.
