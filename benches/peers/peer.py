"""What the scripts that call a library share: how they are called, and who draws which page.

    render_<library>.py FILE DIRECTORY png|jpeg DPI QUALITY PROCESSES
    render_<library>.py --describe

The pages are drawn by as many processes as are asked for. Each opens the document for itself, and
takes the next pages when it is done with some, as `Pool.map` does it.
"""

import json
import multiprocessing
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Task:
    """What is to be drawn, and how."""

    file: str
    directory: Path
    format: str
    dpi: int
    quality: int
    processes: int

    def path(self, page):
        """Where the picture of a page goes, which is counted from 0."""
        suffix = "jpg" if self.format == "jpeg" else self.format
        return str(self.directory / f"page-{page + 1:04}.{suffix}")


def task(describe):
    """The task of the command line; or says what the library is, and ends."""
    if sys.argv[1:] == ["--describe"]:
        print(json.dumps(describe()))
        sys.exit()
    file, directory, format, dpi, quality, processes = sys.argv[1:]
    return Task(file, Path(directory), format, int(dpi), int(quality), int(processes))


def draw_all(task, count_pages, open_document, draw):
    """Draws every page: `draw(task, document, page)` in processes that have called `open_document(task)`."""
    pages = count_pages(task)
    processes = min(task.processes, pages)
    if processes == 1:
        document = open_document(task)
        for page in range(pages):
            draw(task, document, page)
        return
    with multiprocessing.Pool(processes, _begin, (task, open_document, draw)) as pool:
        pool.map(_draw, range(pages))


def loaded(name):
    """The file of a shared library that this process has loaded."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        path = line.split(maxsplit=5)[-1]
        if Path(path).name.startswith(name):
            return path
    raise RuntimeError(f"no library {name} is loaded")


_own = None


def _begin(task, open_document, draw):
    global _own
    _own = (task, open_document(task), draw)


def _draw(page):
    task, document, draw = _own
    draw(task, document, page)
