"""docs/security.md names the tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path("docs/security.md").read_text()


def test_each_attempt_of_the_page_is_a_test_and_each_test_of_attempts_is_on_the_page():
    sources = "".join(path.read_text() for path in Path("tests/security").glob("test_*.py"))
    tests = set(re.findall(r"^def (test_\w+)", sources, re.M))
    named = set(re.findall(r"\| (test_\w+) \|", PAGE))
    assert named <= tests
    attempts = Path("tests/security/test_attempts.py").read_text()
    assert set(re.findall(r"^def (test_\w+)", attempts, re.M)) <= named


def test_what_the_page_names_elsewhere_is_there():
    for name in re.findall(r"`(tests/[\w./]+)`", PAGE):
        assert Path(name).exists(), name
