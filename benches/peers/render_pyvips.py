"""Draws the pages of a PDF with libvips, which has Poppler do it, and writes them with libvips' own writers.

libvips frees Python's lock while it works, so the pages are spread over threads.
"""

from concurrent.futures import ThreadPoolExecutor

import pyvips

import peer


def describe():
    version = ".".join(str(pyvips.version(part)) for part in range(3))
    if pyvips.type_find("VipsOperation", "pdfload") == 0:
        raise RuntimeError(f"libvips {version} was built without PDF")
    return {"version": f"pyvips {pyvips.__version__}, libvips {version}", "file": peer.loaded("libpoppler.so")}


def draw(task, page):
    image = pyvips.Image.new_from_file(task.file, page=page, dpi=task.dpi, access="sequential")
    options = {"Q": task.quality} if task.format == "jpeg" else {}
    image.flatten(background=255).write_to_file(task.path(page), **options)


def draw_all(task):
    pages = pyvips.Image.new_from_file(task.file).get("n-pages")
    with ThreadPoolExecutor(task.processes) as pool:
        for _ in pool.map(lambda page: draw(task, page), range(pages)):
            pass


if __name__ == "__main__":
    draw_all(peer.task(describe))
