"""The description of all routes, for programs (/openapi.json) and for people (/docs)."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter()
