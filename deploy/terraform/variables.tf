variable "name" {
  description = "The function's name; those of role, queues, log and alarms begin with it."
  type        = string
  default     = "pdf2img"
}

variable "zip" {
  description = "The path of the function's zip, such as mupdf-musl-static-arm64-system.zip."
  type        = string
}

variable "architecture" {
  description = "Of the zip: arm64 for a cell with arm64 in its name, x86_64 for amd64."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "Choose arm64 or x86_64."
  }
}

variable "input_bucket" {
  description = "The name of the bucket to create for PDFs."
  type        = string
}

variable "output_bucket" {
  description = "The name of the bucket to create for images and manifests. It has to be another one."
  type        = string
}

variable "event_source" {
  description = "How the function hears of PDFs: from S3 directly, through a queue, or through EventBridge."
  type        = string
  default     = "s3"

  validation {
    condition     = contains(["s3", "sqs", "eventbridge"], var.event_source)
    error_message = "Choose s3, sqs or eventbridge."
  }
}

variable "input_suffix" {
  description = "Which keys are PDFs. S3 compares exactly, EventBridge and the function in either case."
  type        = string
  default     = ".pdf"
}

variable "keep_input_versions" {
  description = "Whether the input bucket keeps old versions of objects."
  type        = bool
  default     = false
}

variable "batch_size" {
  description = "With sqs, how many messages one invocation takes. More pays for many small documents."
  type        = number
  default     = 1

  validation {
    condition     = var.batch_size >= 1 && var.batch_size <= 10
    error_message = "From 1 to 10."
  }
}

variable "maximum_concurrency" {
  description = "With sqs, how many invocations the queue starts at a time."
  type        = number
  default     = 10
}

variable "memory_mb" {
  description = "Megabytes. CPUs follow: 1769 is one, 3538 two."
  type        = number
  default     = 3538
}

variable "timeout_s" {
  description = "Seconds that one invocation may take."
  type        = number
  default     = 300

  validation {
    condition     = var.timeout_s >= 1 && var.timeout_s <= 900
    error_message = "From 1 to 900."
  }
}

variable "reserved_concurrency" {
  description = "The most invocations at a time, taken out of the account's; -1 for no limit of its own."
  type        = number
  default     = -1
}

variable "options" {
  description = "Options of the function, such as { PDF2IMG_DPI = \"300\" }. The README has the table."
  type        = map(string)
  default     = {}
}

variable "alarm_topic_arn" {
  description = "The SNS topic that alarms go to; null for alarms that only show."
  type        = string
  default     = null
}

variable "log_retention_days" {
  description = "How long the log is kept."
  type        = number
  default     = 30
}
