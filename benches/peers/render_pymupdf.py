"""Draws the pages of a PDF with PyMuPDF, and writes them with its own encoder for PNG, Pillow's for JPEG.

Its own encoder for JPEG, without SIMD, is several times slower.
"""

import pymupdf

import peer


def describe():
    return {
        "version": f"PyMuPDF {pymupdf.VersionBind}, MuPDF {pymupdf.VersionFitz}",
        "file": peer.loaded("libmupdf.so"),
    }


def count_pages(task):
    with pymupdf.open(task.file) as document:
        return document.page_count


def open_document(task):
    return pymupdf.open(task.file)


def draw(task, document, page):
    pixmap = document[page].get_pixmap(dpi=task.dpi)
    if task.format == "png":
        pixmap.save(task.path(page))
    else:
        pixmap.pil_save(task.path(page), quality=task.quality)


if __name__ == "__main__":
    peer.draw_all(peer.task(describe), count_pages, open_document, draw)
