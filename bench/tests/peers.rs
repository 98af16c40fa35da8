//! What `bench/peers` computes from times is right: the examples in its files.

use std::process::Command;

#[test]
fn examples_hold() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/peers");
    for file in ["figures.py", "table.py", "model.py", "window.py"] {
        let out = Command::new("python3")
            .args(["-B", "-m", "doctest", file])
            .current_dir(folder)
            .output()
            .expect("python3 runs");
        assert!(out.status.success(), "{file}: {}", String::from_utf8_lossy(&out.stdout));
    }
}
