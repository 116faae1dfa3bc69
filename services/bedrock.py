"""Bedrock: one answer of a model to a conversation (Converse)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from botocore.exceptions import ClientError

from services.aws import LONG_ANSWER, client, code_of
from services.errors import ModelBusy, ModelRefused, ModelTooSlow
from services.settings import Settings

PERSONA = (
    "You assist the game masters of a community that plays tabletop role-playing games on Foundry VTT."
    " You know the rules of the common systems and help to prepare sessions: encounters, characters, places,"
    " hooks and rulings. Answer briefly and in the language of the question. Say which edition a rule is of, and"
    " say so when you are not sure of a rule."
)
# What Converse answers when it is the amount that is too much, and when it is the conversation itself
# (Bedrock, API_runtime_Converse, Errors).
_BUSY = {"ThrottlingException", "ModelNotReadyException", "ServiceQuotaExceededException"}


@dataclass(frozen=True)
class Said:
    """What the model said, and what that took."""

    text: str
    model: str
    input_tokens: int
    output_tokens: int


class Bedrock:
    """The model of the settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def converse(self, turns: Sequence[tuple[str, str]]) -> Said:
        """The model's answer to `turns`, pairs of role and text that begin and end with the user's.

        Raises ModelBusy, ModelRefused or ModelTooSlow. One try of at most 26 s.
        """
        try:
            answer = client("bedrock-runtime", LONG_ANSWER).converse(
                modelId=self._settings.chat_model,
                system=[{"text": self._settings.chat_prompt or PERSONA}],
                messages=[{"role": role, "content": [{"text": text}]} for role, text in turns],
                inferenceConfig={"maxTokens": self._settings.chat_max_tokens},
            )
        except ClientError as error:
            raise _known(error) from error
        parts = answer["output"]["message"]["content"]
        return Said(
            text="".join(part.get("text", "") for part in parts),
            model=self._settings.chat_model,
            input_tokens=int(answer["usage"]["inputTokens"]),
            output_tokens=int(answer["usage"]["outputTokens"]),
        )


def _known(error: ClientError) -> Exception:
    """What a refusal of Bedrock's means; the error itself where it means nothing to the caller."""
    code = code_of(error)
    if code in _BUSY:
        return ModelBusy(code)
    if code == "ModelTimeoutException":
        return ModelTooSlow(code)
    return ModelRefused(code) if code == "ValidationException" else error
