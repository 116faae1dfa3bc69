"""What AWS services refuse for good, in the platform's terms. Everything else is AWS's own exception."""


class TaskRefused(Exception):
    """ECS will not run the task: no capacity, or the request itself is impossible. Nothing was started."""


class LoadBalancerFull(Exception):
    """No further target group or rule fits on the load balancer (100 each; docs/sources.md, AWS)."""


class TokenRefused(Exception):
    """A bearer token proves nothing; `reason` says why without repeating any of it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class KeysUnreachable(Exception):
    """The keys that tokens are checked with could not be had in time. The token may well be good."""


class ModelBusy(Exception):
    """The model takes no more requests just now."""


class ModelRefused(Exception):
    """The model cannot take this conversation, whoever sends it and whenever."""


class ModelTooSlow(Exception):
    """The model did not answer in time."""
