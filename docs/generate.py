"""`make docs`: docs/actions.md from the actions themselves, and the table in docs/costs.md. Tests compare them."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from actions import ACTIONS
from actions.action import Request, Scope
from docs import monthly

TARGET = Path("docs/actions.md")
HEAD = """# Actions

Every call is a JSON object with an `action` and the fields below; unknown fields are ignored, types are not
converted. This page is made from the code by `make docs`.

An answer has `success`. One that failed has `error` (for people), `errorCode` (for programs), `details` with
`field`, `value` and `suggestion` where they help, and `requestId`, which the log has too.

| errorCode | what it means | what to do |
|---|---|---|
| VALIDATION_ERROR | the request is not of the form below | mend the field that `details` names |
| RESOURCE_NOT_FOUND | there is no such server | make it first |
| UNAUTHENTICATED | over HTTP: there is no valid token | send one |
| PERMISSION_DENIED | the caller may not do this | ask who may |
| RESOURCE_CONFLICT | it does not fit the present state (`details.status`) | do what `suggestion` says |
| RATE_LIMITED | too much was asked for, at once or today | wait for `details.retryAfter` seconds |
| TIMEOUT_ERROR | AWS is too busy or did not answer in time | try again: nothing is done twice |
| INTERNAL_ERROR | something went wrong inside | try again; tell the operator the `requestId` |
"""
SCOPES = {
    Scope.PUBLIC: "anyone",
    Scope.USER: "the user",
    Scope.ADMIN: "administrators",
    Scope.INVOKE: "a client with the scope `invoke`, or an administrator",
    Scope.READ: "a client with the scope `read`, or an administrator",
    Scope.SPEAKER: "a client, or a token, with the scope `user`",
    Scope.SYSTEM: "the platform itself",
}


def page() -> str:
    """The whole page."""
    return HEAD + "".join(_section(name, module) for name, module in ACTIONS.items())


def _section(name: str, module: str) -> str:
    loaded = import_module(module)
    action = loaded.ACTION
    lead, _, rest = (loaded.__doc__ or "").strip().partition("\n\n")
    said = lead.partition(": ")[2] or lead
    parts = [f"\n## {name}\n", f"{said[0].upper()}{said[1:]}\n".replace("\n", " ").rstrip() + "\n"]
    if rest:
        parts.append(rest + "\n")
    parts.append(f"Who may call it: {SCOPES[action.scope]}.\n")
    parts.append(_fields(action.request))
    parts.append(_sample(name))
    return "\n".join(part for part in parts if part)


def _fields(model: type[Request]) -> str:
    schema = model.model_json_schema(by_alias=True)
    required = schema.get("required", [])
    rows = [
        f"| `{field}` | {_form(form)} | {_need(field, form, required)} |"
        for field, form in schema["properties"].items()
    ]
    if not rows:
        return ""
    return "\n".join(["| field | what | |", "|---|---|---|", *rows]) + "\n"


def _need(field: str, form: dict[str, Any], required: list[str]) -> str:
    if field in required:
        return "required"
    default = form.get("default")
    return "optional" if default is None else f"default `{str(default).lower()}`"


def _form(form: dict[str, Any]) -> str:
    if "anyOf" in form:
        return _form(next(part for part in form["anyOf"] if part.get("type") != "null"))
    if "const" in form:
        return f"`{form['const']}`"
    if "enum" in form:
        return " or ".join(f"`{value}`" for value in form["enum"])
    if "$ref" in form:
        return "object"
    if "type" not in form:
        return str(form.get("description", "anything"))
    words = {"string": "text", "boolean": "true or false", "integer": "whole number"}
    kinds = form["type"] if isinstance(form["type"], list) else [form["type"]]
    kind = " or ".join(words.get(name) or name for name in kinds)
    if form.get("format") == "password":
        kind = "secret text"
    longest = form.get("maxLength")
    return f"{kind}, at most {longest} characters" if longest else kind


def _sample(name: str) -> str:
    shown = [
        ("Asked", Path(f"events/{name}.json")),
        ("Answered", Path(f"events/answers/{name}.json")),
    ]
    return "\n".join(
        f"{said} ([{path}](../{path})):\n\n```json\n{path.read_text()}```\n"
        for said, path in shown
        if path.exists()
    )


if __name__ == "__main__":
    for target, text in ((TARGET, page()), (monthly.TARGET, monthly.page())):
        target.write_text(text)
        print(f"wrote {target}")
