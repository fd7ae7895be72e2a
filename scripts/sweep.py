#!/usr/bin/env python3
"""Every PDF below a directory through the running service, and a tally: `make sweep DIR=…`.

The exit code is 0 if every document has a manifest, every failure has a code, and the function's
process never died. Flags that are not known here go to `pdf2img local`.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


from stack import ClientError, Manifests, Stack, StackError, build, problems

# A retry of the stack comes after two seconds at most: quiet for longer, it has nothing left to do.
QUIET_S = 10

# How many of the slowest documents are listed.
SLOWEST = 15


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Sends every PDF below a directory through the service and tallies what came of it.",
        epilog="Other flags go to `pdf2img local`: --env PDF2IMG_PAGE_TIMEOUT=5s",
        allow_abbrev=False,
    )
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument("--out", type=Path, required=True, help="where the summary and the log go")
    parser.add_argument("--data", type=Path, help="keep the objects here, in a new directory (default: they are removed)")
    parser.add_argument("--wait", type=float, default=3600, metavar="SECONDS", help="the longest to wait for the results")
    parser.add_argument("--environments", default="2", help="how many execution environments (default: 2)")
    arguments, flags = parser.parse_known_args()
    flags = [flag for flag in flags if flag != "--"]

    files = {
        str(path.relative_to(arguments.directory)): path
        for path in sorted(arguments.directory.rglob("*"))
        if path.is_file() and path.suffix.lower() == ".pdf"
    }
    if not files:
        sys.exit(f"there is no PDF below {arguments.directory}")
    print("Building …", flush=True)
    programs = build()
    arguments.out.mkdir(parents=True, exist_ok=True)
    if arguments.data is not None:
        arguments.data.mkdir(parents=True)
    data = arguments.data or Path(tempfile.mkdtemp(prefix="pdf2img-sweep-"))
    try:
        flags = ["--environments", arguments.environments, *flags]
        summary = sweep(programs, data, arguments.out, files, flags, arguments.wait)
    finally:
        if arguments.data is None:
            shutil.rmtree(data)
    (arguments.out / "sweep.json").write_text(json.dumps(summary, indent=1, ensure_ascii=False) + "\n")
    text = markdown(summary)
    (arguments.out / "sweep.md").write_text(text)
    print(f"\n{text}\nWritten to {arguments.out}/sweep.md and sweep.json; the log is in {arguments.out}/stack.log")
    return 1 if summary["wrong"] else 0


def sweep(programs: Path, data: Path, out: Path, files: dict[str, Path], flags: list[str], wait_s: float) -> dict:
    with Stack(programs, data, out / "stack.log", flags) as stack:
        started = time.monotonic()
        print(f"Uploading {len(files)} documents …", flush=True)
        client = stack.client()

        def upload(item: tuple[str, Path]) -> str | None:
            key, path = item
            try:
                with open(path, "rb") as body:
                    client.put_object(Bucket=stack.input_bucket, Key=key, Body=body)
            except ClientError as error:
                return f"{key}: {error}"
            return None

        with ThreadPoolExecutor(4) as pool:
            refused = [refusal for refusal in pool.map(upload, files.items()) if refusal is not None]
        manifests = Manifests(client, stack.output_bucket, list(files))
        timed_out = not wait_for(stack, manifests, started + wait_s, started)
        seconds = time.monotonic() - started
        events = stack.events()
    return summarize(list(files), manifests.found, events, seconds, timed_out, flags) | {"refused": refused}


def wait_for(stack: Stack, manifests: Manifests, end: float, started: float) -> bool:
    """Waits until nothing is left to do; `False` if the time ran out first."""
    pause_s = 2.0
    while time.monotonic() < end:
        time.sleep(pause_s)
        stack.check_alive()
        # Idle first, the listing second: what was written in between is then seen.
        idle = stack.is_idle(QUIET_S)
        before = time.monotonic()
        manifests.refresh()
        pause_s = max(2.0, 4 * (time.monotonic() - before))
        left = len(manifests.missing())
        print(f"  {time.monotonic() - started:6.0f} s: {len(manifests.found)} done, {left} to go", flush=True)
        if idle or (manifests.all_final() and stack.is_idle(quiet_s=1)):
            return True
    return False


def summarize(
    keys: list[str], manifests: dict[str, dict], events: list[dict], seconds: float, timed_out: bool, flags: list[str]
) -> dict:
    reports = [event for event in events if event["type"] == "report"]
    outcomes = Counter(report["outcome"] for report in reports)
    documents = []
    for key in keys:
        manifest = manifests.get(key)
        if manifest is None:
            documents.append({"key": key, "status": "no manifest", "problems": {}, "ms": None, "images": 0})
            continue
        documents.append(
            {
                "key": key,
                "status": manifest["status"],
                "error": manifest.get("error"),
                "problems": {problem.code: problem.count for problem in problems(manifest)},
                "page_count": manifest.get("page_count"),
                "images": manifest["totals"]["images"],
                "failed": manifest["totals"]["failed"],
                "missing": manifest["totals"]["missing"],
                "bytes": manifest["totals"]["bytes"],
                "ms": manifest["totals"]["ms"]["total"],
            }
        )
    without = [document["key"] for document in documents if document["status"] == "no manifest"]
    # A document that is not complete has to say why.
    uncoded = [
        document["key"]
        for document in documents
        if document["status"] in ("partial", "failed") and (not document["problems"] or "" in document["problems"])
    ]
    deaths = [report for report in reports if report["outcome"] in ("exited", "timeout")]
    init_failures = [event for event in events if event["type"] == "init_failed"]
    wrong = []
    if timed_out:
        wrong.append("the time ran out")
    if without:
        wrong.append(f"{len(without)} documents without a manifest")
    if uncoded:
        wrong.append(f"{len(uncoded)} failures without a code")
    if deaths or init_failures:
        wrong.append(f"the function died {len(deaths) + len(init_failures)} times")
    return {
        "wrong": wrong,
        "flags": flags,
        "documents_sent": len(keys),
        "seconds": round(seconds, 1),
        "statuses": dict(Counter(document["status"] for document in documents)),
        "document_codes": dict(
            Counter(f"{d['status']} {d['error']['code']}" for d in documents if d.get("error")).most_common()
        ),
        "page_codes": dict(page_codes(manifests).most_common()),
        "pages_by_engine": dict(pages_by_engine(manifests).most_common()),
        "pages_asked": sum(manifest["totals"]["pages"] for manifest in manifests.values()),
        "images": sum(manifest["totals"]["images"] for manifest in manifests.values()),
        "image_bytes": sum(manifest["totals"]["bytes"] for manifest in manifests.values()),
        "invocations": dict(outcomes),
        "retries": sum(event["type"] == "retry" for event in events),
        "dead_letters": [event for event in events if event["type"] == "dead_letter"],
        "deaths": deaths,
        "init_failures": init_failures,
        "max_memory_used_mb": max((report["max_memory_used_mb"] for report in reports), default=0),
        "without_manifest": without,
        "without_code": uncoded,
        "documents": documents,
    }


def page_codes(manifests: dict[str, dict]) -> Counter:
    pages = (page for manifest in manifests.values() for page in manifest["pages"])
    return Counter(page["error"]["code"] for page in pages if "error" in page)


def pages_by_engine(manifests: dict[str, dict]) -> Counter:
    pages = (page for manifest in manifests.values() for page in manifest["pages"])
    return Counter(page["backend"] for page in pages if "key" in page)


def markdown(summary: dict) -> str:
    verdict = "nothing wrong" if not summary["wrong"] else "WRONG: " + "; ".join(summary["wrong"])
    lines = [
        f"# Sweep: {verdict}",
        "",
        f"{summary['documents_sent']} documents in {summary['seconds']} s, {summary['images']} images of "
        f"{summary['pages_asked']} pages, {summary['image_bytes'] / 1e6:.1f} MB. Flags: `{' '.join(summary['flags'])}`.",
        "",
        "| | |",
        "|---|---:|",
        f"| Documents without a manifest | {len(summary['without_manifest'])} |",
        f"| Failures without a code | {len(summary['without_code'])} |",
        f"| Deaths of the function | {len(summary['deaths']) + len(summary['init_failures'])} |",
        f"| Invocations: answered | {summary['invocations'].get('success', 0)} |",
        f"| Invocations: answered with an error | {summary['invocations'].get('error', 0)} |",
        f"| Retries | {summary['retries']} |",
        f"| Given up | {len(summary['dead_letters'])} |",
        f"| Most memory of an environment (MB) | {summary['max_memory_used_mb']} |",
        "",
    ]
    lines += table("Documents", "status", summary["statuses"])
    lines += table("Documents that failed as a whole", "status and code", summary["document_codes"])
    lines += table("Pages without an image", "code", summary["page_codes"])
    lines += table("Images", "engine", summary["pages_by_engine"])
    slowest = sorted((d for d in summary["documents"] if d["ms"] is not None), key=lambda d: -d["ms"])[:SLOWEST]
    lines += ["## The slowest", "", "| document | ms | images | problems |", "|---|---:|---:|---|"]
    for document in slowest:
        found = ", ".join(f"{count} × {code}" for code, count in document["problems"].items())
        lines.append(f"| `{document['key']}` | {document['ms']:.0f} | {document['images']} | {found} |")
    for title, keys in [("No manifest", summary["without_manifest"]), ("No code", summary["without_code"])]:
        if keys:
            lines += ["", f"## {title}", "", *(f"- `{key}`" for key in keys)]
    if summary["refused"]:
        lines += ["", "## Refused by the local endpoint", "", *(f"- {refusal}" for refusal in summary["refused"])]
    if summary["deaths"] or summary["init_failures"]:
        lines += ["", "## Deaths", ""]
        lines += [f"- {death['outcome']}: {death.get('error', '')}" for death in summary["deaths"]]
        lines += [f"- at the start: {failure['message']}" for failure in summary["init_failures"]]
    return "\n".join(lines) + "\n"


def table(title: str, what: str, counts: dict[str, int]) -> list[str]:
    if not counts:
        return []
    rows = [f"| {name} | {count} |" for name, count in counts.items()]
    return [f"## {title}", "", f"| {what} | number |", "|---|---:|", *rows, ""]


if __name__ == "__main__":
    try:
        sys.exit(main())
    except StackError as error:
        sys.exit(f"pdf2img local: {error}")
    except subprocess.CalledProcessError as error:
        sys.exit(f"failed: {' '.join(error.cmd)}")
    except KeyboardInterrupt:
        sys.exit(130)
