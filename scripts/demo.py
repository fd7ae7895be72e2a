#!/usr/bin/env python3
"""The whole service on this machine, with a real S3 client: `make demo`.

Builds, makes the corpus, starts the local stack, uploads every document with `aws s3 cp`, waits
for the manifests, and says what came of each. The exit code is 0 if that is what was expected.
"""

import argparse
import shutil
import subprocess
import sys
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from stack import REPOSITORY, Manifests, Stack, StackError, build, problems

# A directory is emptied only if the demo has made it.
MARKER = ".made-by-pdf2img-demo"

# A key with what goes wrong most: spaces, UTF-8, a plus, an ampersand, an upper-case suffix.
AWKWARD_KEY = "inbox/Ünï côdé + plus & (1).PDF"
AWKWARD_ID = "text-1"

CORPUS_FOLDER = "corpus/"

NO_PDF_KEY = "inbox/not-a-pdf.pdf"
NO_PDF = b"<!DOCTYPE html><title>Not a PDF</title><p>An error page that was saved under the wrong name."


@dataclass(frozen=True)
class Upload:
    """A file, where it goes, and what shall come of it."""

    file: Path
    key: str
    pages: int
    code: str | None = None

    def verdict(self, manifest: dict | None) -> str | None:
        """What is wrong with the outcome; `None` if nothing is."""
        if manifest is None:
            return "no manifest"
        codes = [problem.code for problem in problems(manifest)]
        if self.code is not None:
            return None if codes == [self.code] else f"expected {self.code}"
        if manifest["status"] != "complete" or manifest["totals"]["images"] != self.pages:
            return f"expected {self.pages} images"
        return None


def main() -> int:
    parser = argparse.ArgumentParser(description="Runs the whole service on this machine.")
    parser.add_argument("--bootstrap", type=Path, help="another executable of the function, such as the static one")
    parser.add_argument("--backend", default="mupdf", help="the engine: mupdf, pdfium or hayro (default: mupdf)")
    parser.add_argument("--data", type=Path, default=REPOSITORY / "demo-data", help="where objects go (default: demo-data)")
    parser.add_argument("--wait", type=float, default=300, metavar="SECONDS", help="the longest to wait for the results")
    arguments = parser.parse_args()

    print("Building …", flush=True)
    programs = build()
    bootstrap = (arguments.bootstrap or programs / "bootstrap").resolve()
    data = arguments.data.resolve()
    make_empty(data)
    documents = data / "documents"
    uploads = make_documents(documents)

    flags = ["--bootstrap", str(bootstrap), "--environments", "2", "--env", f"PDF2IMG_BACKEND={arguments.backend}"]
    with Stack(programs, data, data / "stack.log", flags) as stack:
        print(f"S3 is at {stack.endpoint}, the function is {bootstrap} with {arguments.backend}", flush=True)
        started = time.monotonic()
        upload_all(stack, documents, uploads)
        manifests = wait(stack, uploads, arguments.wait)
        seconds = time.monotonic() - started
    wrong = report(uploads, manifests, seconds)

    print(f"\nPictures: {data / 'index.html'}\nLog:      {data / 'stack.log'}")
    for key, what in wrong.items():
        print(f"WRONG: {key}: {what}", file=sys.stderr)
    return 1 if wrong else 0


def make_empty(data: Path) -> None:
    if data.exists() and any(data.iterdir()):
        if not (data / MARKER).exists():
            sys.exit(f"{data} has files that are not the demo's: name an empty or a new directory")
        shutil.rmtree(data)
    data.mkdir(parents=True, exist_ok=True)
    (data / MARKER).touch()


