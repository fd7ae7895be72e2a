# What starts the function, by event_source. A notification is a resource of its own here, so nothing goes
# round in a circle; S3 tries the target when it is set, so the permission has to be there before.

data "aws_caller_identity" "current" {}

locals {
  is_s3          = var.event_source == "s3"
  is_sqs         = var.event_source == "sqs"
  is_eventbridge = var.event_source == "eventbridge"
}

resource "aws_s3_bucket_notification" "input" {
  bucket      = aws_s3_bucket.input.id
  eventbridge = local.is_eventbridge

  dynamic "lambda_function" {
    for_each = local.is_s3 ? [1] : []

    content {
      lambda_function_arn = aws_lambda_function.this.arn
      events              = ["s3:ObjectCreated:*"]
      filter_suffix       = var.input_suffix
    }
  }

  dynamic "queue" {
    for_each = local.is_sqs ? [1] : []

    content {
      queue_arn     = aws_sqs_queue.input[0].arn
      events        = ["s3:ObjectCreated:*"]
      filter_suffix = var.input_suffix
    }
  }

  depends_on = [aws_iam_role_policy.this, aws_lambda_permission.s3, aws_sqs_queue_policy.input]
}

# s3

resource "aws_lambda_permission" "s3" {
  count          = local.is_s3 ? 1 : 0
  function_name  = aws_lambda_function.this.function_name
  action         = "lambda:InvokeFunction"
  principal      = "s3.amazonaws.com"
  source_arn     = aws_s3_bucket.input.arn
  source_account = data.aws_caller_identity.current.account_id
}

# sqs

resource "aws_sqs_queue" "input" {
  count = local.is_sqs ? 1 : 0
  name  = "${var.name}-input"

  # Lambda advises six timeouts, so that a message does not come again while its first delivery is at work.
  visibility_timeout_seconds = 6 * var.timeout_s
  message_retention_seconds  = 1209600
  sqs_managed_sse_enabled    = true

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.failures.arn
    # Throttling counts as well, so Lambda advises at least five.
    maxReceiveCount = 5
  })
}

resource "aws_sqs_queue_policy" "input" {
  count     = local.is_sqs ? 1 : 0
  queue_url = aws_sqs_queue.input[0].id
  policy    = data.aws_iam_policy_document.input_queue[0].json
}

data "aws_iam_policy_document" "input_queue" {
  count = local.is_sqs ? 1 : 0

  statement {
    sid       = "EventsOfTheInputBucket"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.input[0].arn]

    principals {
      type        = "Service"
      identifiers = ["s3.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_s3_bucket.input.arn]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

resource "aws_lambda_event_source_mapping" "input" {
  count                   = local.is_sqs ? 1 : 0
  function_name           = aws_lambda_function.this.arn
  event_source_arn        = aws_sqs_queue.input[0].arn
  batch_size              = var.batch_size
  function_response_types = ["ReportBatchItemFailures"]

  scaling_config {
    maximum_concurrency = var.maximum_concurrency
  }

  # Lambda checks that the role may read the queue.
  depends_on = [aws_iam_role_policy.this]
}

# eventbridge

resource "aws_cloudwatch_event_rule" "input" {
  count       = local.is_eventbridge ? 1 : 0
  name        = "${var.name}-input"
  description = "PDFs that were put into the input bucket"

  event_pattern = jsonencode({
    source      = ["aws.s3"]
    detail-type = ["Object Created"]
    detail = {
      bucket = { name = [var.input_bucket] }
      object = { key = [{ suffix = { equals-ignore-case = var.input_suffix } }] }
    }
  })
}

resource "aws_cloudwatch_event_target" "function" {
  count = local.is_eventbridge ? 1 : 0
  rule  = aws_cloudwatch_event_rule.input[0].name
  arn   = aws_lambda_function.this.arn

  # What EventBridge cannot deliver; what the function fails at goes the way of its own destination.
  dead_letter_config {
    arn = aws_sqs_queue.failures.arn
  }

  retry_policy {
    maximum_event_age_in_seconds = 21600
    maximum_retry_attempts       = 185
  }
}

resource "aws_lambda_permission" "eventbridge" {
  count         = local.is_eventbridge ? 1 : 0
  function_name = aws_lambda_function.this.function_name
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.input[0].arn
}

resource "aws_sqs_queue_policy" "failures" {
  count     = local.is_eventbridge ? 1 : 0
  queue_url = aws_sqs_queue.failures.id
  policy    = data.aws_iam_policy_document.failures[0].json
}

data "aws_iam_policy_document" "failures" {
  count = local.is_eventbridge ? 1 : 0

  statement {
    sid       = "EventsThatTheRuleCannotDeliver"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.failures.arn]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_cloudwatch_event_rule.input[0].arn]
    }
  }
}
