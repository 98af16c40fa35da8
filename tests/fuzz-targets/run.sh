#!/bin/sh
# Fuzzes every reader: tests/fuzz-targets/run.sh [SECONDS] [TARGET..], 60 seconds and all targets by default.
# Needs cargo-fuzz (`cargo install cargo-fuzz`) and a C++ compiler. Findings end up in tests/fuzz-targets/artifacts.
set -eu
cd "$(dirname "$0")"
seconds=${1:-60}
[ $# -eq 0 ] || shift
[ $# -ne 0 ] || set -- import text artifact npy tensor
# The sanitizers are an unstable option of the pinned stable compiler.
export RUSTC_BOOTSTRAP=1

# Seeds: the networks that are built in, in every form.
cargo build -p dlc --manifest-path ../../Cargo.toml
dlc=${CARGO_TARGET_DIR:-../../target}/debug/dlc
mkdir -p corpus/import corpus/text corpus/artifact corpus/npy corpus/tensor
for model in $("$dlc" models --json | tr ',' '\n' | sed -n 's/.*"name":"\([^"]*\)".*/\1/p'); do
    "$dlc" models "$model" -o "corpus/import/$model.onnx" >/dev/null
    "$dlc" models "$model" -o "corpus/text/$model.txt" >/dev/null
    "$dlc" compile "corpus/import/$model.onnx" -o "corpus/artifact/$model" >/dev/null
    "$dlc" run "corpus/artifact/$model" -o "corpus/npy/$model" >/dev/null 2>&1
    mv "corpus/npy/$model/output_0.npy" "corpus/npy/$model.npy"
    rm -r "corpus/npy/$model"
done
# ONNX's own tests, where they are there: small models with every operator, and tensors.
tests=${DLC_ONNX_TESTS:-$HOME/.cache/dlc-onnx-tests}
if [ -d "$tests" ]; then
    find "$tests" -name model.onnx -size -32k | while read -r file; do
        cp "$file" "corpus/import/$(basename "$(dirname "$file")").onnx"
    done
    find "$tests" -name 'input_0.pb' -size -2k | head -n 200 | while read -r file; do
        cp "$file" "corpus/tensor/$(echo "$file" | cksum | cut -d' ' -f1).pb"
    done
fi

for target in "$@"; do
    cargo fuzz run --fuzz-dir . "$target" -- \
        -max_total_time="$seconds" -max_len=65536 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1
done
