"""deploy.sh, with the real aws command against an emulation of AWS."""

import os
import stat
import struct
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest
from conftest import DEPLOY

MACHINES = {"arm64": 183, "amd64": 62}


def archive(directory: Path, cell: str, machine: str, name: str = "bootstrap") -> Path:
    """A zip with the header of an executable, which is all that is looked at."""
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 2, MACHINES[machine])
    path = directory / f"{cell}.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(name, header + bytes(100))
    return path


@pytest.fixture
def arm_zip(tmp_path) -> Path:
    return archive(tmp_path, "mupdf-musl-static-arm64-system", "arm64")


def deploy(*arguments, environment=None, path: Path | None = None, answer: str = ""):
    """Runs the script with the tools that are needed on the PATH, and with those in `path` in front."""
    places = [str(path)] if path else []
    places += ["/usr/bin", "/bin"]
    return subprocess.run(
        [DEPLOY / "deploy.sh", *map(str, arguments)],
        env={**os.environ, "PATH": ":".join(places), **(environment or {})},
        input=answer,
        capture_output=True,
        text=True,
        timeout=120,
    )


def executable(path: Path, text: str) -> Path:
    path.write_text(textwrap.dedent(text))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def aws_command(tmp_path, aws) -> tuple[Path, dict]:
    """The aws command. The emulation does not know SAM, so the translation is done before it gets a template."""
    directory = tmp_path / "bin"
    directory.mkdir()
    executable(
        directory / "aws",
        f"""\
        #!{sys.executable}
        import json, os, sys
        arguments = sys.argv[1:]
        if arguments[:2] == ["cloudformation", "deploy"]:
            from samtranslator.translator.transform import transform
            from samtranslator.yaml_helper import yaml_parse
            loader = type("NoManagedPolicies", (), {{"load": lambda self: {{}}}})()
            file = arguments[arguments.index("--template-file") + 1]
            template = transform(yaml_parse(open(file).read()), {{}}, loader)
            open(file, "w").write(json.dumps(template))
        os.execv({str(Path(sys.executable).with_name("aws"))!r}, ["aws", *arguments])
        """,
    )
    return directory, {"AWS_ENDPOINT_URL": aws.endpoint}


def test_it_creates_everything_from_a_zip_says_so_and_deletes_it(aws, aws_command, arm_zip):
    path, environment = aws_command
    flags = ["--zip", arm_zip, "--event-source", "sqs", "--memory", "1769", "--parameter", "Dpi=300"]
    first = deploy(*flags, environment=environment, path=path)
    assert first.returncode == 0, first.stderr
    buckets = [f"s3://pdf2img-{it}-123456789012-eu-west-1" for it in ["in", "out", "code"]]
    for said in [*buckets, "function        pdf2img, arm64", "AWS::SQS::Queue"]:
        assert said in first.stdout
    function = aws("lambda").get_function(FunctionName="pdf2img")["Configuration"]
    assert function["MemorySize"] == 1769
    variables = function["Environment"]["Variables"]
    assert variables["PDF2IMG_DPI"] == "300"
    assert variables["PDF2IMG_OUTPUT_BUCKET"] == "pdf2img-out-123456789012-eu-west-1"
    assert len(aws("lambda").list_event_source_mappings(FunctionName="pdf2img")["EventSourceMappings"]) == 1
    uploaded = aws("s3").list_objects_v2(Bucket="pdf2img-code-123456789012-eu-west-1")["Contents"]
    assert arm_zip.stat().st_size in [it["Size"] for it in uploaded]

    # No is no, and yes deletes what holds no documents.
    refused = deploy("delete", environment=environment, path=path, answer="no\n")
    assert refused.returncode == 1 and "nothing was deleted" in refused.stderr
    assert aws("lambda").list_functions()["Functions"]
    done = deploy("delete", environment=environment, path=path, answer="pdf2img\n")
    assert done.returncode == 0, done.stderr
    for name in ["in", "out"]:
        assert f"s3://pdf2img-{name}-123456789012-eu-west-1 stays" in done.stdout
    assert aws("lambda").list_functions()["Functions"] == []
    names = [it["Name"] for it in aws("s3").list_buckets()["Buckets"]]
    assert "pdf2img-code-123456789012-eu-west-1" not in names


