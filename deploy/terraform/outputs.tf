output "input_bucket" {
  description = "Put PDFs here."
  value       = aws_s3_bucket.input.id
}

output "output_bucket" {
  description = "Find images and manifests here."
  value       = aws_s3_bucket.output.id
}

output "function_name" {
  description = "The function."
  value       = aws_lambda_function.this.function_name
}

output "function_arn" {
  description = "The function, for policies and triggers of your own."
  value       = aws_lambda_function.this.arn
}

output "failures_url" {
  description = "The queue of events that were given up."
  value       = aws_sqs_queue.failures.url
}

output "log_group" {
  description = "The log."
  value       = aws_cloudwatch_log_group.this.name
}
