"""What a member or AWS gives in secret is in Secrets Manager and nowhere else, whatever happens."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from random import Random
from typing import Any

import pytest

from tests import proof
from tests.faults.copies import CopyFailed, in_a_copy, in_copies
from tests.faults.disturbing import REPEATED, Case, cases_of, disturbed, undisturbed
from tests.faults.inventory import aws, everything
from tests.faults.scenario import BOB, Scenario, nothing
from tests.faults.scenarios import SCENARIOS
from tests.faults.stage import Stage
from tests.world import sample

GIVEN = {
    "foundryLicense": "LICE-NCEK-EYOF-ADAX-ADAX-ADAX",
    "foundryAdminKey": "the-admin-key-of-ada",
    "foundryUsername": "ada@foundry.example",
    "foundryPassword": "the-foundry-password-of-ada",
}
SECRETS = [value for name, value in GIVEN.items() if name != "foundryUsername"]
SECTION = "Secrets stay secret"
OPERATOR = "OPERATOR-PW"  # as tests/world.py has it

CREATE = Scenario(
    "create with an account", nothing, "create-instance", "created", undone=True, more=GIVEN
)
STOP, SAVE = (
    next(scenario for scenario in SCENARIOS if scenario.name == name)
    for name in ("stop", "save after a stop")
)


def known_secrets() -> list[str]:
    """All that must not be seen: what was given and what AWS made, as Secrets Manager has it now."""
    manager = aws("secretsmanager")
    made = []
    for secret in manager.list_secrets()["SecretList"]:
        values = json.loads(manager.get_secret_value(SecretId=secret["ARN"])["SecretString"])
        config = json.loads(values.pop("awsConfig", "{}"))
        made += [value for name, value in values.items() if name != "username"]
        made += [config["credentials"]["secretAccessKey"]] if config else []
    return [*SECRETS, OPERATOR, *made]


def seen(*what: Any) -> str:
    """All that can be read without asking Secrets Manager."""
    return json.dumps([*what, everything()], default=str)


def leaked(text: str, secrets: list[str]) -> list[str]:
    """The secrets that are in a text."""
    return [secret for secret in secrets if secret in text]


def test_nothing_shows_a_secret_from_create_to_destroy(stage):
    def life(stage: Stage) -> None:
        log = io.StringIO()
        texts, answers = [], []
        with redirect_stdout(log):
            nothing(stage)
            for name in ("create-instance", "start-instance", "status", "stop-instance"):
                answers.append(stage.call(sample(name, **(GIVEN if "create" in name else {}))))
                stage.go_on()
                texts.append(seen())
            secrets = known_secrets()
            for name in ("update-version", "health-check", "list-all", "destroy-instance"):
                who = {"userId": "admin"} if name == "list-all" else {}
                answers.append(stage.call(sample(name, **who)))
                stage.go_on()
                texts.append(seen())
        assert len(secrets) > len(SECRETS) + 1
        assert [a["success"] for a in answers if a] == [True] * 8
        assert not leaked(log.getvalue() + json.dumps(answers) + "".join(texts), secrets)

    stage.copy(life)


LICENSE, KEY, PASSWORD = SECRETS
BAD: dict[str, dict[str, Any]] = {
    "no user name": {"username": None},
    "a user id of the wrong form": {"userId": "no such / id"},
    "an admin key that is too long": {"foundryAdminKey": KEY * 20},
    "an admin key in a list": {"foundryAdminKey": [KEY]},
    "an admin key in an object": {"foundryAdminKey": {"key": KEY}},
    "a licence in a list": {"foundryLicense": [LICENSE]},
    "a licence that is too long": {"foundryLicense": LICENSE * 20},
    "a password without its user name": {"foundryUsername": None},
    "a user name without its password": {"foundryPassword": None, "note": PASSWORD},
    "a password that is too long": {"foundryPassword": PASSWORD * 20},
    "a licence under another name": {"foundryLicense": None, "foundryLicence": LICENSE},
    "a version that there is not": {"foundryVersion": "9"},
    "an action that there is not": {"action": "create-instances"},
    "an instance that exists": {"userId": BOB["userId"]},
    "the schedules' user": {"userId": "system"},
}


@pytest.mark.parametrize("how", BAD)
def test_no_refusal_shows_a_secret(how, stage):
    def refused(stage: Stage) -> None:
        nothing(stage)
        event = sample("create-instance", **GIVEN) | BAD[how]
        event = {name: value for name, value in event.items() if value is not None}
        with redirect_stdout(io.StringIO()) as log:
            answer = stage.call(event)
        assert answer
        assert not answer["success"]
        assert not leaked(log.getvalue() + seen(answer), SECRETS)

    stage.copy(refused)


@pytest.mark.parametrize("event", [[KEY], KEY, {"httpMethod": "POST", "body": json.dumps(GIVEN)}])
def test_no_answer_to_what_is_no_request_shows_a_secret(event, stage):
    def refused(stage: Stage) -> None:
        with redirect_stdout(io.StringIO()) as log:
            answer = stage.call(event)
        assert answer
        assert not leaked(log.getvalue() + seen(answer), SECRETS)

    stage.copy(refused)


def faults_show_nothing(stage: Stage, scenario: Scenario, sample: int | None = None) -> int:
    """Disturb every call in every mode, or so many times, and look at all that is left of it."""

    def looked_at(stage: Stage) -> int:
        scenario.before(stage)
        wanted = in_a_copy(lambda told: undisturbed(stage, told), scenario)
        cases = [c for c in cases_of(scenario, wanted.calls) if c.recovery == REPEATED]
        if sample:
            cases = Random(scenario.name).sample(cases, sample)  # noqa: S311 - always the same

        def look(case: Case) -> list[str]:
            with redirect_stdout(io.StringIO()) as log:
                disturbed(stage, case, wanted)
            assert log.getvalue()
            return leaked(log.getvalue() + seen(), known_secrets())

        for case, found in in_copies(look, cases):
            if isinstance(found, CopyFailed):
                raise found
            assert not found, str(case)
        return len(cases)

    return stage.copy(looked_at)


stories = pytest.mark.parametrize(
    "scenario", [CREATE, STOP, SAVE], ids=lambda scenario: scenario.name
)


@stories
def test_some_faults_show_no_secret(scenario, stage):
    count = faults_show_nothing(stage, scenario, sample=4)
    proof.record(SECTION, f"{scenario.name}: {count} faults, no secret is shown", cases=count)


@pytest.mark.prove
@stories
def test_no_fault_shows_a_secret(scenario, stage):
    count = faults_show_nothing(stage, scenario)
    proof.record(SECTION, f"{scenario.name}: all {count} faults, no secret is shown", cases=count)
