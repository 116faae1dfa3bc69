"""Which calls to AWS had to wait for one another.

Calls of one line of work come one after the other. Work done side by side gets a copy of its caller's
context in a thread of its own, which makes a branch here. A call has waited for those of its own branch, of
the branches it comes from, and of the branches that came from its own, as far as they had ended before it
began. Of two sibling branches neither waits for the other, whichever was quicker: so the figure depends on
the code alone, not on how fast the emulator answers.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import count
from threading import get_ident

_moments = count()


@dataclass(frozen=True, eq=False)
class Branch:
    """A line of work: one thread in one context."""

    thread: int
    parent: Branch | None

    def comes_from(self, other: Branch) -> bool:
        """Whether this is `other`, or began in it."""
        return self is other or (self.parent is not None and self.parent.comes_from(other))


_branch: ContextVar[Branch | None] = ContextVar("branch", default=None)


def _present_branch() -> Branch:
    branch = _branch.get()
    if branch is None or branch.thread != get_ident():
        branch = Branch(get_ident(), branch)
        _branch.set(branch)
    return branch


@dataclass
class Span:
    """When a call began and ended, in moments that only say what came first."""

    name: str
    branch: Branch = field(default_factory=_present_branch)
    began: int = field(default_factory=lambda: next(_moments))
    ended: int | None = None

    def end(self) -> None:
        """The answer has come."""
        self.ended = next(_moments)

    def waited_for(self, other: Span) -> bool:
        """Whether this call could not begin before `other` had ended."""
        if other.ended is None or other.ended > self.began:
            return False
        return self.branch.comes_from(other.branch) or other.branch.comes_from(self.branch)


def longest_chain(spans: list[Span]) -> list[str]:
    """The names of the calls of the longest chain in which each waited for the one before."""
    chains: list[list[str]] = []
    for i, span in enumerate(spans):
        before = [chains[j] for j in range(i) if span.waited_for(spans[j])]
        chains.append([*max(before, key=len, default=[]), span.name])
    return max(chains, key=len, default=[])
