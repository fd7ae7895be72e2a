"""Draws the pages of a PDF with pdf2image, which starts as many `pdftoppm` as it is told, each for its share."""

import importlib.metadata
import shutil
import subprocess

import pdf2image

import peer


def describe():
    file = shutil.which("pdftoppm")
    if file is None:
        raise RuntimeError("pdf2image needs pdftoppm, which is not installed")
    said = subprocess.run([file, "-v"], capture_output=True, text=True, check=True).stderr
    own = importlib.metadata.version("pdf2image")
    return {"version": f"pdf2image {own}, {said.splitlines()[0]}", "file": file}


def draw(task):
    pdf2image.convert_from_path(
        task.file,
        dpi=task.dpi,
        output_folder=task.directory,
        output_file="page",
        fmt=task.format,
        jpegopt={"quality": task.quality},
        thread_count=task.processes,
        use_cropbox=True,
        paths_only=True,
    )


if __name__ == "__main__":
    draw(peer.task(describe))
