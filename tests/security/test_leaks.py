"""What AWS says of roles, accounts and addresses is for the operator: no answer, error or notice repeats it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from actions import ACTIONS, find
from tests import proof, world
from tests.aws_calls import AWS
from tests.http.issuing import own
from tests.http.shapes import ask
from tests.model import emulated
from tests.world import ACCOUNT, sample

pytestmark = pytest.mark.slow

HERE = str(Path.cwd())
LEAK = re.compile(
    rf"arn:aws|(?<!\d){ACCOUNT}(?!\d)|/var/(task|lang)|{re.escape(HERE)}|site-packages|Traceback"
    r"|File \"|assumed-role|botocore|moto|amazonaws\.com"
)
SAID = (
    f"User: arn:aws:sts::{ACCOUNT}:assumed-role/foundry-test/f is not authorized to perform: x on resource:"
    f' arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:foundry-test/key (File "/var/task/services/aws.py")'
    f" image {ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/foundry:13"
)
# The contracts' own: the ARN of a member's task; of a function, and of its role.
DEMANDED = {"taskArn", "functionArn", "role"}
# Where S3 itself takes or gives a member's files: there is no such address that does not name the bucket.
SIGNED = re.compile(r"https://\S+[?&]X-Amz-Signature=[0-9a-f]{64}\S*")
SAMPLES = [name for name in ACTIONS if Path(f"events/{name}.json").exists()]
FIELDS: tuple[Any, ...] = (
    None,
    "",
    7,
    -1,
    1.5,
    True,
    [],
    {},
    "x" * 300,
    "../../etc/passwd",
    "\x00",
    "${jndi:x}",
    "<@1>",
)


def leaks(answer: Any) -> list[str]:
    """What an answer shows that it must not."""
    text = json.dumps(_without_demanded(answer), ensure_ascii=False)
    return [found[0] for found in LEAK.finditer(text)]


def _without_demanded(value: Any) -> Any:
    if isinstance(value, dict):
        return {n: _without_demanded(v) for n, v in value.items() if n not in DEMANDED}
    if isinstance(value, list):
        return [_without_demanded(member) for member in value]
    return None if isinstance(value, str) and SIGNED.fullmatch(value) else value


def asked(name: str) -> dict[str, Any]:
    """The sample, by an administrator where it takes one."""
    user = {"userId": "admin"} if find(name).scope.value in ("admin", "invoke", "read") else {}
    return sample(name, **user)


def test_no_answer_of_the_documentation_shows_one():
    for path in Path("events/answers").glob("*.json"):
        assert not leaks(json.loads(path.read_text())), path


@pytest.fixture
def playing(invoke, ecs, bedrock):
    """A member whose server runs, another who waits, a session and a donation."""
    invoke(sample("create-instance"))
    invoke(sample("create-instance", userId="ben", username="Ben"))
    invoke(sample("kofi-webhook"))
    invoke(sample("start-instance"))
    ecs.comes_up(ecs.only_task())
    AWS.queue.clear()
    return emulated.Copy()


def refuse(code: str) -> Any:
    """AWS refuses, at length."""

    def act() -> None:
        error: Any = {"Error": {"Code": code, "Message": SAID}, "ResponseMetadata": {}}
        raise ClientError(error, "AnyCall")

    return act


def test_no_failure_of_any_call_to_aws_is_repeated_to_who_asked(playing, invoke, meanwhile):
    tried, found = 0, []
    for name in SAMPLES:
        playing.restore()
        AWS.begin()
        invoke(asked(name))
        AWS.end()
        for call in dict.fromkeys(call.name.partition(".")[2] for call in AWS.calls):
            for code in ("AccessDeniedException", "ClientException", "ThrottlingException"):
                playing.restore()
                AWS.queue.clear()
                try:
                    with meanwhile(call, refuse(code)):
                        answer = invoke(asked(name))
                except Exception as error:  # an event of the platform's own asks to be repeated
                    answer = {"raised": str(error)}
                tried += 1
                told = [order for order in AWS.queue if order["action"] == "send-notification"]
                found += [(name, call, code, leak) for leak in leaks([answer, told])]
    assert not found
    assert tried > 200
    proof.record(
        "Attempts against the platform",
        f"leaks: {tried:,} failures of AWS's with ARNs in their words: no answer or notice repeats one",
        tried,
    )


@pytest.mark.parametrize("over_http", [False, True], ids=["direct", "http"])
def test_no_refusal_shows_one(playing, invoke, over_http):
    tried, found = 0, []
    for name in SAMPLES:
        given = sample(name)
        fields = [field for field in given if field != "action"]
        for field in fields:
            for value in FIELDS:
                request = given | {field: value}
                if over_http:
                    answer = ask("POST", "/", request, token=own("eve", scope="user admin")).json
                else:
                    answer = invoke(request)
                tried += 1
                found += [(name, field, value, leak) for leak in leaks(answer)]
    assert not found
    proof.record(
        "Attempts against the platform",
        f"leaks: {tried:,} requests with a bad field, {'HTTP' if over_http else 'direct'}: no answer shows one",
        tried,
    )


def test_what_ecs_says_of_a_task_that_ended_is_told_without_arns(invoke, ecs):
    invoke(sample("create-instance"))
    invoke(sample("start-instance"))
    said = "ResourceInitializationError: unable to pull secrets: " + re.sub(
        r" \(File.+?\)", "", SAID
    )
    task = ecs.only_task()
    ecs.becomes(task, "STOPPED", stopped_reason=said)
    while_starting = invoke(sample("status"))
    ecs.ends(task, exit_code=1, reason=said)
    stopped = invoke(sample("status"))
    for answer in (while_starting, stopped, invoke("list-all", userId="admin"), AWS.queue):
        assert not leaks(answer), answer
    assert "its secrets" in while_starting["message"]
    assert "its secrets" in stopped["message"]
    assert not [
        leak
        for item in world.items("runs")
        for leak in leaks(json.loads(json.dumps(item, default=str)))
    ]
