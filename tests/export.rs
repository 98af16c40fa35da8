//! Models that we write are read by another runtime, which gives what the oracle gives.

use crate::zoo_import::beyond;
use dlc_tests::zoo;

/// Inputs of every network of `dlc-models`.
const RECIPES: &[(&str, &str)] = &[
    ("decoder", "x=normal:1[2,3,32];past_key=normal:1[2,4,32];past_value=normal:1[2,4,32]"),
    ("encoder", "x=normal:1[2,5,64]"),
    ("gate", "x=normal:1[2,8]"),
    ("int8_mlp", "x=normal:1[2,64]"),
    ("lenet", "x=uniform[1,1,28,28]"),
    ("mlp", "x=uniform[2,784]"),
    ("pyramid", "image=uniform[1,3,10,13]"),
    ("tagger", "words=ints:0:100[4,2]"),
    ("tiny_mobilenet", "x=uniform[1,3,32,32]"),
    ("tiny_resnet", "x=uniform[1,3,32,32]"),
];

#[test]
fn another_runtime_agrees_on_exported_models() {
    assert!(dlc_models::MODELS.iter().map(|m| m.name).eq(RECIPES.iter().map(|r| r.0)), "every network has a recipe");
    for (name, recipe) in RECIPES {
        let g = (dlc_models::find(name).expect("names are those of the list").build)(11);
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("model.onnx");
        std::fs::write(&path, dlc_onnx::export(&g).unwrap()).expect("the folder is writable");
        zoo::expect(&path, recipe, dir.path()).unwrap_or_else(|e| panic!("{name}: {e}"));
        let read = |prefix: &str| -> Vec<_> {
            zoo::files(dir.path(), prefix).iter().map(|p| dlc_onnx::read_tensor_pb(p).unwrap()).collect()
        };
        let got = dlc_ir::interp::run(&g, &read("input")).unwrap_or_else(|e| panic!("{name}: {e}"));
        for (g, w) in got.iter().zip(&read("output")) {
            assert_eq!((g.dtype(), g.shape()), (w.dtype(), w.shape()), "{name}");
            let (g, w) = (g.to_f64(), w.to_f64());
            assert_eq!(beyond(&g, &w), None, "{name}: {g:?} {w:?}");
        }
    }
}
