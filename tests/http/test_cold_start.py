"""Only an HTTP event pays for HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from tests import world

OF_HTTP = {"fastapi", "starlette", "mangum", "jwt", "prometheus_client", "uvicorn"}
PROGRAM = """
import json, sys
from handler.app import lambda_handler
answer = lambda_handler(json.loads(sys.argv[1]), None)
loaded = {name.partition(".")[0] for name in sys.modules}
print(json.dumps({"answer": answer, "loaded": sorted(loaded)}))
"""


def loaded_after(event: str) -> tuple[dict[str, Any], set[str]]:
    """What a fresh process answers to an event, and what it has loaded then."""
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, event],
        env={"PATH": os.environ["PATH"], **world.least_environment(), "AWS_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=True,
    )
    said = json.loads(ran.stdout.splitlines()[-1])
    return said["answer"], set(said["loaded"])


def test_a_direct_invocation_loads_nothing_of_http():
    # refused before it asks AWS, after all that a good one loads too
    event = '{"action": "destroy-instance", "userId": "system"}'
    answer, loaded = loaded_after(event)
    assert answer["errorCode"] == "PERMISSION_DENIED"
    assert not loaded & OF_HTTP


def test_what_asks_for_a_table_loads_no_web_application():
    event = {
        "httpMethod": "GET",
        "path": "/socket.io/",
        "headers": {"host": "ada.x"},  # x is the domain here
        "requestContext": {"elb": {"targetGroupArn": "x"}},
    }
    answer, loaded = loaded_after(json.dumps(event))
    assert answer["statusCode"] == 503
    assert not loaded & (OF_HTTP | {"botocore", "boto3"})


def test_an_http_event_that_asks_nothing_of_aws_does_not_load_its_client():
    event = '{"httpMethod": "GET", "path": "/health", "requestContext": {}}'
    answer, loaded = loaded_after(event)
    assert answer["statusCode"] == 200
    assert {"fastapi", "mangum"} <= loaded
    assert not loaded & {"botocore", "boto3", "jwt", "cryptography"}
