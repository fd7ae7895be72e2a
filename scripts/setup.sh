#!/usr/bin/env bash
# Installs what building, testing and the demo need, on a Debian 12 with rustup; on macOS, what cross
# builds need. It does nothing, quickly, when everything is there.
set -euo pipefail

usage() {
    cat <<'TEXT'
Usage: scripts/setup.sh [PART…] | --print-path | --print-lint-path | --print-peers-path
       scripts/setup.sh --print-pdfium [x86_64|aarch64]
       scripts/setup.sh --print-packages PART…

Installs what building, testing and the demo need. Parts, default `tools`:
  build   compilers and headers (apt), rustfmt and clippy (rustup)
  pdfium  build, and the shared library of PDFium for this machine
  pdfium-x86_64, pdfium-aarch64
          the same for another machine, which cross builds need
  tools   pdfium, targets of Rust, and a Python environment with zig, cargo-zigbuild, aws and linters
  matrix  tools, and what every cell of the build matrix needs: Rust's targets and llvm-tools (rustup),
          PDFium for each machine, emulators (apt)
  lint    build, Node, and a Python environment with what lints and tests deploy/
  bench   tools, and the programs that the benchmarks compare with (apt), libraries for Python among them

--print-path prints the directory of the Python environment's programs, and installs nothing.
--print-lint-path prints that of the one for deploy/, --print-peers-path that of the libraries of the benchmarks.
--print-pdfium prints the path of PDFium's library, for this machine or another, and installs nothing.
--print-packages prints the Debian packages of the parts, for who installs them as another user.
TEXT
}

BUILD_PACKAGES=(build-essential ca-certificates git nasm python3)
PDFIUM_PACKAGES=(python3-pip)
TOOLS_PACKAGES=(python3-venv "${PDFIUM_PACKAGES[@]}")
# qemu emulates a CPU; proot has it follow a program that starts another.
MATRIX_PACKAGES=(libc6-arm64-cross libgcc-s1-arm64-cross proot qemu-user-static)
LINT_PACKAGES=(nodejs python3-pip python3-venv)
# libvips is for pyvips, which compiles nothing.
BENCH_PACKAGES=(libvips42 mupdf-tools poppler-utils python3-pip python3-venv valgrind)
# The second is only checked: build-matrix packages on Windows too.
TOOLS_TARGETS=(x86_64-unknown-linux-musl x86_64-pc-windows-gnu)
MATRIX_TARGETS=({x86_64,aarch64}-unknown-linux-{gnu,musl})

cd "$(dirname "${BASH_SOURCE[0]}")/.."
REQUIREMENTS=scripts/requirements.txt
LINT_REQUIREMENTS=scripts/requirements-lint.txt
PEERS_REQUIREMENTS=scripts/requirements-peers.txt
PDFIUM_LOCK=scripts/pdfium.lock

main() {
    local part packages=("${BUILD_PACKAGES[@]}") targets=() components=() pdfium_archs=()
    local with_tools='' with_lint='' with_peers='' only_print=''
    if [ "${1:-}" = --print-packages ]; then
        only_print=1
        shift
    fi
    [ $# -gt 0 ] || set -- tools
    for part in "$@"; do
        case "$part" in
            build) ;;
            pdfium) packages+=("${PDFIUM_PACKAGES[@]}"); pdfium_archs+=("$(machine)") ;;
            pdfium-*) packages+=("${PDFIUM_PACKAGES[@]}"); pdfium_archs+=("${part#pdfium-}") ;;
            tools) with_tools=1 ;;
            matrix)
                with_tools=1
                packages+=("${MATRIX_PACKAGES[@]}")
                targets+=("${MATRIX_TARGETS[@]}")
                components+=(llvm-tools)
                pdfium_archs+=(x86_64 aarch64)
                ;;
            bench) with_tools=1; packages+=("${BENCH_PACKAGES[@]}"); with_peers=1 ;;
            lint) packages+=("${LINT_PACKAGES[@]}"); with_lint=1 ;;
            --print-path) tools_bin; return ;;
            --print-lint-path) tools_bin "$LINT_REQUIREMENTS"; return ;;
            --print-peers-path) tools_bin "$PEERS_REQUIREMENTS"; return ;;
            --print-pdfium) pdfium_library "${2:-$(machine)}"; return ;;
            -h | --help) usage; return ;;
            *) usage >&2; die "unknown part: $part" ;;
        esac
    done
    if [ -n "$with_tools" ]; then
        packages+=("${TOOLS_PACKAGES[@]}")
        targets+=("${TOOLS_TARGETS[@]}")
        pdfium_archs+=("$(machine)")
    fi
    if [ -n "$only_print" ]; then
        printf '%s\n' "${packages[@]}"
        return
    fi
    install_packages "${packages[@]}"
    # rustup puts itself on the PATH of later logins only.
    PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
    check_rust
    # An empty list is an unset variable to the bash of macOS.
    for part in ${components[@]+"${components[@]}"}; do
        need_component "$part"
    done
    for part in ${targets[@]+"${targets[@]}"}; do
        add_target "$part"
    done
    [ -z "$with_tools" ] || install_tools
    [ -z "$with_lint" ] || install_tools "$LINT_REQUIREMENTS"
    [ -z "$with_peers" ] || install_peers
    for part in ${pdfium_archs[@]+"${pdfium_archs[@]}"}; do
        install_pdfium "$part"
    done
}