def make_documents(directory: Path) -> list[Upload]:
    print("Making the corpus …", flush=True)
    generate = ["cargo", "run", "--release", "--locked", "--quiet", "-p", "corpus", "--", "generate", "--dir"]
    subprocess.run([*generate, str(directory)], cwd=REPOSITORY, check=True, stdout=subprocess.DEVNULL)
    # Documents that are made on demand only are in the manifest, but not in the directory.
    entries = tomllib.loads((REPOSITORY / "corpus" / "manifest.toml").read_text())["document"]
    made = [entry for entry in entries if (directory / entry["file"]).exists()]
    uploads = [Upload(directory / entry["file"], CORPUS_FOLDER + entry["file"], entry["pages"]) for entry in made]
    awkward = next(entry for entry in made if entry["id"] == AWKWARD_ID)
    uploads.append(Upload(directory / awkward["file"], AWKWARD_KEY, awkward["pages"]))
    no_pdf = directory.parent / "not-a-pdf.pdf"
    no_pdf.write_bytes(NO_PDF)
    uploads.append(Upload(no_pdf, NO_PDF_KEY, 0, code="not_a_pdf"))
    return uploads


def upload_all(stack: Stack, documents: Path, uploads: list[Upload]) -> None:
    print(f"Uploading {len(uploads)} documents with aws s3 cp …", flush=True)
    # The one that belongs to this interpreter, not one that happens to be on the PATH.
    aws = Path(sys.executable).with_name("aws")

    def copy(*arguments: str) -> None:
        command = [str(aws), "s3", "cp", "--only-show-errors", *arguments]
        subprocess.run(command, env=stack.aws_environment(), check=True)

    bucket = f"s3://{stack.input_bucket}"
    others = [upload for upload in uploads if not upload.key.startswith(CORPUS_FOLDER)]
    # Each run of the command takes a second or two to start, so the corpus goes in one.
    with ThreadPoolExecutor() as pool:
        runs = [pool.submit(copy, "--recursive", str(documents), f"{bucket}/{CORPUS_FOLDER}")]
        runs += [pool.submit(copy, str(upload.file), f"{bucket}/{upload.key}") for upload in others]
        for run in runs:
            run.result()


def wait(stack: Stack, uploads: list[Upload], within_s: float) -> dict[str, dict]:
    print("Waiting for the manifests …", flush=True)
    manifests = Manifests(stack.client(), stack.output_bucket, [upload.key for upload in uploads])
    end = time.monotonic() + within_s
    while not manifests.all_final() and time.monotonic() < end:
        time.sleep(0.2)
        stack.check_alive()
        manifests.refresh()
    # The last sheet is written just after the last manifest.
    while not stack.is_idle(quiet_s=0.5) and time.monotonic() < end:
        time.sleep(0.1)
    return manifests.found


def report(uploads: list[Upload], manifests: dict[str, dict], seconds: float) -> dict[str, str]:
    """Prints the table; returns what is wrong, by key."""
    wrong = {}
    rows = []
    for upload in uploads:
        manifest = manifests.get(upload.key)
        verdict = upload.verdict(manifest)
        if verdict is not None:
            wrong[upload.key] = verdict
        if manifest is None:
            rows.append([upload.key, "", "", "", "no manifest"])
            continue
        totals = manifest["totals"]
        failures = ", ".join(str(problem) for problem in problems(manifest)) or "–"
        pages = manifest.get("page_count")
        rows.append(
            [upload.key, "–" if pages is None else str(pages), str(totals["images"]), f"{totals['ms']['total']:.0f}", failures]
        )
    print()
    print_table(["document", "pages", "images", "ms", "failures"], rows, right={1, 2, 3})
    images = sum(manifest["totals"]["images"] for manifest in manifests.values())
    print(f"\n{len(manifests)} of {len(uploads)} documents, {images} images, {seconds:.1f} s from the first upload on")
    return wrong


def print_table(head: list[str], rows: list[list[str]], right: set[int]) -> None:
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, ["─" * width for width in widths], *rows]:
        cells = (cell.rjust(w) if i in right else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths)))
        print("  ".join(cells).rstrip())


if __name__ == "__main__":
    try:
        sys.exit(main())
    except StackError as error:
        sys.exit(f"pdf2img local: {error}")
    except subprocess.CalledProcessError as error:
        sys.exit(f"failed: {' '.join(error.cmd)}")
    except KeyboardInterrupt:
        sys.exit(130)
