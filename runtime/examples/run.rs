//! The smallest server: runs an artifact once on zeros and says what came out. Symbolic sizes are 1.
//!
//! `cargo run --release -p dlc-runtime --example run -- MODEL.dlc`

use dlc_runtime::{Model, Options, PortInfo, Session, Tensor};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: run MODEL.dlc")?;
    let model = Model::open(path)?;
    let inputs: Vec<Tensor> = model.inputs().iter().map(zeros).collect::<Result<_, _>>()?;
    let outputs = Session::new(&model, Options::default())?.run(&inputs)?;
    for (port, t) in model.outputs().iter().zip(&outputs) {
        println!("{}: {:?}, {} bytes", port.name, t.dims(), t.data().len());
    }
    Ok(())
}

fn zeros(port: &PortInfo) -> Result<Tensor, Box<dyn Error>> {
    let dims: Vec<usize> = port.dims.iter().map(|d| d.parse().unwrap_or(1)).collect();
    // ONNX numbers of the types with elements of 2, 4 and 8 bytes; the others have 1.
    let size = match port.dtype {
        4 | 5 | 10 | 16 => 2,
        1 | 6 | 12 => 4,
        7 | 11 | 13 => 8,
        _ => 1,
    };
    let bytes = vec![0; size * dims.iter().product::<usize>()];
    Ok(Tensor::new(port.dtype, &dims, bytes.into())?)
}
