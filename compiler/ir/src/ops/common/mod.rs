//! What families of operators share.

pub mod activation;
pub mod arg;
pub mod binary;
pub mod contract;
pub mod convert;
pub mod cumulative;
pub mod elementwise;
pub mod expansion;
pub mod global_pool;
pub mod layer_norm;
pub mod line;
pub mod movement;
pub mod normalize;
pub mod pool;
pub mod predicate;
pub mod quantize;
pub mod recurrent;
pub mod reduction;
pub mod resample;
pub mod resample_expr;
pub mod resize;
pub mod softmax;
pub mod span;
pub mod unary;
pub mod variadic;
pub mod window;
