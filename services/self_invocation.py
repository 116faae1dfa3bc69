"""Lambda: the function's asynchronous invocation of itself, for what must not keep a caller waiting."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from services.aws import client
from services.settings import Settings


class SelfInvocation:
    """The function itself."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def invoke_later(self, payload: Mapping[str, Any]) -> None:
        """Invoke this very version of the function with `payload`, without waiting for its answer."""
        client("lambda").invoke(
            FunctionName=self._settings.aws_lambda_function_name,
            Qualifier=self._settings.aws_lambda_function_version,
            InvocationType="Event",
            Payload=json.dumps(payload),
        )
