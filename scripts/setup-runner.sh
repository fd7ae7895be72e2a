#!/usr/bin/env bash
# What a job of a workflow begins with: Rust of the version that build-matrix/matrix.toml pins, then the
# parts of scripts/setup.sh that are named, or none. A runner's user is not root, but may become it.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

rust=$(sed -n 's/^rust = "\(.*\)"/\1/p' build-matrix/matrix.toml)
rustup toolchain install "$rust" --profile minimal --component rustfmt,clippy
rustup default "$rust"
[ $# -gt 0 ] || exit 0

if command -v dpkg-query >/dev/null; then
    mapfile -t packages < <(scripts/setup.sh --print-packages "$@")
    sudo apt-get update --quiet
    sudo apt-get install --yes --quiet --no-install-recommends "${packages[@]}"
fi
scripts/setup.sh "$@"
