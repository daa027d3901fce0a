"""Prints the table of docs/explanation/states-and-moto.md."""

import sys

from tests.differential.differences import table

sys.stdout.write(table() + "\n")
