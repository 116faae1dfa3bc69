"""Only an HTTP event pays for HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from tests import world

OF_HTTP = {"fastapi", "starlette", "mangum", "jwt", "prometheus_client", "uvicorn"}
ENVIRONMENT = {name: os.environ[name] for name in ("PATH", "AWS_ACCESS_KEY_ID")}
ENVIRONMENT |= {"AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
ENVIRONMENT |= {
    "AWS_REGION": "us-east-1",
    "LISTENER_ARN": "arn:aws:elasticloadbalancing:us-east-1:1:x",
}
PROGRAM = """
import json, sys
from handler.app import lambda_handler
answer = lambda_handler(json.loads(sys.argv[1]), None)
loaded = {name.partition(".")[0] for name in sys.modules}
print(json.dumps({"answer": answer, "loaded": sorted(loaded)}))
"""

RESTORED = """
import json, sys
from handler.app import lambda_handler, load_all
load_all()
before = set(sys.modules)
answer = lambda_handler(json.loads(sys.argv[1]), None)
ours = [name for name in set(sys.modules) - before if name.startswith(("handler", "actions", "services"))]
print(json.dumps({"answer": answer, "loaded": ours}))
"""


def loaded_after(event: str, program: str = PROGRAM) -> tuple[dict[str, Any], set[str]]:
    """What a fresh process answers to an event, and what it has loaded then."""
    ran = subprocess.run(
        [sys.executable, "-c", program, event],
        env=world.least_environment() | ENVIRONMENT,
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


def test_a_process_from_a_snapshot_has_loaded_the_page_of_imports_before():
    event = {
        "httpMethod": "GET",
        "path": "/_import",
        "headers": {"host": "ada.x"},
        "requestContext": {"elb": {"targetGroupArn": "x"}},
    }
    answer, loaded = loaded_after(json.dumps(event), RESTORED)
    assert answer["statusCode"] == 200
    assert loaded == set()
