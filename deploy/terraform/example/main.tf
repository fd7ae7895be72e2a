# terraform init && terraform apply

provider "aws" {
  region = "eu-west-1"
}

data "aws_caller_identity" "current" {}

module "pdf2img" {
  source = "../"

  zip           = "${path.root}/mupdf-musl-static-arm64-system.zip"
  architecture  = "arm64"
  input_bucket  = "pdf2img-in-${data.aws_caller_identity.current.account_id}"
  output_bucket = "pdf2img-out-${data.aws_caller_identity.current.account_id}"
  event_source  = "sqs"

  options = {
    PDF2IMG_DPI        = "150"
    PDF2IMG_RENDITIONS = "thumb: width=320 format=webp"
  }
}

output "pdfs_go_into" {
  value = module.pdf2img.input_bucket
}

output "images_come_to" {
  value = module.pdf2img.output_bucket
}
