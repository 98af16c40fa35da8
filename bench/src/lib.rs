//! Benches of kernels and models.
