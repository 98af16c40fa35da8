//! Constants in files of their own.

use super::*;
use crate::load;
use std::fs;
use std::path::Path;

fn entry(key: &str, value: &str) -> StringStringEntryProto {
    StringStringEntryProto { key: key.into(), value: value.into() }
}

/// Writes a model whose constant is at `location` and loads it.
fn at(folder: &Path, location: &str, offset: &str, length: Option<&str>) -> Result<Model> {
    let mut t = raw("w", &count(&[2]));
    t.raw_data = None;
    t.data_location = 1;
    t.external_data = vec![entry("location", location), entry("offset", offset)];
    t.external_data.extend(length.map(|l| entry("length", l)));
    let mut g = graph(vec![value("x", DType::F32, &["2"])], vec![node("Add", &["x", "w"], &["y"], vec![])], &["y"]);
    g.initializer.push(t);
    let path = folder.join("model.onnx");
    fs::write(&path, model(13, g).encode_to_vec()).unwrap();
    load(&path, &LoadOptions::default())
}

#[test]
fn data_beside_the_model_is_found() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("sub")).unwrap();
    fs::write(dir.path().join("sub/data.bin"), [vec![0; 16], count(&[2]).bytes().to_vec()].concat()).unwrap();
    for length in [Some("8"), None] {
        let g = at(dir.path(), "sub/data.bin", "16", length).unwrap().graph;
        assert_eq!(dlc_ir::interp::run(&g, &[count(&[2])]).unwrap(), [Tensor::f32(&[2], &[0.0, 2.0])]);
    }
}

#[test]
fn data_outside_of_the_folder_or_the_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (inside, outside) = (dir.path().join("model"), dir.path().join("secret.bin"));
    fs::create_dir(&inside).unwrap();
    fs::write(&outside, [0; 8]).unwrap();
    fs::write(inside.join("data.bin"), [0; 8]).unwrap();
    std::os::unix::fs::symlink(&outside, inside.join("link.bin")).unwrap();
    let refused = |location: &str, offset: &str, length| {
        let e = at(&inside, location, offset, length).expect_err(location).to_string();
        assert!(e.contains("\"w\"") || e.contains("gone.bin"), "{e}");
    };
    refused("../secret.bin", "0", Some("8"));
    refused(outside.to_str().unwrap(), "0", Some("8"));
    refused("link.bin", "0", Some("8"));
    refused("gone.bin", "0", Some("8"));
    refused("", "0", Some("8"));
    refused(".", "0", Some("8"));
    refused("data.bin", "1", Some("8"));
    refused("data.bin", "0", Some("4"));
    refused("data.bin", "18446744073709551615", Some("8"));
    refused("data.bin", "-1", Some("8"));
    assert!(at(&inside, "data.bin", "0", Some("8")).is_ok());
}

#[test]
fn a_model_from_memory_has_no_folder() {
    let mut t = raw("w", &count(&[2]));
    t.data_location = 1;
    t.external_data = vec![entry("location", "data.bin")];
    let mut g = graph(vec![], vec![], &["w"]);
    g.initializer.push(t);
    assert!(error(&model(13, g)).contains("needs the folder"));
}
