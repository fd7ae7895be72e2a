#!/usr/bin/env bash
# Fails unless builds without the feature `mupdf` are free of MuPDF: no package of it is compiled or
# linked into them, and no package under a licence that binds the whole work.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

# What may be in a binary that is handed on under MIT OR Apache-2.0. Each asks for no more than a
# notice; `scripts/check-permissive.sh --licences` lists who has which.
PERMITTED=(0BSD Apache-2.0 BSD-2-Clause BSD-3-Clause BSL-1.0 CC0-1.0 CDLA-Permissive-2.0 IJG ISC
    LLVM-exception MIT MIT-0 NCSA OFL-1.1 Unicode-3.0 Unlicense Zlib)

main() {
    local features package
    # What finds nothing in a build with MuPDF would find nothing anywhere.
    packages pdf2img mupdf | grep -q '^render-mupdf ' || die "MuPDF is not seen where it is"
    for features in hayro pdfium hayro,pdfium,cjk; do
        for package in pdf2img pdf2img-cli; do
            check "$package" "$features" "${1:-}"
        done
    done
}

check() {
    local package=$1 features=$2 tree mupdf bound
    tree=$(packages "$package" "$features")
    # `mupdf-fonts-droid` is a font under the Apache License, and nothing of MuPDF.
    mupdf=$(grep -iE '^(render-)?mupdf(-sys)? ' <<<"$tree" || true)
    [ -z "$mupdf" ] || die "$package with --no-default-features --features $features contains MuPDF:" "$mupdf"
    grep -q '^render-' <<<"$tree" || die "$package --features $features has no engine; is the feature gone?"
    bound=$(grep -v '|$' <<<"$tree" | while IFS='|' read -r name licence; do
        is_permitted "$licence" || echo "$name: $licence"
    done)
    [ -z "$bound" ] || die "$package with --features $features contains what is not permissive:" "$bound"
    [ "${3:-}" != --licences ] || awk -F '|' -v p="$package" '{ print p ": " $1 ": " $2 }' <<<"$tree"
    echo "$package --no-default-features --features $features: $(wc -l <<<"$tree") packages, no MuPDF, all permissive"
}

# Name, version and licence of all that is compiled into a package.
packages() {
    cargo tree --locked --package "$1" --no-default-features --features "$2" \
        --edges normal,build --prefix none --format '{p}|{l}' | sed 's/ (\*)//; s/ ([^|]*)//' | sort -u
}

# An SPDX expression is permitted if one side of each OR is; AND needs both. No licence in use has
# parentheses that change that, but for those around an OR beside an AND, where both are wanted.
is_permitted() {
    local expression=${1//[()]/} alternative term all
    expression=${expression//\//' OR '}
    while read -r alternative; do
        all=1
        for term in ${alternative//AND/}; do
            [ "$term" = WITH ] || [[ " ${PERMITTED[*]} " == *" $term "* ]] || all=
        done
        [ -z "$all" ] || return 0
    done <<<"${expression// OR /$'\n'}"
    return 1
}

die() {
    echo "check-permissive: $1" >&2
    shift
    [ $# -eq 0 ] || printf '%s\n' "$@" >&2
    exit 1
}

main "$@"
