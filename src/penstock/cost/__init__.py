"""What a pipeline costs a month in AWS."""
