"""One file a capability: its Terraform, its IAM, its limits."""
