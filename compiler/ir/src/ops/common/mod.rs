//! What families of operators share.

pub mod contract;
pub mod elementwise;
pub mod movement;
pub mod pool;
pub mod quantize;
pub mod span;
pub mod window;
