"""What the SAM template comes to, for each event source."""

import json
import re

from conftest import DEPLOY, REPOSITORY, resolve

FAILURES = {"Fn::GetAtt": ["Failures", "Arn"]}
INPUT, OUTPUT = "arn:aws:s3:::the-input", "arn:aws:s3:::the-output"


def of_type(resources: dict, kind: str) -> list[dict]:
    return [it["Properties"] for it in resources.values() if it["Type"] == kind]


def statements(resources: dict) -> list[dict]:
    [role] = of_type(resources, "AWS::IAM::Role")
    assert "ManagedPolicyArns" not in role, "a managed policy allows more than the table says"
    return [it for policy in role["Policies"] for it in policy["PolicyDocument"]["Statement"]]


def as_list(value) -> list:
    return value if isinstance(value, list) else [value]


def allowed(resources: dict) -> set[tuple[str, str]]:
    """Pairs of action and resource, the latter as text."""
    return {
        (action, resource if isinstance(resource, str) else json.dumps(resource))
        for statement in statements(resources)
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    }


def test_the_role_may_do_what_the_readme_lists_and_nothing_else(translated):
    table = (DEPLOY / "README.md").read_text().split("<!-- actions:begin -->")[1].split("<!-- actions:end -->")[0]
    rows = re.findall(r"^\| `(\S+)` \| ([^|]+) \| ([^|]+) \|", table, re.MULTILINE)
    assert len(rows) >= 8
    places = {
        "input `/*`": f"{INPUT}/*",
        "output `/*`": f"{OUTPUT}/*",
        "output": OUTPUT,
        "its log group": '{"Fn::GetAtt": ["LogGroup", "Arn"]}',
        "the queue of failures": '{"Fn::GetAtt": ["Failures", "Arn"]}',
        "the queue": '{"Fn::GetAtt": ["Queue", "Arn"]}',
    }
    for source in ["s3", "sqs", "eventbridge"]:
        for versions in ["true", "false"]:
            names = {"InputBucketName": "the-input", "OutputBucketName": "the-output"}
            resources = resolve(translated, EventSource=source, KeepInputVersions=versions, **names)
            expected = {
                (action, places[place])
                for action, place, why in rows
                if ("Only with `sqs`" not in why or source == "sqs")
                and ("Only if the bucket keeps versions" not in why or versions == "true")
            }
            assert allowed(resources) == expected


def test_no_statement_of_the_role_has_a_wildcard_for_its_action_or_all_resources(variant):
    _, resources = variant
    for action, resource in allowed(resources):
        assert "*" not in action
        assert resource != "*" and not re.search(r":::\*|\*.*/", resource), resource


def test_what_fails_ends_in_the_queue_of_failures(variant):
    source, resources = variant
    [invoke] = of_type(resources, "AWS::Lambda::EventInvokeConfig")
    assert invoke["DestinationConfig"]["OnFailure"]["Destination"] == FAILURES
    assert invoke["MaximumRetryAttempts"] == 2
    if source == "sqs":
        redrive = resources["Queue"]["Properties"]["RedrivePolicy"]
        assert redrive["deadLetterTargetArn"] == FAILURES
        assert redrive["maxReceiveCount"] >= 5
    if source == "eventbridge":
        [target] = resources["Rule"]["Properties"]["Targets"]
        assert target["DeadLetterConfig"]["Arn"] == FAILURES
        [statement] = resources["FailuresPolicy"]["Properties"]["PolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Service": "events.amazonaws.com"}
        assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["Rule", "Arn"]}}}


