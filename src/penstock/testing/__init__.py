"""For users' tests: a whole pipeline in a temporary folder, its tasks in this process, its time in the test's hands."""

from penstock.testing.sandbox import Sandbox as Sandbox
