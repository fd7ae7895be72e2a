"""A Lambda function in Python that has `pdf2img` draw the PDFs of an S3 event.

For who has a function already, or wants to do something with the pages. `pdf2img` is an executable beside
this file or in a layer (`/opt/bin`); it needs no library and no package. deploy/README.md says how to ship it.
"""

import json
import os
import subprocess
import tempfile
import urllib.parse
from pathlib import Path

import boto3

s3 = boto3.client("s3")

OUTPUT_BUCKET = os.environ["OUTPUT_BUCKET"]
PDF2IMG = os.environ.get("PDF2IMG", "/opt/bin/pdf2img")
# What it is told, beside the file: pdf2img render --help lists it.
FLAGS = os.environ.get("PDF2IMG_FLAGS", "--dpi 150 --format png").split()
# Kept back for the uploads, and to say what happened before Lambda ends it all.
RESERVE_S = 10


def handler(event, context):
    return [convert(record["s3"], context) for record in event["Records"]]


def convert(record, context):
    bucket = record["bucket"]["name"]
    # Keys are form-encoded in S3's events.
    key = urllib.parse.unquote_plus(record["object"]["key"])
    # /tmp outlives an invocation; a directory that is removed does not fill it up.
    with tempfile.TemporaryDirectory() as scratch:
        pdf = Path(scratch, "document.pdf")
        s3.download_file(bucket, key, str(pdf))
        pages = Path(scratch, "pages")
        result = render(pdf, pages, context.get_remaining_time_in_millis() / 1000 - RESERVE_S)

        images = []
        for page in result["pages"]:
            if "error" in page:
                print(f"s3://{bucket}/{key}: page {page['page']}: {page['error']['message']}")
                continue
            image = Path(page["key"])
            target = f"{key.removesuffix('.pdf')}/{image.name}"
            s3.upload_file(str(image), OUTPUT_BUCKET, target)
            images.append(target)
    if result.get("error"):
        print(f"s3://{bucket}/{key}: {result['error']['message']}")
    return {"key": key, "status": result["status"], "images": images}


def render(pdf, pages, timeout_s):
    """What `pdf2img render --json` says of the document."""
    command = [PDF2IMG, "render", str(pdf), "-o", str(pages), "--json", *FLAGS]
    # Raises TimeoutExpired, after it has killed it: Lambda then tries again, or hands the event on.
    done = subprocess.run(command, capture_output=True, text=True, timeout=max(timeout_s, 1))
    # 0: all pages; 1: some; 2: none, and then also a wrong flag, which leaves no JSON.
    if done.returncode not in (0, 1, 2) or not done.stdout:
        raise RuntimeError(f"pdf2img ended with {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)