def test_only_keys_with_the_suffix_start_the_function(variant):
    source, resources = variant
    notification = resources["InputBucket"]["Properties"]["NotificationConfiguration"]
    if source == "eventbridge":
        assert notification == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
        pattern = resources["Rule"]["Properties"]["EventPattern"]
        assert pattern["detail"]["object"]["key"] == [{"suffix": {"equals-ignore-case": ".pdf"}}]
        assert pattern["detail"]["bucket"]["name"] == ["the-input"]
        return
    kind, target = {
        "s3": ("LambdaConfigurations", {"Function": {"Fn::GetAtt": ["Function", "Arn"]}}),
        "sqs": ("QueueConfigurations", {"Queue": {"Fn::GetAtt": ["Queue", "Arn"]}}),
    }[source]
    rules = {"S3Key": {"Rules": [{"Name": "suffix", "Value": ".pdf"}]}}
    assert notification == {kind: [{"Event": "s3:ObjectCreated:*", "Filter": rules, **target}]}


def test_the_rule_asks_for_fields_that_events_have(translated):
    fixture = REPOSITORY / "tests" / "fixtures" / "events" / "eventbridge-object-created.json"
    event = json.loads(fixture.read_text())
    bucket = event["detail"]["bucket"]["name"]
    rule = resolve(translated, EventSource="eventbridge", InputBucketName=bucket)["Rule"]
    pattern = rule["Properties"]["EventPattern"]

    def matches(pattern, value) -> bool:
        if isinstance(pattern, dict):
            return all(name in value and matches(it, value[name]) for name, it in pattern.items())
        return any(
            value.lower().endswith(it["suffix"]["equals-ignore-case"]) if isinstance(it, dict) else value == it
            for it in pattern
        )

    assert matches(pattern, event)
    event["detail"]["object"]["key"] = "notes.txt"
    assert not matches(pattern, event)


def test_only_the_event_source_may_start_the_function(variant):
    source, resources = variant
    permissions = of_type(resources, "AWS::Lambda::Permission")
    if source == "s3":
        [permission] = permissions
        assert permission["Principal"] == "s3.amazonaws.com"
        # Names of buckets change hands; numbers of accounts do not.
        assert (permission["SourceArn"], permission["SourceAccount"]) == (INPUT, "123456789012")
    elif source == "eventbridge":
        [permission] = permissions
        assert permission["Principal"] == "events.amazonaws.com"
        assert permission["SourceArn"] == {"Fn::GetAtt": ["Rule", "Arn"]}
    else:
        assert permissions == []
        [statement] = resources["QueuePolicy"]["Properties"]["PolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Service": "s3.amazonaws.com"}
        assert statement["Condition"] == {
            "ArnEquals": {"aws:SourceArn": INPUT},
            "StringEquals": {"aws:SourceAccount": "123456789012"},
        }


def test_a_message_stays_invisible_for_six_timeouts_and_the_alarm_rings_before_one(translated):
    for timeout in translated["Parameters"]["Timeout"]["AllowedValues"]:
        resources = resolve(translated, EventSource="sqs", Timeout=timeout)
        assert resources["Function"]["Properties"]["Timeout"] == timeout
        assert resources["Queue"]["Properties"]["VisibilityTimeout"] == 6 * int(timeout)
        assert resources["DurationAlarm"]["Properties"]["Threshold"] == 800 * int(timeout)


def test_the_queue_hands_over_some_messages_at_a_time_and_takes_back_those_that_failed(translated):
    resources = resolve(translated, EventSource="sqs", MaximumConcurrency="7")
    [mapping] = of_type(resources, "AWS::Lambda::EventSourceMapping")
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": "7"}


def test_both_buckets_are_private_encrypted_and_refuse_plain_connections(variant):
    _, resources = variant
    for bucket in ["InputBucket", "OutputBucket"]:
        properties = resources[bucket]["Properties"]
        assert len(properties["PublicAccessBlockConfiguration"]) == 4
        assert all(properties["PublicAccessBlockConfiguration"].values())
        assert "BucketEncryption" in properties
        [statement] = resources[f"{bucket}Policy"]["Properties"]["PolicyDocument"]["Statement"]
        assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert {"Fn::GetAtt": [bucket, "Arn"]} in statement["Resource"]
        assert resources[bucket]["UpdateReplacePolicy"] == "Retain"


