#!/bin/sh
# Fuzzes every reader: tests/fuzz-targets/run.sh [SECONDS] [TARGET..], 60 seconds and all targets by default.
# Needs cargo-fuzz and a C++ compiler. What is found ends up in tests/fuzz-targets/artifacts.
set -eu
cd "$(dirname "$0")"
seconds=${1:-60}
[ $# -eq 0 ] || shift
[ $# -ne 0 ] || set -- import text artifact npy tensor

stop() {
    echo "error: $1" >&2
    exit 2
}
case $seconds in *[!0-9]* | '') stop "the time is \"$seconds\", expected a number of seconds: run.sh [SECONDS] [TARGET..]" ;; esac
for target in "$@"; do
    [ -f "fuzz_targets/$target.rs" ] || stop "no target is named \"$target\", expected some of import, text, artifact, npy, tensor"
done
cargo fuzz --version >/dev/null 2>&1 || stop "cargo-fuzz is not installed: cargo install cargo-fuzz --version 0.13.2"
c++ --version >/dev/null 2>&1 || stop "no C++ compiler is installed, which libFuzzer is built with: install g++ or clang"

cargo build -p dlc --manifest-path ../../Cargo.toml
dlc=${CARGO_TARGET_DIR:-../../target}/debug/dlc
mkdir -p corpus/import corpus/text corpus/artifact corpus/npy corpus/tensor

# A model in every form, and its results as arrays; what does not compile alone is left out.
seed() {
    "$dlc" compile "$1" --emit text -o "corpus/text/$2.txt" || rm -f "corpus/text/$2.txt"
    "$dlc" compile "$1" -o "corpus/artifact/$2" || return 0
    "$dlc" run "corpus/artifact/$2" -o corpus/npy/results || return 0
    for file in corpus/npy/results/*.npy; do
        [ ! -f "$file" ] || mv "$file" "corpus/npy/$2.$(basename "$file")"
    done
    rm -rf corpus/npy/results
}
# Seeds, made once: the networks that are built in; of ONNX's own tests, where they are there, all small models, every tenth
# also in the other forms, and tensors.
if [ ! -f corpus/seeded ]; then
    for model in $("$dlc" models --json | tr ',' '\n' | sed -n 's/.*"name":"\([^"]*\)".*/\1/p'); do
        "$dlc" models "$model" -o "corpus/import/$model.onnx" >/dev/null
        "$dlc" models "$model" -o "corpus/text/$model.models.txt" >/dev/null
        seed "corpus/import/$model.onnx" "$model" >/dev/null 2>&1
    done
    tests=${DLC_ONNX_TESTS:-$HOME/.cache/dlc-onnx-tests}
    if [ -d "$tests" ]; then
        find "$tests" -name model.onnx -size -32k | sort | while read -r file; do
            cp "$file" "corpus/import/$(basename "$(dirname "$file")").onnx"
        done
        find "$tests" -name model.onnx -size -4k | sort | awk 'NR % 10 == 0' | while read -r file; do
            seed "$file" "$(basename "$(dirname "$file")")" </dev/null >/dev/null 2>&1
        done
        find "$tests" -name 'input_0.pb' -size -2k | sort | awk 'NR % 5 == 0' | while read -r file; do
            cp "$file" "corpus/tensor/$(echo "$file" | cksum | cut -d' ' -f1).pb"
        done
    fi
    touch corpus/seeded
fi
for form in import text artifact npy tensor; do
    echo "corpus/$form: $(find "corpus/$form" -type f | wc -l) files"
done

# The sanitizers are an unstable option of the pinned stable compiler.
export RUSTC_BOOTSTRAP=1
for target in "$@"; do
    cargo fuzz run --fuzz-dir . "$target" -- \
        -max_total_time="$seconds" -max_len=65536 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1
done
