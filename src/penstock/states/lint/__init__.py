"""Every mistake of an Amazon States Language document at once, each with its place."""

from penstock.states.lint.codes import AWS_ONLY as AWS_ONLY
from penstock.states.lint.codes import CODES as CODES
from penstock.states.lint.codes import Code as Code
from penstock.states.lint.document import lint as lint