# Debian packages: asks what is missing first, so that root is needed only then.
install_packages() {
    local package status missing=()
    if ! command -v dpkg-query >/dev/null; then
        note "this is no Debian: make sure yourself that there is what these packages have: $*"
        return
    fi
    local -A is_installed=()
    while read -r package status; do
        [ "$status" != installed ] || is_installed["${package%%:*}"]=1
    done < <(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null)
    for package in "$@"; do
        [ -n "${is_installed[$package]:-}" ] || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0

    if [ "$(id -u)" -ne 0 ]; then
        die "these Debian packages are missing, and installing them needs root. Run as root:

    apt-get update && apt-get install -y --no-install-recommends ${missing[*]}

and then this again."
    fi
    note "installing Debian packages: ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq || die "apt-get update failed"
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
        die "apt-get could not install: ${missing[*]}"
}

check_rust() {
    command -v cargo >/dev/null || die "cargo is missing: install Rust through rustup (https://rustup.rs), then run this again"
    local wanted have
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    have=$(rustc --version | cut -d ' ' -f 2)
    if [ "$(printf '%s\n' "$wanted" "$have" | sort -V | head -n 1)" != "$wanted" ]; then
        die "rustc is $have and $wanted or newer is needed. Run: rustup update stable"
    fi
    # rustup leaves proxies for components that are not there: only running one tells.
    cargo fmt --version >/dev/null 2>&1 || add_component rustfmt
    cargo clippy --version >/dev/null 2>&1 || add_component clippy
}

need_component() {
    rustup component list --installed 2>/dev/null | grep -q "^$1-" || add_component "$1"
}

add_component() {
    command -v rustup >/dev/null || die "$1 is missing, and there is no rustup to install it with"
    note "installing $1"
    rustup --quiet component add "$1"
}

add_target() {
    if ! command -v rustup >/dev/null; then
        note "there is no rustup, so the target $1 cannot be looked for; only cross builds need it"
        return
    fi
    if ! rustup target list --installed | grep -qx "$1"; then
        note "installing the target $1"
        rustup --quiet target add "$1"
    fi
}

# Two runs at the same time must not fill one directory, and half an environment must not pass
# for a whole one: a lock around it, and a stamp at the end.
install_tools() {
    local requirements=${1:-$REQUIREMENTS} dir
    dir=$(tools_dir "$requirements")
    [ ! -e "$dir/complete" ] || return 0
    mkdir -p "$(dirname "$dir")"
    exec 9>"$dir.lock"
    lock
    if [ ! -e "$dir/complete" ]; then
        note "installing what $requirements lists into $dir"
        rm -rf "$dir"
        python3 -m venv "$dir" || die "python3 could not make an environment in $dir"
        "$dir/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$requirements" ||
            die "pip could not install what $requirements lists"
        touch "$dir/complete"
    fi
    exec 9>&-
}

# No wheel for a machine, or no registry, costs the benchmarks these peers, which they skip by name, and nothing else.
install_peers() {
    (install_tools "$PEERS_REQUIREMENTS") || note "going on without what $PEERS_REQUIREMENTS lists"
}

tools_bin() {
    echo "$(tools_dir "${1:-$REQUIREMENTS}")/bin"
}

tools_dir() {
    local pins
    pins=$(sums "$1" | cut -c 1-12)
    echo "${XDG_CACHE_HOME:-$HOME/.cache}/pdf2img/tools-$pins"
}

# PDFium's library and the licence texts that it must be shipped with, out of a wheel.
install_pdfium() {
    local arch=$1 dir sum scratch
    dir=$(pdfium_dir "$arch")
    [ ! -e "$dir/complete" ] || return 0
    sum=$(pdfium_pin "${arch}_sha256")
    mkdir -p "$(dirname "$dir")"
    exec 9>"$dir.lock"
    lock
    if [ ! -e "$dir/complete" ]; then
        note "installing PDFium $(pdfium_pin build) for $arch into $dir"
        scratch=$dir.part
        rm -rf "$dir" "$scratch"
        mkdir -p "$scratch"
        python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
            --platform "manylinux_2_17_$arch" --dest "$scratch" \
            "$(pdfium_pin wheel)==$(pdfium_pin wheel_version)" ||
            die "pip could not download $(pdfium_pin wheel) $(pdfium_pin wheel_version), which carries PDFium"
        python3 -m zipfile -e "$scratch"/*.whl "$scratch/wheel" || die "the wheel in $scratch is no zip archive"
        echo "$sum  $scratch/wheel/pypdfium2_raw/libpdfium.so" | sums --check --status ||
            die "libpdfium.so in the wheel for $arch has not the SHA-256 that $PDFIUM_LOCK names: $sum"
        mkdir -p "$dir"
        mv "$scratch/wheel/pypdfium2_raw/libpdfium.so" "$dir/"
        mv "$scratch"/wheel/*.dist-info/licenses "$dir/licenses"
        rm -rf "$scratch"
        touch "$dir/complete"
    fi
    exec 9>&-
}

pdfium_library() {
    local dir
    dir=$(pdfium_dir "$1")
    echo "$dir/libpdfium.so"
}

pdfium_dir() {
    case "$1" in
        x86_64 | aarch64) echo "${XDG_CACHE_HOME:-$HOME/.cache}/pdf2img/pdfium-$(pdfium_pin build)/$1" ;;
        *) die "there is no PDFium for $1: choose x86_64 or aarch64" ;;
    esac
}

pdfium_pin() {
    sed -n "s/^$1=//p" "$PDFIUM_LOCK"
}

machine() {
    case "$(uname -m)" in
        arm64) echo aarch64 ;;
        *) uname -m ;;
    esac
}

# Neither of the two is on every macOS.
lock() {
    ! command -v flock >/dev/null || flock 9
}

sums() {
    if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum --algorithm 256 "$@"; fi
}

note() {
    echo "setup: $*" >&2
}

die() {
    echo "setup: $*" >&2
    exit 1
}

main "$@"
