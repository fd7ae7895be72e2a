#!/usr/bin/env bash
# Prints what CHANGELOG.md says of the version that a tag names. Fails if the tag is not `v` and the
# version of the packages, or if the changelog has nothing of it.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [ $# -ne 1 ]; then
    echo "Usage: scripts/release-notes.sh TAG" >&2
    exit 2
fi
tag=$1
# That of the workspace, which all packages have.
version=$(sed -n '/^\[workspace.package\]/,/^\[/ s/^version = "\(.*\)"/\1/p' Cargo.toml)
if [ "$tag" != "v$version" ]; then
    echo "release-notes: the tag is $tag and Cargo.toml has the version $version: one of them is wrong" >&2
    exit 1
fi
notes=$(awk -v heading="## [$version]" '
    /^## / { inside = index($0, heading) == 1; next }
    inside
' CHANGELOG.md)
if [ -z "${notes//[[:space:]]/}" ]; then
    echo "release-notes: CHANGELOG.md says nothing below '## [$version]'" >&2
    exit 1
fi
printf '%s\n' "$notes"
