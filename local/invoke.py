"""`make invoke`: call the function that `make run` started, and print its answer."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError

from local import embedded, stack
from local.processes import LocalError, port_of, printable, spare_loopback


def main() -> int:
    """Returns the exit code: 0 whenever the function answered, 1 if there was nothing to call or to send."""
    parser = argparse.ArgumentParser(prog="python -m local.invoke", description=__doc__)
    parser.add_argument(
        "--port", type=port_of, default=embedded.PORT, help="port of the embedded AWS"
    )
    parser.add_argument(
        "--event", type=Path, help="file with the payload, such as events/status.json"
    )
    parser.add_argument("--action", help="an action, instead of a file")
    parser.add_argument("--user", help="the userId to go with the action")
    spare_loopback()
    try:
        given = parser.parse_args()
        payload = _payload(given.event, given.action, given.user)
        answer = invoke(payload, given.port)
    except LocalError as error:
        print(f"make invoke: {error}", file=sys.stderr)
        return 1
    print(printable(json.dumps(answer, indent=2, ensure_ascii=False)))
    return 0


def invoke(payload: Any, port: int) -> Any:
    """The function's answer to `payload`; LocalError if nothing runs on `port`, or the function broke."""
    try:
        called = embedded.client("lambda", port).invoke(
            FunctionName=stack.FUNCTION, Payload=json.dumps(payload).encode()
        )
    except EndpointConnectionError:
        raise LocalError(f"nothing runs on port {port}; `make run` starts it.") from None
    except ClientError as error:
        raise LocalError(f"{error}; is `make run` still starting?") from None
    answer = json.loads(called["Payload"].read())
    if "FunctionError" in called:
        raise LocalError(f"the function broke: {json.dumps(answer)}")
    return answer


def _payload(event: Path | None, action: str | None, user: str | None) -> Any:
    if event is not None:
        try:
            return json.loads(event.read_text(encoding="utf8"))
        except (OSError, ValueError) as error:
            raise LocalError(f"cannot read {event}: {error}") from None
    if action is None:
        raise LocalError("say what: EVENT=events/status.json, or ACTION=status USER=<id>")
    return {"action": action, **({"userId": user} if user else {})}


if __name__ == "__main__":
    sys.exit(main())
