"""What AWS would refuse in the template that CloudFormation gets, as cfn-lint knows it: no exception is made."""

from __future__ import annotations

import json

import pytest
from cfnlint.api import lint

from tests.template import Stack


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"FunctionUrl": "true", "Environment": "prod"}])
def test_cfn_lint_finds_nothing_in_the_translated_template(options: dict[str, str]) -> None:
    found = lint(json.dumps(Stack(given=options).template, indent=1))
    assert [f"{match.rule.id} {match.path}: {match.message}" for match in found] == []


def test_the_purge_task_runs_one_image_for_ever() -> None:
    (container,) = Stack().properties("PurgeTask")["ContainerDefinitions"]
    assert "@sha256:" in container["Image"]
