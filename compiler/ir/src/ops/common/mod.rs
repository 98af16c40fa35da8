//! What families of operators share.

pub mod contract;
pub mod elementwise;
pub mod window;
