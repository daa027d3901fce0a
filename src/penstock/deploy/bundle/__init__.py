"""Lambda's artifacts: a zip a task, layers of libraries that tasks share."""
