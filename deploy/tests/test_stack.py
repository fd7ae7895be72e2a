"""The template, created by an emulation of CloudFormation: every reference has to lead somewhere."""

import io
import json
import warnings
import zipfile

import boto3
import pytest
from conftest import CODE_URI, SOURCES
from moto import mock_aws


@pytest.fixture
def cloud():
    with mock_aws(), warnings.catch_warnings():
        # Of some kinds of resources the emulation takes no notice: policies of buckets and queues, alarms.
        warnings.simplefilter("ignore")
        bucket, key = CODE_URI.removeprefix("s3://").split("/")
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key=key, Body=zipped())
        yield


def zipped() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("bootstrap", "#!/bin/sh\n")
    return archive.getvalue()


@pytest.mark.parametrize("source", SOURCES)
def test_cloudformation_makes_all_that_an_event_source_needs(cloud, translated, source):
    formation = boto3.client("cloudformation")
    parameters = {"InputBucketName": "the-input", "OutputBucketName": "the-output", "EventSource": source, "Dpi": "72"}
    formation.create_stack(
        StackName="pdf2img",
        TemplateBody=json.dumps(translated),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    [stack] = formation.describe_stacks(StackName="pdf2img")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    outputs = {it["OutputKey"]: it["OutputValue"] for it in stack["Outputs"]}
    assert (outputs["InputBucket"], outputs["OutputBucket"]) == ("the-input", "the-output")

    function = boto3.client("lambda").get_function(FunctionName="pdf2img")["Configuration"]
    assert (function["Runtime"], function["Handler"]) == ("provided.al2023", "bootstrap")
    assert (function["MemorySize"], int(function["Timeout"])) == (3538, 300)
    assert function["Environment"]["Variables"]["PDF2IMG_OUTPUT_BUCKET"] == "the-output"
    assert function["Environment"]["Variables"]["PDF2IMG_DPI"] == "72"
    assert function["FunctionArn"] == outputs["FunctionArn"]

    role = function["Role"].rpartition("/")[2]
    policy = boto3.client("iam").get_role_policy(RoleName=role, PolicyName="pdf2img")["PolicyDocument"]
    # What is left of a reference that leads nowhere.
    assert "Fn::" not in json.dumps(policy) and "${" not in json.dumps(policy)

    mappings = boto3.client("lambda").list_event_source_mappings(FunctionName="pdf2img")["EventSourceMappings"]
    rules = boto3.client("events").list_rules()["Rules"]
    queues = boto3.client("sqs").list_queues()["QueueUrls"]
    assert (len(mappings), len(rules), len(queues)) == {
        "s3": (0, 0, 1), "sqs": (1, 0, 2), "eventbridge": (0, 1, 1),
    }[source]
    if source == "sqs":
        assert mappings[0]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    if source == "eventbridge":
        [target] = boto3.client("events").list_targets_by_rule(Rule=rules[0]["Name"])["Targets"]
        assert target["Arn"] == outputs["FunctionArn"]
