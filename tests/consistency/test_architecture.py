"""The house is laid out as docs/architecture.md says."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from actions import ACTIONS, find

LAYERS = ("handler", "actions", "services")
# The folders of actions, "" being what is beside them: each uses those before it.
FOLDERS = (
    "",
    "discord",
    "billing",
    "kofi",
    "webhooks",
    "licenses",
    "instances",
    "scheduling",
    "tables",
    "saves",
    "panels",
    "functions",
    "automation",
    "admin",
    "invocations",
    "backend",
)
FILE_TASK = Path("actions/instances/file_task")
# Without those that `make proto` makes.
MODULES = sorted(
    path for layer in LAYERS for path in Path(layer).rglob("*.py") if "_pb2" not in path.name
)


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_the_arrow_points_from_handler_to_actions_to_services(path):
    above = LAYERS[: LAYERS.index(path.parts[0])]
    for module in imported(path):
        assert module.split(".")[0] not in above, f"{path} imports {module}"


@pytest.mark.parametrize("path", sorted(Path("actions").rglob("*.py")), ids=str)
def test_each_folder_of_actions_uses_only_those_before_it(path):
    folder = path.parts[1] if len(path.parts) > 2 else ""
    assert folder in FOLDERS, f"say in FOLDERS where actions/{folder} comes"
    later = FOLDERS[FOLDERS.index(folder) + 1 :]
    for module in imported(path):
        parts = module.split(".")
        if parts[0] == "actions" and Path("actions", *parts[1:2]).is_dir():
            assert not {*parts[1:2]} & {*later}, f"{path} imports {module}, which comes after it"


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_only_services_talk_to_aws(path):
    if path.parts[0] != "services":
        assert not {"boto3", "botocore"} & {module.split(".")[0] for module in imported(path)}


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_time_and_randomness_come_from_one_place_each(path):
    allowed = {
        "services/clock.py": {"time"},
        "services/ids.py": {"random", "secrets", "uuid"},
    }
    # perf_counter measures how long something took, sleep waits: neither says what time it is
    names = {"time.time", "datetime.now", "datetime.utcnow", "random.random", "uuid.uuid4"}
    used = {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    if str(path) not in allowed and path.parent != FILE_TASK:  # a program of its own
        assert not used & names


@pytest.mark.parametrize("path", sorted(FILE_TASK.glob("*.py")), ids=str)
def test_the_program_of_file_tasks_needs_only_itself_and_python(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            assert {name.name.split(".")[0] for name in node.names} <= sys.stdlib_module_names
        if isinstance(node, ast.ImportFrom):
            assert node.level or str(node.module).split(".")[0] in sys.stdlib_module_names


def functions(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", sorted(Path("handler/http").glob("*.py")), ids=str)
def test_whoever_calls_over_http_is_who_the_token_says_and_never_the_platform_itself(path):
    text = path.read_text()
    assert "DIRECT" not in text, f"{path}: a caller over HTTP is `caller: Authenticated`"
    assert "trusted=" not in text, f"{path}: nobody is the platform itself over HTTP"
    open_to_all = {"webhooks.py", "probes.py", "lambda_action.py", "user_tokens.py", "tables.py"}
    assert path.name in open_to_all or " Caller(" not in text, f"{path}: take `Authenticated`"


OF_GRPC = {"grpc", "grpc_health", "grpc_reflection", "google"}  # the zip has none of them


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_only_the_server_and_what_it_serves_know_grpc(path):
    if path.parent == Path("handler/rpc"):
        assert not re.search(r"DIRECT|trusted=|Caller\(", path.read_text()), (
            f"{path}: whoever calls is who the token says"
        )
    elif path != Path("handler/server.py"):
        found = set(imported(path))
        assert not OF_GRPC & {module.split(".")[0] for module in found}
        assert not [module for module in found if module.startswith("handler.rpc")]


@pytest.mark.parametrize("path", sorted(Path("handler/http").glob("*.py")), ids=str)
def test_a_route_that_waits_for_an_action_is_no_coroutine(path):
    for function in functions(path):
        called = {
            node.func.id
            for node in ast.walk(function)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        if isinstance(function, ast.AsyncFunctionDef):
            assert "dispatch_action" not in called, (
                f"{path}: {function.name} would stop all other requests; make it `def`"
            )


@pytest.mark.parametrize("path", sorted(Path("handler").rglob("*.py")), ids=str)
def test_what_the_platform_does_is_an_action_and_not_in_the_handler(path):
    tables = {"instances", "hosts", "runs", "licenses", "sessions", "ledger", "donations"}
    used = {
        node.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name | ast.Call)
        and "platform" in ast.unparse(node.value)
    }
    assert not used & tables, f"{path} reads a table: that is an action's"


# Who may call what could write an instance's status; `change`, `acquire` and `note` refuse to.
STATUS_WRITERS = {
    "change_status": {"actions/instances/transitions.py"},
    "put": {"actions/instances/create.py"},  # the intent, whose status is the first
    "update": set(),
}


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_only_transitions_write_an_instances_status(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Attribute) or node.attr not in STATUS_WRITERS:
            continue
        table = getattr(node.value, "attr", getattr(node.value, "id", None))
        if table == "instances" or node.attr == "change_status":
            assert str(path) in STATUS_WRITERS[node.attr], (
                f"{path}:{node.lineno} may not call instances.{node.attr}: "
                "a status is written by actions/instances/transitions.py, which counts it"
            )


@pytest.mark.parametrize("name", ACTIONS)
def test_every_row_of_the_table_is_an_action(name):
    action = find(name)
    assert action.run.__doc__, "an action's function says what it does"
    assert action.request.__doc__


Definition = ast.FunctionDef | ast.ClassDef


def public(tree: ast.AST) -> Iterator[Definition]:
    """The functions and classes without an underscore, but for those within functions."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Definition) and not node.name.startswith("_"):
            yield node
        if not isinstance(node, ast.FunctionDef):
            yield from public(node)


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_every_module_and_public_function_says_what_it_means(path):
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), path
    for node in public(tree):
        assert ast.get_docstring(node), f"{path}:{node.lineno} {node.name}"
