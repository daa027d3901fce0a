"""Lines of logs, and what they say: pure functions, one module a format."""
