# The function of one app. Its code is deployed, not applied: publish-version puts it there.
variable "app" { type = string }
variable "environment" { type = string }
variable "first_image" { type = string }
variable "role" { type = string }

resource "aws_lambda_function" "app" {
  function_name = "reports-${var.app}-${var.environment}"
  package_type  = "Image"
  image_uri     = var.first_image
  role          = var.role
  image_config {
    command = [{ telegram = "src.api.handler.handler", line = "src.integrations.line_bot.handler", scheduler = "src.scheduler.job.handler" }[var.app]]
  }
  lifecycle { ignore_changes = [image_uri] }
}
