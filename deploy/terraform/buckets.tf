# The buckets: private, encrypted, and only over TLS. Terraform does not delete one that holds anything.

resource "aws_s3_bucket" "input" {
  bucket = var.input_bucket
}

resource "aws_s3_bucket" "output" {
  bucket = var.output_bucket
}

locals {
  buckets = {
    input  = aws_s3_bucket.input
    output = aws_s3_bucket.output
  }
}

resource "aws_s3_bucket_versioning" "input" {
  count  = var.keep_input_versions ? 1 : 0
  bucket = aws_s3_bucket.input.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = local.buckets
  bucket   = each.value.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each                = local.buckets
  bucket                  = each.value.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_policy" "this" {
  for_each = local.buckets
  bucket   = each.value.id
  policy   = data.aws_iam_policy_document.only_tls[each.key].json
}

data "aws_iam_policy_document" "only_tls" {
  for_each = local.buckets

  statement {
    sid       = "OnlyEncryptedConnections"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [each.value.arn, "${each.value.arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}
