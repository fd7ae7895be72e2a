"""What buildspec.yml and the Makefile call is there."""

import re
import shlex
import subprocess
import tomllib

import yaml
from conftest import DEPLOY, REPOSITORY

SPEC = yaml.safe_load((DEPLOY / "buildspec.yml").read_text())
MATRIX = tomllib.loads((REPOSITORY / "build-matrix" / "matrix.toml").read_text())


def commands() -> list[str]:
    return [it for phase in ["install", "build"] for it in SPEC["phases"][phase]["commands"]]


def test_the_parts_of_the_set_up_and_the_stages_are_known():
    seen = set()
    for command in commands():
        words = shlex.split(command)
        if words[0].startswith("scripts/"):
            seen.add("set-up")
            # The line of the `case` that takes the part.
            for part in words[1:]:
                assert re.search(rf"^\s+{part}\)", (REPOSITORY / words[0]).read_text(), re.MULTILINE), part
        if words[:2] == ["cargo", "run"]:
            assert words[2:6] == ["-p", "build-matrix", "--locked", "--"]
            seen.add(words[6])
            assert words[7] == "$CELLS"
            main = (REPOSITORY / "build-matrix" / "src" / "main.rs").read_text()
            assert re.search(rf"^    {words[6].capitalize()}\b", main, re.MULTILINE), words[6]
    assert seen == {"set-up", "build", "verify", "package"}


def test_every_command_is_one_that_a_shell_understands():
    for command in commands():
        subprocess.run(["bash", "-n", "-c", command], check=True)


def test_the_cell_is_of_the_matrix_and_the_compiler_that_of_the_matrix():
    engines, libc, arch, allocator = re.fullmatch(
        r"(\w+)-(\w+-\w+)-(\w+)-(\w+)", SPEC["env"]["variables"]["CELLS"]
    ).groups()
    assert engines in MATRIX["engines"] and libc in MATRIX["libc"]
    assert arch in MATRIX["arch"] and allocator in MATRIX["allocator"]
    [toolchain] = re.findall(r"--default-toolchain (\S+)", " ".join(commands()))
    assert toolchain == MATRIX["tools"]["rust"]


def test_the_artifacts_are_where_archives_are_put():
    layout = (REPOSITORY / "build-matrix" / "src" / "layout.rs").read_text()
    assert SPEC["artifacts"]["base-directory"].removeprefix("target/") in layout
