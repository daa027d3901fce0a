"""`penstock doctor --aws`: what is wrong with a planned deployment, the user's own edits included."""

from penstock.deploy.doctor.examination import RULES, examine, unread
from penstock.deploy.doctor.finding import Finding, Rule, Severity, report

__all__ = ["RULES", "Finding", "Rule", "Severity", "examine", "report", "unread"]
