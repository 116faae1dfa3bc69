"""chat: an answer of a language model to a game master's question.

The model and what it is told about itself are settings (`CHAT_MODEL`, `CHAT_PROMPT`). Nothing of a conversation is
kept: who wants to go on sends what was said before as `history`. An answer takes at most 26 s.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from actions.action import Action, Answer, Request, Scope, UserRequest, hinted
from actions.errors import InvalidRequest, RateLimited, TimedOut
from actions.rates import count_use, give_use_back
from services.errors import ModelBusy, ModelRefused, ModelTooSlow
from services.platform import Platform

_RETRY_AFTER = 20  # seconds; Bedrock's quotas are per minute

# At least one character that is neither blank nor a control: a model refuses anything else.
Text = Annotated[
    str,
    Field(min_length=1, max_length=4000, pattern=r"[^\x00-\x20\x7f-\xa0]"),
    hinted("Send text of 1 to 4,000 characters that are not all blank."),
]


class Exchange(Request):
    """A question and the answer it got."""

    user: Text
    assistant: Text


class Chat(UserRequest):
    """What to answer, and what was said before, the oldest first."""

    message: Text
    history: list[Exchange] = Field(default=[], max_length=10)


def chat(request: Chat, platform: Platform) -> Answer:
    """Ask the model once.

    Raises UsedUp, RateLimited, TimedOut, or InvalidRequest where the model takes no such text.
    """
    before = [
        turn
        for said in request.history
        for turn in (("user", said.user), ("assistant", said.assistant))
    ]
    count_use(platform, request.user_id, "chats")
    try:
        said = platform.bedrock.converse([*before, ("user", request.message)])
    except ModelBusy:
        give_use_back(platform, request.user_id, "chats")
        raise RateLimited("The model has too much to do just now.", _RETRY_AFTER) from None
    except ModelTooSlow:
        raise TimedOut("The model") from None
    except ModelRefused:
        give_use_back(platform, request.user_id, "chats")
        raise InvalidRequest(
            "The model does not take this conversation.",
            field="message",
            suggestion="Shorten it, or leave the history out.",
        ) from None
    usage = {
        "inputTokens": said.input_tokens,
        "outputTokens": said.output_tokens,
        "totalTokens": said.input_tokens + said.output_tokens,
    }
    return {"success": True, "answer": said.text, "model": said.model, "usage": usage}


ACTION = Action(Chat, chat, Scope.USER)
