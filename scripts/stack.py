"""What demo.py and sweep.py share: the local stack as a process, and S3 clients for it."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

try:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import ClientError
except ImportError:
    sys.exit("boto3 is missing: run this through make, or with the python of `scripts/setup.sh --print-path`")

__all__ = ["REPOSITORY", "ClientError", "Manifests", "Problem", "Stack", "StackError", "build", "problems"]

REPOSITORY = Path(__file__).resolve().parent.parent

# How long `pdf2img local` may take to start, and to stop.
START_WITHIN_S = 60
STOP_WITHIN_S = 15


class StackError(Exception):
    """The local stack did not start, or ended by itself."""


def build() -> Path:
    """Builds the function and the command with every engine, optimised; returns the directory that they are in."""
    features = "pdf2img/all-engines,pdf2img-cli/all-engines"
    packages = ["-p", "pdf2img", "-p", "pdf2img-cli", "--bin", "bootstrap", "--bin", "pdf2img"]
    subprocess.run(
        ["cargo", "build", "--release", "--locked", *packages, "--features", features], cwd=REPOSITORY, check=True
    )
    metadata = subprocess.run(
        ["cargo", "metadata", "--no-deps", "--locked", "--format-version", "1"],
        cwd=REPOSITORY,
        check=True,
        stdout=subprocess.PIPE,
    )
    return Path(json.loads(metadata.stdout)["target_directory"]) / "release"


class Stack:
    """`pdf2img local`, from its start to its end: use it with `with`."""

    def __init__(self, programs: Path, data: Path, log: Path, flags: list[str]):
        """Does not start it yet.

        `programs` has `pdf2img` and `bootstrap`; `log` takes what the function and the stack
        print; `flags` are further ones of `pdf2img local`.
        """
        library = os.environ.get("PDF2IMG_PDFIUM_LIBRARY")
        engines = ["--env", f"PDF2IMG_PDFIUM_LIBRARY={library}"] if library else []
        self._command = [str(programs / "pdf2img"), "local", "--json", "--data", str(data), *engines, *flags]
        self._log_path = log
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._lock = threading.Lock()
        self._events: list[dict] = []
        self._last_event = time.monotonic()
        self._process: subprocess.Popen | None = None

    def __enter__(self) -> "Stack":
        self._log = open(self._log_path, "wb")
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_exception) -> None:
        self._stop()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._log, text=True
        )
        threading.Thread(target=self._read, daemon=True).start()
        try:
            first = self._lines.get(timeout=START_WITHIN_S)
        except queue.Empty:
            raise StackError(f"it did not start within {START_WITHIN_S} s") from None
        if first is None:
            raise StackError(f"it did not start:\n{self.last_words()}")
        access = json.loads(first)
        self.endpoint: str = access["endpoint"]
        self.region: str = access["region"]
        self.access_key_id: str = access["access_key_id"]
        self.secret_access_key: str = access["secret_access_key"]
        self.input_bucket: str = access["input_bucket"]
        self.output_bucket: str = access["output_bucket"]

    def _read(self) -> None:
        is_first = True
        for line in self._process.stdout:
            if is_first:
                self._lines.put(line)
                is_first = False
                continue
            with self._lock:
                self._events.append(json.loads(line))
                self._last_event = time.monotonic()
        self._lines.put(None)

    def _stop(self) -> None:
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._log.close()

    def check_alive(self) -> None:
        """Raises `StackError` if the process has ended."""
        code = self._process.poll()
        if code is not None:
            raise StackError(f"it ended by itself with code {code}:\n{self.last_words()}")

    def events(self) -> list[dict]:
        """What it has reported so far."""
        with self._lock:
            return list(self._events)

    def is_idle(self, quiet_s: float) -> bool:
        """Whether every invocation has ended and nothing was reported for so long."""
        with self._lock:
            kinds = [event["type"] for event in self._events]
            quiet = time.monotonic() - self._last_event
        return kinds.count("start") == kinds.count("report") and quiet >= quiet_s

    def last_words(self) -> str:
        """The end of what it has logged."""
        self._log.flush()
        return "\n".join(self._log_path.read_text(errors="replace").splitlines()[-15:])

    def client(self):
        """A boto3 client of its S3 endpoint."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=self.region,
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
            config=Config(
                s3={"addressing_style": "path"},
                max_pool_connections=32,
                retries={"max_attempts": 5, "mode": "standard"},
                # The endpoint is on this machine, whatever proxy there is for others.
                proxies={},
            ),
        )

    def aws_environment(self) -> dict[str, str]:
        """The environment in which the aws command talks to the endpoint, and to nothing else."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return kept | {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            # The user's own profile has no say here, and there is no instance to ask.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }


def manifest_key(key: str) -> str:
    """Where the manifest of a PDF is under the default output key template."""
    return key[: -len(".pdf")] + "/manifest.json"


class Manifests:
    """The manifests of documents, read again only when they have changed."""

    def __init__(self, client, bucket: str, keys: list[str]):
        """Waits for the documents of these keys."""
        self._client = client
        self._bucket = bucket
        self._sources = {manifest_key(key): key for key in keys}
        self._seen: dict[str, tuple] = {}
        self.found: dict[str, dict] = {}

    def refresh(self) -> None:
        """Lists the bucket, and reads what is new in it."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket)
        for item in (item for page in pages for item in page.get("Contents", [])):
            key = item["Key"]
            # Not every server lists ETags; the others then have to tell.
            version = (item.get("ETag"), item.get("Size"), item.get("LastModified"))
            if key not in self._sources or self._seen.get(key) == version:
                continue
            try:
                body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
                manifest = json.loads(body)
            except self._client.exceptions.NoSuchKey:
                # It was there a moment ago: a newer version is being drawn.
                continue
            # Two documents may lay claim to one manifest; it speaks of its own only.
            source = manifest["source"]["key"]
            if source in self._sources.values():
                self.found[source] = manifest
            self._seen[key] = version

    def missing(self) -> list[str]:
        """The keys of the documents that have none."""
        return [key for key in self._sources.values() if key not in self.found]

    def all_final(self) -> bool:
        """Whether every document has one, and none waits for another attempt."""
        return not self.missing() and all(m["totals"]["missing"] == 0 for m in self.found.values())


@dataclass(frozen=True)
class Problem:
    """A code with the number of times that it occurred."""

    code: str
    count: int

    def __str__(self) -> str:
        return f"{self.count} × {self.code}" if self.count > 1 else self.code


def problems(manifest: dict) -> list[Problem]:
    """The codes of a manifest: of the document as a whole first, then of its pages."""
    counts: dict[str, int] = {}
    if manifest.get("error"):
        counts[manifest["error"]["code"]] = 1
    for page in manifest["pages"]:
        if "error" in page:
            code = page["error"]["code"]
            counts[code] = counts.get(code, 0) + 1
    return [Problem(code, count) for code, count in counts.items()]
