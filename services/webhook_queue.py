"""SQS: what webhooks are to be told. Lambda takes it from the queue and calls the function with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from services.aws import client
from services.settings import Settings


class WebhookQueue:
    """The queue of the stack."""

    def __init__(self, settings: Settings) -> None:
        self._account, self._name = settings.webhook_queue_arn.split(":")[-2:]

    def send(self, user_id: str, message: Mapping[str, Any], wait: int = 0) -> None:
        """Queue one message of a member's, to be taken in `wait` seconds, at most 900.

        Many of one member do not hold up those of others (SQS, Fair queues).
        """
        client("sqs").send_message(
            QueueUrl=self._url,
            MessageBody=json.dumps(message),
            MessageGroupId=user_id,
            DelaySeconds=wait,
        )

    def put_back(self, receipt: str, seconds: int) -> None:
        """Let a message that was received, and is not going to be deleted, come again in so many seconds."""
        client("sqs").change_message_visibility(
            QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=seconds
        )

    @property
    def _url(self) -> str:
        """As SQS makes it, wherever the service is."""
        service = client("sqs")
        return f"{service.meta.endpoint_url.rstrip('/')}/{self._account}/{self._name}"
