"""The Terraform module, as far as it can be checked without Terraform: its syntax, its names, and that it allows
what the SAM template allows."""

import re

import hcl2
import pytest
from conftest import DEPLOY, resolve

MODULE = DEPLOY / "terraform"
FILES = sorted(MODULE.glob("*.tf"))


def plain(node):
    """Without the quotes and marks that the parser leaves in."""
    if isinstance(node, dict):
        return {plain(key): plain(value) for key, value in node.items() if not key.startswith("__")}
    if isinstance(node, list):
        return [plain(it) for it in node]
    if isinstance(node, str) and len(node) >= 2 and node[0] == node[-1] == '"':
        return node[1:-1]
    return node


def parse(path) -> dict:
    return plain(hcl2.loads(path.read_text()))


def blocks(kind: str) -> list[dict]:
    return [block for file in FILES for block in parse(file).get(kind, [])]


def documents() -> dict[str, dict]:
    return {
        name: body
        for block in blocks("data")
        for body_by_name in [block.get("aws_iam_policy_document", {})]
        for name, body in body_by_name.items()
    }


def terraform_statements(document: dict) -> dict[str, dict]:
    """By sid; those that depend on a condition with it."""
    found = {it["sid"]: it for it in document["statement"]}
    for dynamic in document.get("dynamic", []):
        [content] = dynamic["statement"]["content"]
        found[content["sid"]] = content | {"if": dynamic["statement"]["for_each"]}
    return found


# A place as the one and the other call it.
PLACES = {
    "${aws_s3_bucket.input.arn}/*": "arn:aws:s3:::the-input/*",
    "${aws_s3_bucket.output.arn}/*": "arn:aws:s3:::the-output/*",
    "${aws_s3_bucket.output.arn}": "arn:aws:s3:::the-output",
    # CloudFormation's ends so by itself.
    "${aws_cloudwatch_log_group.this.arn}:*": {"Fn::GetAtt": ["LogGroup", "Arn"]},
    "${aws_sqs_queue.failures.arn}": {"Fn::GetAtt": ["Failures", "Arn"]},
    "${aws_sqs_queue.input[0].arn}": {"Fn::GetAtt": ["Queue", "Arn"]},
}


def test_the_role_may_do_what_that_of_the_sam_template_may(translated):
    names = {"InputBucketName": "the-input", "OutputBucketName": "the-output"}
    everything = resolve(translated, EventSource="sqs", KeepInputVersions="true", **names)
    [policy] = everything["Role"]["Properties"]["Policies"]
    expected = {it["Sid"]: it for it in policy["PolicyDocument"]["Statement"]}
    ours = terraform_statements(documents()["role"])
    assert set(ours) == set(expected)
    for sid, statement in ours.items():
        actions = expected[sid]["Action"]
        assert set(statement["actions"]) == set(actions if isinstance(actions, list) else [actions])
        assert [PLACES[it] for it in statement["resources"]] == [expected[sid]["Resource"]]

    [always] = resolve(translated, EventSource="s3", **names)["Role"]["Properties"]["Policies"]
    conditional = set(expected) - {it["Sid"] for it in always["PolicyDocument"]["Statement"]}
    assert {sid for sid, it in ours.items() if "if" in it} == conditional


@pytest.mark.parametrize(
    ("document", "policy"),
    [("input_queue", "QueuePolicy"), ("failures", "FailuresPolicy"), ("only_tls", "InputBucketPolicy")],
)
def test_policies_of_queues_and_buckets_have_the_same_conditions(translated, document, policy):
    source = "sqs" if policy == "QueuePolicy" else "eventbridge"
    [theirs] = resolve(translated, EventSource=source)[policy]["Properties"]["PolicyDocument"]["Statement"]
    [ours] = documents()[document]["statement"]
    assert (ours["sid"], ours.get("effect", "Allow")) == (theirs["Sid"], theirs["Effect"])
    assert ours["actions"] == [theirs["Action"]]
    principal = theirs["Principal"]
    assert ours["principals"][0]["identifiers"] == [principal if principal == "*" else principal["Service"]]
    assert {(it["test"], it["variable"]) for it in ours["condition"]} == {
        (test, variable) for test, variables in theirs["Condition"].items() for variable in variables
    }


@pytest.mark.parametrize("kind", ["resource", "data"])
def test_every_reference_leads_to_something_and_every_variable_is_used(kind):
    declared = {f"{type}.{name}" for block in blocks(kind) for type, named in block.items() for name in named}
    variables = {name for block in blocks("variable") for name in block}
    text = "\n".join(file.read_text() for file in FILES)
    prefix = "data\\." if kind == "data" else "(?<!data\\.)(?<!\\w)"
    used = set(re.findall(prefix + r"(aws_\w+\.\w+)(?=[.\[\]),])", text))
    assert used <= declared, used - declared
    assert set(re.findall(r"var\.(\w+)", text)) == variables
    locals_declared = {name for block in blocks("locals") for name in block}
    assert set(re.findall(r"local\.(\w+)", text)) == locals_declared


def test_the_alarms_are_those_of_the_sam_template(translated):
    ours = {
        (body["metric_name"], body["statistic"], str(body["evaluation_periods"]))
        for block in blocks("resource")
        for body in block.get("aws_cloudwatch_metric_alarm", {}).values()
    }
    theirs = {
        (it["Properties"]["MetricName"], it["Properties"]["Statistic"], str(it["Properties"]["EvaluationPeriods"]))
        for it in resolve(translated).values()
        if it["Type"] == "AWS::CloudWatch::Alarm"
    }
    assert ours == theirs and len(ours) == 4


def test_the_example_and_the_readme_know_the_variables():
    variables = {name: body for block in blocks("variable") for name, body in block.items()}
    required = {name for name, body in variables.items() if "default" not in body}
    [module] = parse(MODULE / "example" / "main.tf")["module"]
    given = set(module["pdf2img"]) - {"source"}
    assert required <= given <= set(variables)
    readme = (MODULE / "README.md").read_text()
    assert set(re.findall(r"`(\w+)`", readme.split("| Variable |")[1].split("Outputs:")[0])) >= set(variables)
    outputs = {name for block in blocks("output") for name in block}
    assert set(re.findall(r"`(\w+)`", readme.split("Outputs:")[1])) == outputs
