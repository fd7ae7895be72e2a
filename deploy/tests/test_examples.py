"""The examples that call the command from a function in another language, with the real command."""

import json
import os
import shutil
import subprocess
import sys
import urllib.parse
from pathlib import Path

import pytest
from conftest import DEPLOY

INVOKE = Path(__file__).with_name("invoke")
KEY = "inbox/Ünï côdé + plus & (1).pdf"


@pytest.fixture(params=["python", "node"])
def invoke(request, aws, pdf2img, tmp_path):
    """Calls an example's handler for a key of the input bucket; returns its answer and its log."""
    s3 = aws("s3", region_name="us-east-1")
    for bucket in ["the-input", "the-output"]:
        s3.create_bucket(Bucket=bucket)
    if request.param == "python":
        command = [sys.executable, INVOKE / "invoke.py", DEPLOY / "examples/python/handler.py"]
    else:
        # Node looks for packages in directories above the file.
        file = shutil.copy(DEPLOY / "examples/node/index.mjs", tmp_path)
        package = tmp_path / "node_modules/@aws-sdk/client-s3"
        package.mkdir(parents=True)
        shutil.copy(INVOKE / "client-s3.mjs", package / "index.mjs")
        (package / "package.json").write_text('{"main": "index.mjs"}')
        command = ["node", INVOKE / "invoke.mjs", file]

    def call(key: str, body: bytes, flags: str = "--dpi 72", program: Path = pdf2img, remaining_ms: int = 60_000):
        s3.put_object(Bucket="the-input", Key=key, Body=body)
        encoded = urllib.parse.quote_plus(key, safe="/")
        event = {"Records": [{"s3": {"bucket": {"name": "the-input"}, "object": {"key": encoded}}}]}
        scratch = tmp_path / "tmp"
        scratch.mkdir(exist_ok=True)
        environment = {
            "AWS_ENDPOINT_URL": aws.endpoint, "OUTPUT_BUCKET": "the-output", "PDF2IMG": str(program),
            "PDF2IMG_FLAGS": flags, "TMPDIR": str(scratch),
        }
        done = subprocess.run(
            [*command, str(remaining_ms)], input=json.dumps(event), env=os.environ | environment,
            capture_output=True, text=True, timeout=60,
        )
        assert done.returncode == 0, done.stderr
        assert list(scratch.iterdir()) == [], "something is left in /tmp"
        return json.loads(done.stderr.splitlines()[-1]), done.stdout

    call.s3 = s3
    return call


def test_every_page_becomes_an_image_in_the_output_bucket(invoke, pdf):
    answer, _ = invoke(KEY, pdf(3))
    names = [f"{KEY.removesuffix('.pdf')}/page-000{page}.png" for page in [1, 2, 3]]
    assert answer["result"] == [{"key": KEY, "status": "complete", "images": names}]
    for name in names:
        image = invoke.s3.get_object(Bucket="the-output", Key=name)["Body"].read()
        # Width and height stand in the header of a PNG; a page is 144 by 72 points.
        assert (image[:8], image[16:24]) == (b"\x89PNG\r\n\x1a\n", b"\0\0\0\x90\0\0\0\x48")


def test_a_page_that_fails_costs_that_page_and_is_logged(invoke, pdf):
    answer, log = invoke("report.pdf", pdf(3), flags="--dpi 72 --pages 1,9")
    assert answer["result"] == [{"key": "report.pdf", "status": "partial", "images": ["report/page-0001.png"]}]
    assert "page 9" in log


def test_a_file_that_is_no_pdf_is_an_outcome_and_not_an_error(invoke):
    answer, log = invoke("report.pdf", b"<!DOCTYPE html>")
    assert answer["result"] == [{"key": "report.pdf", "status": "failed", "images": []}]
    assert "%PDF-" in log


def test_a_wrong_flag_is_an_error_that_says_which(invoke, pdf):
    answer, _ = invoke("report.pdf", pdf(1), flags="--dpi many")
    assert "many" in answer["error"] and "ended with 2" in answer["error"]


def test_what_takes_too_long_is_killed_before_lambda_does_it(invoke, pdf, tmp_path):
    sleeper = tmp_path / "sleeper"
    sleeper.write_text("#!/bin/sh\nexec sleep 50\n")
    sleeper.chmod(0o755)
    answer, _ = invoke("report.pdf", pdf(1), program=sleeper, remaining_ms=11_000)
    assert "timed out" in answer["error"] or "was killed" in answer["error"]
