"""moto's server with what Terraform's provider asks beyond it; run as a program: the port is its argument.

Each mend is of a defect of moto 5.2.5, none of ours:
- states:ValidateStateMachineDefinition and states:ListStateMachineVersions are not implemented;
- athena:DeleteNamedQuery is not implemented;
- s3:PutBucketLogging wants to see the prefix of that one log in the bucket's policy, where AWS asks what it allows.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import Any


def mend() -> None:
    """Adds what is missing."""
    from moto.athena.responses import AthenaResponse
    from moto.s3.models import FakeBucket
    from moto.stepfunctions.responses import StepFunctionResponse

    def validate(self: Any) -> str:
        return json.dumps({"result": "OK", "diagnostics": [], "truncated": False})

    def versions(self: Any) -> str:
        return json.dumps({"stateMachineVersions": []})

    def delete_named_query(self: Any) -> str:
        self.athena_backend.named_queries.pop(self._get_param("NamedQueryId"), None)
        return "{}"

    StepFunctionResponse.validate_state_machine_definition = validate
    StepFunctionResponse.list_state_machine_versions = versions
    AthenaResponse.delete_named_query = delete_named_query
    FakeBucket._log_permissions_enabled_policy = staticmethod(lambda **bucket: True)


def serve(port: int) -> None:
    """Serves until the process ends."""
    os.environ["MOTO_PORT"] = str(port)
    from moto.server import ThreadedMotoServer

    mend()
    ThreadedMotoServer("127.0.0.1", port=port, verbose=False).start()
    threading.Event().wait()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
