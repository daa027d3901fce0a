"""What a Task state does that calls a service by itself, on one machine: one module a service."""

from penstock.runtime.integrations.calls import service_call
from penstock.runtime.integrations.perform import perform

__all__ = ["perform", "service_call"]
