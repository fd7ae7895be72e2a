"""What the tests of deploy/ share: the template, translated, and credentials that open nothing."""

import copy
import functools
import os
from pathlib import Path

import pytest

# Read by boto3 and the translator, before they are imported: no test may reach anybody's account.
for name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[name]
os.environ |= {
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_PAGER": "",
    "NO_PROXY": "127.0.0.1,localhost",
    "no_proxy": "127.0.0.1,localhost",
}

REPOSITORY = Path(__file__).resolve().parents[2]
DEPLOY = REPOSITORY / "deploy"
SOURCES = ["s3", "sqs", "eventbridge"]
CODE_URI = "s3://code-bucket/function.zip"


@functools.cache
def _translated() -> dict:
    from samtranslator.translator.transform import transform
    from samtranslator.yaml_helper import yaml_parse

    class NoManagedPolicies:
        def load(self):
            return {}

    source = yaml_parse((DEPLOY / "sam" / "template.yaml").read_text())
    # The translator takes only what was uploaded already.
    source["Resources"]["Function"]["Properties"]["CodeUri"] = CODE_URI
    return transform(source, {}, NoManagedPolicies())


@pytest.fixture
def translated() -> dict:
    """The template as plain CloudFormation, as the SAM translator makes it."""
    return copy.deepcopy(_translated())


def resolve(template: dict, **parameters: str) -> dict:
    """The resources that parameters leave, with conditions and parameters put in; `Ref`s to resources stay."""
    values = {name: value.get("Default") for name, value in template["Parameters"].items()} | parameters
    values |= {"AWS::Partition": "aws", "AWS::StackName": "pdf2img", "AWS::AccountId": "123456789012"}
    absent = object()

    def condition(node) -> bool:
        if "Fn::Equals" in node:
            left, right = (put_in(it) for it in node["Fn::Equals"])
            return str(left) == str(right)
        if "Fn::Not" in node:
            return not condition(node["Fn::Not"][0])
        raise AssertionError(f"unknown condition {node}")

    def put_in(node):
        if isinstance(node, list):
            return [value for value in map(put_in, node) if value is not absent]
        if not isinstance(node, dict):
            return node
        if set(node) == {"Ref"}:
            return absent if node["Ref"] == "AWS::NoValue" else values.get(node["Ref"], node)
        if set(node) == {"Fn::If"}:
            name, yes, no = node["Fn::If"]
            return put_in(yes if condition(template["Conditions"][name]) else no)
        if set(node) == {"Fn::FindInMap"}:
            name, key, field = map(put_in, node["Fn::FindInMap"])
            return template["Mappings"][name][key][field]
        if set(node) == {"Fn::Sub"}:
            text = node["Fn::Sub"]
            for name, value in values.items():
                text = text.replace("${" + name + "}", str(value))
            return text
        return {key: value for key, it in node.items() if (value := put_in(it)) is not absent}

    return {
        name: put_in(resource)
        for name, resource in template["Resources"].items()
        if "Condition" not in resource or condition(template["Conditions"][resource["Condition"]])
    }


@pytest.fixture(params=SOURCES)
def variant(request, translated) -> tuple[str, dict]:
    """Each event source, with the resources that it leads to."""
    names = {"InputBucketName": "the-input", "OutputBucketName": "the-output"}
    return request.param, resolve(translated, EventSource=request.param, **names)


@pytest.fixture(scope="session")
def aws_server():
    """The address of an emulated AWS, on this machine."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws(aws_server):
    """The same, with nothing in it, and a maker of clients for it."""
    import boto3
    import urllib.request

    urllib.request.urlopen(urllib.request.Request(f"{aws_server}/moto-api/reset", method="POST")).close()

    def client(service: str, **more):
        return boto3.client(service, endpoint_url=aws_server, **more)

    client.endpoint = aws_server
    return client


@pytest.fixture(scope="session")
def pdf2img() -> Path:
    """The command: that of `PDF2IMG_COMMAND`, or the first that was built, the static one preferred."""
    return _built("PDF2IMG_COMMAND", "pdf2img", "command")


@pytest.fixture(scope="session")
def bootstrap() -> Path:
    """The function: that of `PDF2IMG_BOOTSTRAP`, or the first that was built, the static one preferred."""
    return _built("PDF2IMG_BOOTSTRAP", "bootstrap", "lambda")


def _built(variable: str, name: str, kind: str) -> Path:
    target = REPOSITORY / os.environ.get("CARGO_TARGET_DIR", "target")
    machine = {"aarch64": "arm64"}.get(os.uname().machine, "amd64")
    places = [f"{kind}/mupdf-musl-static-{machine}-system", "release", "debug"]
    choices = [target / place / name for place in places]
    if variable in os.environ:
        choices = [Path(os.environ[variable]).absolute()]
    for path in choices:
        if path.exists():
            return path
    pytest.fail(f"there is no {name}; `make test-deploy` builds it, or name one by {variable}", pytrace=False)


@pytest.fixture(scope="session")
def pdf():
    """A maker of PDFs with so many pages of 144 by 72 points."""

    def make(pages: int) -> bytes:
        numbers = range(3, 3 + 2 * pages, 2)
        objects = [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join(b"%d 0 R" % it for it in numbers), pages),
        ]
        for number in numbers:
            content = b"0.9 0.2 0.1 rg %d 20 40 40 re f" % (10 * number)
            objects.append(
                b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 144 72] /Contents %d 0 R >>" % (number + 1)
            )
            objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
        file, offsets = b"%PDF-1.4\n", []
        for number, body in enumerate(objects, 1):
            offsets.append(len(file))
            file += b"%d 0 obj\n%s\nendobj\n" % (number, body)
        table = b"".join(b"%010d 00000 n \n" % it for it in offsets)
        start, size = len(file), len(objects) + 1
        file += b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table)
        return file + b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, start)

    return make
