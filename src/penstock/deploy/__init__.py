"""Deployment: from a definition to files. Pure: no engine, no SDK, and the same bytes for the same definition."""
