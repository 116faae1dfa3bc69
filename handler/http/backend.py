"""The web backend's own endpoints: status and chat (contract: Backend Services)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.requests import Request

from handler.http.calling import call, without_success
from handler.http.request import Json, json_object, platform_of
from handler.http.security import Authenticated
from services import clock

router = APIRouter()
VERSION = "1.0"  # of the surface, as the contract's example has it


@router.get("/status")
async def status(request: Request, caller: Authenticated) -> Json:
    """That the service answers, and as whom it knows the caller."""
    settings = platform_of(request).settings
    now = datetime.fromtimestamp(clock.milliseconds() / 1000, UTC)
    return Json(
        {
            "status": "ok",
            "timestamp": now.isoformat(timespec="milliseconds"),
            "version": VERSION,
            "service": settings.aws_lambda_function_name,
            "environment": settings.env,
            "user": caller.user_id,
        }
    )


@router.post("/chat")
def chat(
    request: Request, caller: Authenticated, body: Annotated[dict[str, Any], Depends(json_object)]
) -> Json:
    """An answer of the language model. Always for the caller: the address takes no userId."""
    asked = {**body, "userId": caller.user_id}
    return Json(without_success(call(request, "chat", asked, caller)))
