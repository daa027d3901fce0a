"""What is looked for: a file a concern, a function a rule."""
