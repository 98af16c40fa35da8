//! dlc-vector.
