"""The function under the policy of its role: what the template allows is enough, and no more than it needs."""

import json

import pytest
from conftest import resolve
from emulation import Function, GuardedS3
from test_template import allowed

NAMES = {"InputBucketName": "the-input", "OutputBucketName": "the-output"}
INPUT, OUTPUT = "arn:aws:s3:::the-input", "arn:aws:s3:::the-output"
S3_RIGHTS = [
    ("s3:GetObject", f"{INPUT}/*"),
    ("s3:GetObject", f"{OUTPUT}/*"),
    ("s3:PutObject", f"{OUTPUT}/*"),
    ("s3:DeleteObject", f"{OUTPUT}/*"),
    ("s3:ListBucket", OUTPUT),
]


@pytest.fixture
def scenario(aws, bootstrap, pdf, tmp_path, translated):
    """A document is uploaded, and again with fewer pages; what the function answers, and what it asked of S3."""

    def run(rights: set, versioned: bool = False):
        s3 = aws("s3", region_name="us-east-1")
        for bucket in ["the-input", "the-output"]:
            s3.create_bucket(Bucket=bucket)
        if versioned:
            s3.put_bucket_versioning(Bucket="the-input", VersioningConfiguration={"Status": "Enabled"})
        resources = resolve(translated, **NAMES)
        environment = resources["Function"]["Properties"]["Environment"]["Variables"]
        answers = []
        with GuardedS3(aws.endpoint, rights) as guarded:
            endpoint = {"AWS_ENDPOINT_URL_S3": f"http://{guarded.address}"}
            with Function(bootstrap, environment | endpoint, tmp_path / "log") as function:
                for pages in [3, 2]:
                    put = s3.put_object(Bucket="the-input", Key="inbox/report.pdf", Body=pdf(pages))
                    answers.append(function.invoke(event(put)))
        listed = s3.list_objects_v2(Bucket="the-output").get("Contents", [])
        return answers, [it["Key"] for it in listed], guarded

    return run


def event(put: dict) -> dict:
    """What S3 sends of the upload."""
    etag = put["ETag"].strip('"')
    described = {"key": "inbox/report.pdf", "size": 1000, "eTag": etag, "sequencer": "0055AED6DCD90281E5"}
    if "VersionId" in put:
        described["versionId"] = put["VersionId"]
    return {
        "Records": [{
            "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "eu-west-1", "eventName": "ObjectCreated:Put",
            "eventTime": "2026-01-01T00:00:00.000Z",
            "s3": {"s3SchemaVersion": "1.0", "bucket": {"name": "the-input", "arn": INPUT}, "object": described},
        }]
    }


def s3_rights(resources: dict) -> set:
    return {it for it in allowed(resources) if it[0].startswith("s3:")}


def test_the_function_needs_every_right_that_the_template_gives_it_and_no_other(scenario, translated):
    rights = s3_rights(resolve(translated, **NAMES))
    assert rights == set(S3_RIGHTS)
    answers, keys, guarded = scenario(rights)
    assert [kind for kind, _ in answers] == ["response", "response"], answers
    # Two pages in the end: that of the older version is gone.
    assert keys == ["inbox/report/manifest.json", "inbox/report/page-0001.png", "inbox/report/page-0002.png"]
    assert guarded.denied == set()
    assert guarded.used == rights


def test_a_bucket_that_keeps_versions_needs_the_right_to_read_one(scenario, translated):
    rights = s3_rights(resolve(translated, KeepInputVersions="true", **NAMES))
    answers, keys, guarded = scenario(rights, versioned=True)
    assert [kind for kind, _ in answers] == ["response", "response"], answers
    assert len(keys) == 3 and guarded.denied == set()
    assert ("s3:GetObjectVersion", f"{INPUT}/*") in guarded.used


@pytest.mark.parametrize("missing", S3_RIGHTS, ids=lambda it: f"{it[0]} on {it[1]}")
def test_without_one_of_the_rights_the_function_fails_and_says_so(scenario, missing):
    answers, _, guarded = scenario(set(S3_RIGHTS) - {missing})
    assert "error" in [kind for kind, _ in answers], answers
    assert {action for action, _ in guarded.denied} == {missing[0]}
    # The last one says what the role lacks.
    said = json.dumps([it for kind, it in answers if kind == "error"])
    assert missing[0] in said or "access_denied" in said, said
