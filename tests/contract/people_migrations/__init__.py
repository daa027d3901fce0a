"""Revisions of the warehouse that the contract suite has."""
