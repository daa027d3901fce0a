variable "region" {
  description = "Where it runs"
  type        = string
  default     = "us-east-1"
}

variable "name_prefix" {
  description = "Put before every name, to have the pipeline twice in an account: \"dev-\""
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^([a-z0-9][a-z0-9-]{0,15})?$", var.name_prefix))
    error_message = "At most 16 lower-case letters, digits and hyphens; a hyphen does not come first."
  }
}

variable "tags" {
  description = "On everything, beside those of the definition"
  type        = map(string)
  default     = {}
}

variable "lake_bucket" {
  description = "The lake's bucket; named after account and region when null"
  type        = string
  default     = null
}

variable "delete_data_on_destroy" {
  description = "Lets `terraform destroy` delete buckets and tables with what is in them"
  type        = bool
  default     = false
}

variable "require_tls" {
  description = "Buckets refuse requests that do not come over TLS"
  type        = bool
  default     = true
}

variable "architecture" {
  description = "Processor of the functions; the zips must be built for it"
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "arm64 or x86_64."
  }
}

variable "task_environment" {
  description = "Variables for tasks, by task: { collect_cpu = { PENSTOCK_FLEET = \"20:7\" } }"
  type        = map(map(string))
  default     = {}
}

variable "permissions_boundary" {
  description = "ARN of a policy that bounds every role; none when null"
  type        = string
  default     = null
}

variable "log_retention_days" {
  description = "How long logs are kept"
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "One of CloudWatch's retention times."
  }
}

variable "workflow_log_level" {
  description = "What workflows write into their logs"
  type        = string
  default     = "ERROR"

  validation {
    condition     = contains(["OFF", "FATAL", "ERROR", "ALL"], var.workflow_log_level)
    error_message = "OFF, FATAL, ERROR or ALL."
  }
}

variable "log_execution_data" {
  description = "Inputs and outputs of states are logged too"
  type        = bool
  default     = false
}

variable "schedules_enabled" {
  description = "Whether the clock starts workflows"
  type        = bool
  default     = true
}

variable "schedule_expressions" {
  description = "Other times for schedules, by name"
  type        = map(string)
  default     = {}
}

variable "subscriptions" {
  description = "Who is mailed, by topic; each confirms once by the link in the first mail"
  type        = map(list(string))

  default = {
    infrastructure-alerts = []
  }
}

variable "monthly_budget_usd" {
  description = "Warns past this; no budget when null"
  type        = number
  default     = 5
}

variable "budget_emails" {
  description = "Who is warned of costs"
  type        = list(string)
  default     = []
}

variable "scan_limit_mb" {
  description = "A query that would read more is cancelled"
  type        = number
  default     = 1024
}

variable "partition_years" {
  description = "First and last year that queries see; both belong to the range"
  type        = string
  default     = "2025,2034"

  validation {
    condition     = can(regex("^[0-9]{4},[0-9]{4}$", var.partition_years))
    error_message = "Two years: \"2025,2034\"."
  }
}

variable "sealing_enabled" {
  description = "Whether the clock seals closed partitions"
  type        = bool
  default     = true
}
