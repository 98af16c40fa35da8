//! What families of operators share.

pub mod contract;
pub mod elementwise;
pub mod movement;
pub mod span;
pub mod window;
