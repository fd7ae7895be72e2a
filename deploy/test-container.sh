#!/usr/bin/env bash
# Builds the image of Containerfile, and runs its function from its unpacked root file system against the
# emulation of Lambda and S3. Needs root, for chroot and mounts, and buildah.
set -euo pipefail

usage() {
    cat <<'TEXT'
Usage: deploy/test-container.sh CELL_DIRECTORY PDF2IMG

CELL_DIRECTORY  what `build-matrix build` left for a static cell, such as target/lambda/mupdf-musl-static-amd64-system
PDF2IMG         the command `pdf2img`, which has the emulation
TEXT
}

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
IMAGE=localhost/pdf2img-test

main() {
    [ $# -eq 2 ] || { usage >&2; exit 2; }
    local cell=$1 pdf2img=$2 program
    python=$("$HERE/../scripts/setup.sh" --print-lint-path)/python
    [ "$(id -u)" -eq 0 ] || die "this needs root: sudo $0 $*"
    for program in buildah unshare chroot; do
        command -v "$program" >/dev/null || die "$program is missing: apt-get install buildah util-linux"
    done
    [ -x "$cell/bootstrap" ] || die "there is no executable bootstrap in $cell"
    [ -x "$pdf2img" ] || die "there is no executable $pdf2img"

    scratch=$(mktemp -d)
    trap clean_up EXIT
    # No daemon, no registry, and nothing is left in the user's own store.
    export STORAGE_DRIVER=vfs
    store=(--root "$scratch/store" --runroot "$scratch/run")
    buildah "${store[@]}" build --isolation chroot --quiet --file "$HERE/Containerfile" --tag "$IMAGE" "$cell" >/dev/null
    check_config
    local container
    container=$(buildah "${store[@]}" from --pull-never "$IMAGE")
    cp -a "$(buildah "${store[@]}" mount "$container")" "$scratch/root"
    echo "image: $(cd "$scratch/root" && find . -type f -printf '%P %s bytes, mode %m\n')"
    [ "$(cd "$scratch/root" && find . -type f)" = ./bootstrap ] || die "there is more in the image than bootstrap"

    render "$pdf2img"
}

# What runs an image reads this, and no shell is in there to help.
check_config() {
    local entry
    entry=$(buildah "${store[@]}" inspect --type image --format '{{.OCIv1.Config.Entrypoint}}' "$IMAGE")
    [ "$entry" = '[/bootstrap]' ] || die "the entry point is $entry"
}

# Uploads a document to the emulated S3, whose function is the one in the image, and waits for its manifest.
render() {
    # /proc is all that has to be provided. In a mount namespace of its own: it goes with the process.
    mkdir "$scratch/root/proc"
    cat >"$scratch/bootstrap" <<SCRIPT
#!/bin/sh
exec unshare --mount --propagation private sh -c 'mount -t proc proc "\$1/proc" && exec "\$2" "\$1" /bootstrap' \
    sh "$scratch/root" "$(command -v chroot)"
SCRIPT
    chmod +x "$scratch/bootstrap"
    "$python" "$HERE/tests/render_locally.py" "$1" "$scratch/bootstrap" "$scratch/data"
}

clean_up() {
    buildah "${store[@]}" umount --all >/dev/null 2>&1 || true
    rm -rf "$scratch"
}

die() {
    echo "test-container: $*" >&2
    exit 1
}

main "$@"