def test_there_is_an_alarm_for_each_way_to_go_wrong_and_it_goes_to_the_topic(translated):
    for topic in ["", "arn:aws:sns:eu-west-1:123456789012:operators"]:
        alarms = of_type(resolve(translated, AlarmTopicArn=topic), "AWS::CloudWatch::Alarm")
        assert {it["MetricName"] for it in alarms} == {
            "ApproximateNumberOfMessagesVisible", "Errors", "Throttles", "Duration",
        }
        assert all(it.get("AlarmActions") == ([topic] if topic else None) for it in alarms)


def test_concurrency_is_reserved_only_if_asked_for(translated):
    assert "ReservedConcurrentExecutions" not in resolve(translated)["Function"]["Properties"]
    reserved = resolve(translated, ReservedConcurrency="5")["Function"]["Properties"]
    assert reserved["ReservedConcurrentExecutions"] == "5"


def test_the_architecture_is_a_switch(translated):
    for architecture in ["arm64", "x86_64"]:
        function = resolve(translated, Architecture=architecture)["Function"]["Properties"]
        assert function["Architectures"] == [architecture]
        assert (function["Runtime"], function["EphemeralStorage"]) == ("provided.al2023", {"Size": 512})


def test_options_are_those_of_the_function_with_its_own_defaults(translated):
    readme = (REPOSITORY / "README.md").read_text().split("<!-- options:begin -->")[1].split("<!-- options:end -->")[0]
    defaults = {
        variable: default.strip()
        for variable, default in re.findall(r"^\| `(PDF2IMG_\w+)` \|[^|]+\| ([^|]+) \|", readme, re.MULTILINE)
    }
    given = resolve(translated, OutputBucketName="the-output")["Function"]["Properties"]["Environment"]["Variables"]
    assert set(given) <= set(defaults)
    assert given.pop("PDF2IMG_OUTPUT_BUCKET") == "the-output"
    assert given.pop("PDF2IMG_RENDITIONS") == "" and defaults["PDF2IMG_RENDITIONS"] == "none"
    for variable, value in given.items():
        assert defaults[variable].split(",")[0] == value, variable


def test_nothing_refers_to_itself_in_a_circle(variant):
    _, resources = variant

    def references(node):
        if isinstance(node, dict):
            for key, value in node.items():
                if key == "Ref":
                    yield value
                elif key == "Fn::GetAtt":
                    yield value[0]
                elif key == "Fn::Sub":
                    yield from re.findall(r"\$\{(\w+)(?:\.\w+)?\}", value)
                elif key == "DependsOn":
                    yield from as_list(value)
                else:
                    yield from references(value)
        elif isinstance(node, list):
            for value in node:
                yield from references(value)

    needs = {name: {it for it in references(resource) if it in resources} for name, resource in resources.items()}
    made = set()
    while len(made) < len(needs):
        ready = {name for name in needs if name not in made and needs[name] <= made}
        assert ready, f"a circle among {set(needs) - made}"
        made |= ready


def test_what_lets_s3_in_is_made_before_the_bucket_that_calls(variant):
    source, resources = variant
    expected = {"s3": {"Ref": "S3Permission"}, "sqs": {"Ref": "QueuePolicy"}, "eventbridge": "nothing"}[source]
    assert resources["InputBucket"]["Metadata"]["CreatedAfter"] == expected


def test_the_log_has_an_end_and_the_function_writes_there(variant):
    _, resources = variant
    assert resources["LogGroup"]["Properties"]["RetentionInDays"] == 30
    assert resources["Function"]["Properties"]["LoggingConfig"] == {"LogGroup": {"Ref": "LogGroup"}}


def test_the_template_has_no_yaml_aliases_which_cloudformation_does_not_take():
    from yaml import AliasToken, AnchorToken, scan

    tokens = scan((DEPLOY / "sam" / "template.yaml").read_text())
    assert not [it for it in tokens if isinstance(it, (AliasToken, AnchorToken))]
