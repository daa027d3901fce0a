"""The simulation: the machine of a home under a virtual clock."""
