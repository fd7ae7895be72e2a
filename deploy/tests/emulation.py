"""An S3 that allows what a policy allows, and as much of Lambda's Runtime API as one function needs."""

import contextlib
import http.client
import json
import os
import queue
import subprocess
import threading
import time
import urllib.parse
import xml.etree.ElementTree
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

RUNTIME = "/2018-06-01/runtime"
WITHIN_S = 60

Right = tuple[str, str]


class Server(ThreadingHTTPServer):
    """A server on a free port of this machine, from the beginning of `with` to its end."""

    daemon_threads = True

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exception):
        self.shutdown()
        self.server_close()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body are two writes; the second must not wait for the first's acknowledgement.
    disable_nagle_algorithm = True

    def log_message(self, *_arguments):
        pass

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if not {"content-length", "Content-Length"} & set(headers):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class GuardedS3(Server):
    """Hands requests on to another S3, if a policy of pairs of action and resource allows them.

    Which right a request needs is what the S3 user guide says under "Required permissions for Amazon S3 API
    operations".
    """

    def __init__(self, backend: str, allowed: set[Right]):
        super().__init__(("127.0.0.1", 0), GuardedS3Handler)
        self.backend = backend.removeprefix("http://")
        self.allowed = allowed
        self.used: set[Right] = set()
        self.denied: set[Right] = set()

    def permits(self, action: str, resource: str) -> bool:
        rights = [it for it in self.allowed if it[0] == action and fnmatchcase(resource, it[1])]
        self.used.update(rights)
        if not rights:
            self.denied.add((action, resource))
        return bool(rights)


class GuardedS3Handler(Handler):
    def serve(self):
        body = self.body()
        needed = self.needed(body)
        if not all([self.server.permits(*it) for it in needed]):
            return self.refuse()
        connection = http.client.HTTPConnection(self.server.backend, timeout=WITHIN_S)
        connection.request(self.command, self.path, body, dict(self.headers))
        response = connection.getresponse()
        content = response.read()
        # Who may not list a bucket does not learn what is not in it.
        bucket = needed[0][1].split("/")[0]
        if response.status == 404 and self.command in ("GET", "HEAD") and "/" in needed[0][1]:
            if not self.server.permits("s3:ListBucket", bucket):
                return self.refuse()
        dropped = {"transfer-encoding", "connection", "server", "date"}
        headers = {name: value for name, value in response.getheaders() if name.lower() not in dropped}
        self.answer(response.status, headers, content)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = serve

    def needed(self, body: bytes) -> list[Right]:
        url = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query, keep_blank_values=True)
        bucket, _, key = urllib.parse.unquote(url.path).lstrip("/").partition("/")
        resource = f"arn:aws:s3:::{bucket}" + (f"/{key}" if key else "")
        if not key and "delete" in query and self.command == "POST":
            keys = xml.etree.ElementTree.fromstring(body).iterfind(".//{*}Key")
            return [("s3:DeleteObject", f"{resource}/{it.text}") for it in keys]
        version = "Version" if "versionId" in query else ""
        objects = {"GET": f"s3:GetObject{version}", "HEAD": f"s3:GetObject{version}", "PUT": "s3:PutObject"}
        objects["DELETE"] = f"s3:DeleteObject{version}"
        buckets = {"GET": "s3:ListBucket", "HEAD": "s3:ListBucket"}
        # What is not in the lists is refused by a name that no policy has.
        names = objects if key else buckets
        return [(names.get(self.command, f"unknown {self.command} {self.path}"), resource)]

    def refuse(self):
        body = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
        self.answer(403, {"Content-Type": "application/xml"}, b"" if self.command == "HEAD" else body)


class Function(Server):
    """The process of a function with the Runtime API that it asks for work."""

    def __init__(self, bootstrap: Path, environment: dict[str, str], log: Path):
        super().__init__(("127.0.0.1", 0), RuntimeHandler)
        self.events: queue.Queue = queue.Queue()
        self.answers: queue.Queue = queue.Queue()
        self._command = [str(bootstrap)]
        self._log = log
        self._environment = environment | {
            "AWS_LAMBDA_RUNTIME_API": self.address,
            "AWS_LAMBDA_FUNCTION_NAME": "pdf2img",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "2048",
            "AWS_REGION": os.environ["AWS_REGION"],
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
        }

    def __enter__(self):
        super().__enter__()
        self._file = self._log.open("wb")
        self._process = subprocess.Popen(
            self._command, env=self._environment, stdin=subprocess.DEVNULL, stdout=self._file, stderr=self._file
        )
        return self

    def __exit__(self, *exception):
        self._process.kill()
        self._process.wait()
        self._file.close()
        super().__exit__(*exception)

    def invoke(self, event: dict) -> tuple[str, object]:
        """`response` or `error`, and what was said."""
        self.events.put(event)
        with contextlib.suppress(queue.Empty):
            return self.answers.get(timeout=WITHIN_S)
        raise AssertionError(f"no answer within {WITHIN_S} s:\n{self._log.read_text()}")


class RuntimeHandler(Handler):
    def do_GET(self):
        assert self.path == f"{RUNTIME}/invocation/next", self.path
        event = json.dumps(self.server.events.get()).encode()
        headers = {
            "Lambda-Runtime-Aws-Request-Id": "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + WITHIN_S) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:123456789012:function:pdf2img",
            "Content-Type": "application/json",
        }
        self.answer(200, headers, event)

    def do_POST(self):
        said = json.loads(self.body() or b"null")
        self.answer(202, {}, b"")
        self.server.answers.put((self.path.rpartition("/")[2], said))
