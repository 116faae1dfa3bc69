"""What can go wrong with webhooks, in the contract's words."""

from __future__ import annotations

from actions.errors import Conflict, NotFound


class NoSuchWebhook(NotFound):
    """The member has no webhook of that id; nor does it matter whether somebody else has."""

    def __init__(self, webhook_id: str) -> None:
        super().__init__(f"webhook '{webhook_id}' not found", field="id", value=webhook_id)


class WebhookExists(Conflict):
    """The member has a webhook of that URL."""

    def __init__(self) -> None:
        super().__init__(
            "there is a webhook for this url already",
            field="url",
            suggestion="Delete it to have other events sent, or to get another secret.",
        )


class TooManyWebhooks(Conflict):
    """The member has as many webhooks as one may."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"you have {most} webhooks, as many as one may have",
            mostWebhooks=most,
            suggestion="Delete one that you no longer need.",
        )
