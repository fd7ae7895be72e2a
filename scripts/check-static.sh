#!/usr/bin/env bash
# Fails unless every executable given is static: no interpreter, no needed library.
set -euo pipefail

for program in "$@"; do
    headers=$(readelf --wide --program-headers --dynamic "$program")
    if grep -q 'INTERP' <<<"$headers"; then
        echo "$program is not static: it asks for an interpreter" >&2
        exit 1
    fi
    if grep -q '(NEEDED)' <<<"$headers"; then
        echo "$program is not static: $(grep -o 'Shared library: .*' <<<"$headers" | tr '\n' ' ')" >&2
        exit 1
    fi
    echo "$program: static, $(stat --format %s "$program") bytes"
done