def test_a_dry_run_prints_the_commands_and_runs_none(tmp_path, arm_zip):
    executable(tmp_path / "aws", "#!/bin/sh\necho it was run >&2\nexit 1\n")
    flags = ["--dry-run", "--zip", arm_zip, "--region", "eu-west-1", "--parameter", "Renditions=thumb: width=320"]
    result = deploy(*flags, path=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    commands = [line for line in result.stdout.splitlines() if not line.startswith("#")]
    assert [line.split()[:3] for line in commands if line.startswith("aws")] == [
        ["aws", "s3", "mb"], ["aws", "cloudformation", "package"], ["aws", "cloudformation", "deploy"],
    ]
    assert "--no-fail-on-empty-changeset" in commands[-1]
    # A shell takes what is printed, blanks and all.
    assert r"Renditions=thumb:\ width=320" in commands[-1]

    result = deploy("delete", "--dry-run", "--region", "eu-west-1", path=tmp_path)
    commands = [line for line in result.stdout.splitlines() if not line.startswith("#")]
    assert result.returncode == 0 and not any("pdf2img-in" in line for line in commands)


@pytest.mark.parametrize(
    ("cell", "machine", "flags", "expected"),
    [
        ("mupdf-musl-static-arm64-system", "arm64", ["--arch", "x86_64"], "named as one for arm64"),
        ("mupdf-musl-static-arm64-system", "amd64", [], "its bootstrap is for x86_64"),
        ("function", "amd64", ["--arch", "arm64"], "is for x86_64"),
        ("function", "amd64", ["--stack", "My_Stack"], "small letters"),
        ("function", "amd64", ["--event-source", "sns"], "choose s3, sqs or eventbridge"),
        ("function", "amd64", ["--memory", "2GB"], "a number of megabytes"),
        ("function", "amd64", ["--memory"], "--memory needs a value"),
        ("function", "amd64", ["--parameter", "Dpi"], "NAME=VALUE"),
        ("function", "amd64", ["--cell", "hayro-musl-static-arm64-system"], "give one of them"),
    ],
)
def test_what_cannot_be_right_is_refused_before_anything_is_done(tmp_path, cell, machine, flags, expected):
    result = deploy("--dry-run", "--zip", archive(tmp_path, cell, machine), *flags)
    assert result.returncode == 1
    assert expected in result.stderr and "aws " not in result.stdout


def test_a_zip_that_is_none_or_has_no_bootstrap_is_named(tmp_path):
    missing = deploy("--zip", tmp_path / "nothing.zip")
    assert missing.returncode == 1 and "there is no such file" in missing.stderr
    command = archive(tmp_path, "pdf2img-mupdf-musl-static-arm64-system", "arm64", name="pdf2img")
    wrong = deploy("--zip", command)
    assert wrong.returncode == 1 and "no executable `bootstrap`" in wrong.stderr
    unbuilt = deploy("--cell", "hayro-musl-static-arm64-mimalloc", environment={"CARGO_TARGET_DIR": str(tmp_path)})
    assert unbuilt.returncode == 1
    assert "cargo run -p build-matrix -- package hayro-musl-static-arm64-mimalloc" in unbuilt.stderr


def test_without_the_aws_command_or_its_credentials_it_says_what_to_do(tmp_path, arm_zip):
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ["bash", "dirname", "basename", "python3", "od", "tr", "env", "tail"]:
        (tools / name).symlink_to(Path("/usr/bin") / name)
    missing = deploy("--zip", arm_zip, environment={"PATH": str(tools)})
    assert missing.returncode == 1 and "the aws command is missing" in missing.stderr

    executable(tmp_path / "aws", "#!/bin/sh\necho 'Unable to locate credentials.' >&2\nexit 253\n")
    unknown = deploy("--zip", arm_zip, path=tmp_path)
    assert unknown.returncode == 1
    assert "Unable to locate credentials." in unknown.stderr and "aws configure" in unknown.stderr


def test_a_stack_that_cloudformation_cannot_update_is_not_tried(tmp_path, arm_zip):
    executable(
        tmp_path / "aws",
        """\
        #!/bin/sh
        case "$*" in
            sts*) echo 123456789012 ;;
            *describe-stacks*) echo ROLLBACK_COMPLETE ;;
            *) echo "unexpected: $*" >&2; exit 1 ;;
        esac
        """,
    )
    result = deploy("--zip", arm_zip, path=tmp_path)
    assert result.returncode == 1
    assert "Delete it first" in result.stderr and "unexpected" not in result.stderr


def test_of_a_stack_that_is_there_only_what_is_given_is_changed(tmp_path, arm_zip):
    log = tmp_path / "log"
    executable(
        tmp_path / "aws",
        f"""\
        #!/bin/sh
        echo "$*" >>{log}
        case "$*" in
            sts*) echo 123456789012 ;;
            *describe-stacks*) echo UPDATE_COMPLETE ;;
        esac
        """,
    )
    result = deploy("--zip", arm_zip, "--parameter", "Dpi=72", path=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "Updating the stack" in result.stdout
    [command] = [line for line in log.read_text().splitlines() if line.startswith("cloudformation deploy")]
    # A default for the names would replace buckets that were named at the creation.
    assert command.endswith("--no-fail-on-empty-changeset --parameter-overrides Architecture=arm64 Dpi=72")
    assert "s3 mb" not in log.read_text()
