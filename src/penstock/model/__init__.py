"""Pure data: what a pipeline is. No I/O, no clock."""
