"""Small mistakes that could be made in the code, for bench/mutants.py: `<` for `<=`, a statement left out.

Most are mutmut's, a kept-up tool. Its own runner is not used: it takes no sample and changes every text, while
what is worded how is not held by the tests; and it leaves out constants and all that is decorated.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation import mutators

_LONGEST = 90  # characters of code that are shown
_SENTENCE = re.compile(r"""\W*f?["'][A-Z][^"']* """)  # a text for people


@dataclass(frozen=True)
class Mutant:
    """One mistake: where, what was there, what is there instead, and the module's whole text with it."""

    module: str
    line: int
    before: str
    after: str
    text: str

    def __str__(self) -> str:
        return f"{self.module}:{self.line}  {self.before}  ->  {self.after or '(left out)'}"


@dataclass(frozen=True)
class _Place:
    module: str
    line: int
    tree: cst.Module
    node: cst.CSTNode
    instead: cst.CSTNode | None
    rank: bytes

    def mutant(self) -> Mutant:
        changed: Any = (
            self.tree.deep_replace(self.node, self.instead)
            if self.instead
            else self.tree.deep_remove(self.node)
        )
        before, after = _shown(self.tree, self.node), _shown(self.tree, self.instead)
        return Mutant(self.module, self.line, before, after, changed.code)


def sample(root: Path, modules: Iterable[Path], size: int, seed: str) -> tuple[list[Mutant], int]:
    """`size` mutants of all that there could be, and how many those are.

    They are chosen by `seed` and their own words, so that most stay the same when other lines change.
    """
    places = [place for path in sorted(modules) for place in _places(root, path, seed)]
    chosen = sorted(places, key=lambda place: place.rank)[:size]
    return [place.mutant() for place in chosen], len(places)


def _places(root: Path, path: Path, seed: str) -> Iterator[_Place]:
    module, seen = str(path.relative_to(root)), Counter[str]()
    wrapper = MetadataWrapper(cst.parse_module(path.read_text(encoding="utf-8")))
    finder = _Finder()
    wrapper.visit(finder)
    for line, node, instead in finder.found:
        words = f"{module} {_code(wrapper.module, node)} {_code(wrapper.module, instead)}"
        seen[words] += 1
        rank = hashlib.sha256(f"{seed} {words} {seen[words]}".encode()).digest()
        yield _Place(module, line, wrapper.module, node, instead, rank)


class _Finder(cst.CSTVisitor):
    """Finds every place for a mistake; a type, an import, a decorator, a line for the log or a sentence is none."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[int, cst.CSTNode, cst.CSTNode | None]] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.Annotation | cst.Decorator | cst.ImportFrom | cst.Import):
            return False
        if isinstance(node, cst.If) and _begins(node.test) == "TYPE_CHECKING":
            return False
        if _begins(node) in ("_log", "TypeVar") or _only_says(node):
            return False
        for kinds, mistakes in _MISTAKES:
            if isinstance(node, kinds):
                line = self.get_metadata(PositionProvider, node).start.line
                self.found += [(line, node, instead) for instead in mistakes(node)]
        return True


def _begins(node: cst.CSTNode) -> str:
    """The name with which an expression or a statement of one begins."""
    while isinstance(node, cst.Expr | cst.Call | cst.Attribute):
        node = node.func if isinstance(node, cst.Call) else node.value
    return node.value if isinstance(node, cst.Name) else ""


def _only_says(node: cst.CSTNode) -> bool:
    """Whether nothing is given, or added, but a sentence: `suggestion="Give both, or neither."`."""
    if isinstance(node, cst.Expr) and isinstance(node.value, cst.Call):
        return bool(node.value.args) and all(map(_only_says, node.value.args))
    if not isinstance(node, cst.Arg | cst.Element | cst.DictElement):
        return False
    return bool(_SENTENCE.match(_code(cst.Module([]), node.value)))


def _forgotten(node: cst.Arg | cst.BaseDictElement) -> Iterator[None]:
    if not isinstance(node, cst.Arg) or node.keyword:
        yield None


def _skipped(node: cst.Expr | cst.Raise) -> Iterator[cst.Pass]:
    if isinstance(node, cst.Raise) or isinstance(node.value, cst.Call):
        yield cst.Pass()


def _halved(node: cst.BooleanOperation | cst.BinaryOperation) -> Iterator[cst.BaseExpression]:
    yield from (_in_parentheses(node.left), _in_parentheses(node.right))


def _turned(node: cst.If | cst.IfExp | cst.CompIf) -> Iterator[cst.CSTNode]:
    yield node.with_changes(test=cst.UnaryOperation(cst.Not(), _in_parentheses(node.test)))


def _in_parentheses(node: cst.BaseExpression) -> cst.BaseExpression:
    return node.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])


Mistakes = Callable[[Any], Iterable[cst.CSTNode | None]]
_MISTAKES: list[tuple[Any, Mistakes]] = [
    (cst.BaseNumber, mutators.operator_number),
    (cst.Name, mutators.operator_name),
    (cst.UnaryOperation, mutators.operator_remove_unary_ops),
    (cst.AugAssign, mutators.operator_augmented_assignment),
    (cst.Call, mutators.operator_symmetric_string_methods_swap),
    (cst.BaseCompOp | cst.Break | cst.Continue, mutators.operator_keywords),
    (cst.BaseExpression | cst.ComparisonTarget | cst.AugAssign, mutators.operator_swap_op),
    (cst.Match, mutators.operator_match),
    (cst.Arg | cst.BaseDictElement, _forgotten),
    (cst.Expr | cst.Raise, _skipped),
    (cst.BooleanOperation | cst.BinaryOperation, _halved),
    (cst.If | cst.IfExp | cst.CompIf, _turned),
]


def _code(tree: cst.Module, node: cst.CSTNode | None) -> str:
    return " ".join(tree.code_for_node(node).split()) if node else ""


def _shown(tree: cst.Module, node: cst.CSTNode | None) -> str:
    code = _code(tree, node)
    return code if len(code) <= _LONGEST else f"{code[: _LONGEST - 3]}..."
