#!/usr/bin/env bash
# Puts PDFium's library and the licences that it is shipped with beside the executables that load it.
set -euo pipefail

if [ $# -ne 1 ]; then
    echo "Usage: scripts/add-pdfium.sh DIRECTORY" >&2
    exit 2
fi
library=$("$(dirname "${BASH_SOURCE[0]}")/setup.sh" --print-pdfium)
if [ ! -e "$library" ]; then
    echo "add-pdfium: $library is missing: run scripts/setup.sh pdfium" >&2
    exit 1
fi
mkdir -p "$1/lib"
# Another file, so that a process that has the old one mapped does not see it change.
cp --remove-destination "$library" "$1/lib/libpdfium.so"
rm -rf "$1/lib/pdfium-licenses"
cp -r "$(dirname "$library")/licenses" "$1/lib/pdfium-licenses"
