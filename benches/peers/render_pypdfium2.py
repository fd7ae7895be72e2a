"""Draws the pages of a PDF with pypdfium2, form fields included, and writes them with Pillow."""

import PIL
import pypdfium2

import peer


def describe():
    versions = f"pypdfium2 {pypdfium2.PYPDFIUM_INFO}, PDFium {pypdfium2.PDFIUM_INFO}, Pillow {PIL.__version__}"
    return {"version": versions, "file": peer.loaded("libpdfium")}


def count_pages(task):
    document = pypdfium2.PdfDocument(task.file)
    pages = len(document)
    document.close()
    return pages


def open_document(task):
    document = pypdfium2.PdfDocument(task.file)
    document.init_forms()
    return document


def draw(task, document, page):
    image = document[page].render(scale=task.dpi / 72).to_pil()
    if task.format == "png":
        image.save(task.path(page))
    else:
        image.save(task.path(page), quality=task.quality)


if __name__ == "__main__":
    peer.draw_all(peer.task(describe), count_pages, open_document, draw)
