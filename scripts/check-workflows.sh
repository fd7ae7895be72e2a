#!/usr/bin/env bash
# Fails if a linter finds something in the workflows, the shell scripts or the container files.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
PATH="$(scripts/setup.sh --print-path):$PATH"

main() {
    local scratch containerfiles
    scratch=$(mktemp -d)
    # shellcheck disable=SC2064 # The name is local to this function: it has to be known now.
    trap "rm -rf '$scratch'" EXIT
    check_linters "$scratch"

    # actionlint gives shellcheck what is in `run:`.
    actionlint .github/workflows/*.yml
    security .github
    shellcheck .ci/run scripts/*.sh deploy/*.sh
    mapfile -t containerfiles < <(find deploy -name 'Containerfile*' ! -name '*ignore')
    hadolint "${containerfiles[@]}"
}

security() {
    zizmor --offline --quiet --no-progress --persona pedantic "$@"
}

# What finds nothing in these would find nothing anywhere.
check_linters() {
    cat >"$1/workflow.yml" <<'YAML'
on: pull_request
jobs:
  greet:
    needs: nobody
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v6
      - run: echo ${{ github.event.pull_request.title }} $GITHUB_REF
YAML
    # shellcheck disable=SC2016 # The dollar is the fault.
    printf '#!/bin/bash\necho $1\n' >"$1/script.sh"
    printf 'FROM debian\nRUN cd /tmp\n' >"$1/Containerfile"
    must_find 'job "greet" needs job "nobody"' actionlint "$1/workflow.yml"
    must_find 'SC2086' actionlint "$1/workflow.yml"
    must_find 'unpinned-uses' security "$1/workflow.yml"
    must_find 'template-injection' security "$1/workflow.yml"
    must_find 'SC2086' shellcheck "$1/script.sh"
    must_find 'DL3006' hadolint "$1/Containerfile"
}

must_find() {
    local fault=$1 said
    shift
    if said=$("$@" 2>&1); then
        die "$1 has nothing against a file with a fault: $fault"
    fi
    [[ $said == *"$fault"* ]] || die "$1 does not find $fault, but says:" "$said"
}

die() {
    echo "check-workflows: $1" >&2
    shift
    [ $# -eq 0 ] || printf '%s\n' "$@" >&2
    exit 1
}

main "$@"
