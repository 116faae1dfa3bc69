"""The emulator without its longest detours: it answers the same, sooner. And tasks do not run from the start.

Its tables are used by one call at a time: it copies them for each transaction, and puts them back as they were when
one is refused, with whatever others have written meanwhile.
"""

from __future__ import annotations

from functools import lru_cache
from threading import RLock
from typing import Any

from moto.core import responses
from moto.core.serialize import BaseJSONSerializer
from moto.core.utils import method_names_from_class
from moto.dynamodb.parsing import ast_nodes
from moto.dynamodb.responses import DynamoHandler
from moto.ecs.models import Task, TaskDefinition

_nodes: Any = ast_nodes  # which says nothing of its types
_serialize_structure = BaseJSONSerializer._serialize_type_structure
_call_tables = DynamoHandler.call_action
_tables = RLock()
_processed: dict[tuple[type, type], bool] = {}  # by kind of traverser and kind of node


def shorten() -> None:
    """Let the emulator of this process take the short ways."""
    BaseJSONSerializer._serialize_type_structure = _as_it_is  # type: ignore
    _nodes.DepthFirstTraverser.traverse_node_recursively = _traverse
    # The emulator would look at its own classes anew with each call.
    responses.method_names_from_class = lru_cache(method_names_from_class)  # type: ignore


def take_turns() -> None:
    """Let calls to DynamoDB be carried out one after the other."""

    def in_turn(handler: DynamoHandler) -> Any:
        with _tables:
            return _call_tables(handler)

    DynamoHandler.call_action = in_turn  # type: ignore


def provision() -> None:
    """Let a task begin as ECS has it, in the state PROVISIONING; the emulator's runs from the start.

    It keeps what its definition said (`defined`): ECS deletes a definition only once no task needs it any more, the
    emulator at once (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/delete-task-definition-v2.html).
    """
    begin: Any = Task.__init__

    def provisioned(task: Task, *args: Any, **kwargs: Any) -> None:
        begin(task, *args, **kwargs)
        task.last_status = "PROVISIONING"
        definition: TaskDefinition = kwargs.get("task_definition") or args[1]
        task.defined = definition.container_definitions  # type: ignore[attr-defined]
        task.volumes = definition.volumes  # type: ignore[attr-defined]

    Task.__init__ = provisioned  # type: ignore


def _as_it_is(serializer: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
    """Write DynamoDB's values as the emulator has them, instead of looking for each of ten types in each."""
    if shape.name == "AttributeValue":
        serialized[key] = value
    else:
        _serialize_structure(serializer, serialized, value, shape, key)


def _traverse(traverser: Any, node: Any, child_id: int = -1) -> Any:
    """Go through an update's expression, asking but once which kinds of nodes a traverser wants."""
    kind: Any = type(node)
    if not _is_node(kind):
        return node
    parent = node.parent
    for number, child in enumerate(node.children or ()):
        traverser.pre_processing_of_child(node, number)
        _traverse(traverser, child, number)
    kinds = (type(traverser), kind)
    if kinds not in _processed:
        _processed[kinds] = isinstance(node, traverser.nodes_to_be_processed())
    if _processed[kinds]:
        node = traverser.process(node)
        node.parent = parent
        if parent:
            parent.children[child_id] = node
    return node


@lru_cache
def _is_node(kind: Any) -> bool:
    return issubclass(kind, _nodes.Node)
