"""A pattern means to the platform what it means to IAM, and a name what it means to Lambda."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import world
from tests.lambda_service import LAMBDA
from tests.policies import allows
from tests.world import ACCOUNT

pytestmark = pytest.mark.slow

ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:"
names = st.text("abA0-_", min_size=1, max_size=8)
patterns = st.text("abA0-_*?", min_size=1, max_size=8) | st.sampled_from(["*", "?*", "a*b*a*b"])
often = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def policy(pattern):
    statement = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": ARN + pattern}
    return {"Version": "2012-10-17", "Statement": [statement]}


def may(invoke, client_id, name):
    """Whether a client may have a function invoked; it is not there, or is not run."""
    answer = invoke(
        "invoke-function",
        clientId=client_id,
        functionName=name,
        payload="{}",
        invocationType="DryRun",
    )
    if answer.get("errorCode") == "PERMISSION_DENIED":
        return False
    assert answer["statusCode"] in (204, 404), answer
    return True


def test_what_a_clients_pattern_names_iam_takes_it_to_name(invoke, monkeypatch):
    monkeypatch.setenv("INVOKABLE_FUNCTIONS", "*")
    world.new_process()
    tried = 0

    @often
    @given(name=names, pattern=patterns)
    def agree(name, pattern):
        nonlocal tried
        tried += 1
        client = {"clientId": f"c{tried}", "scopes": ["invoke"], "functions": [pattern]}
        world.put("clients", client)
        by_iam = allows([policy(pattern)], "lambda:InvokeFunction", ARN + name)
        assert may(invoke, client["clientId"], name) is by_iam

    agree()


def test_a_client_reaches_what_both_the_operator_and_its_patterns_name(invoke, monkeypatch):
    monkeypatch.setenv("INVOKABLE_FUNCTIONS", " my-* , report? ")
    world.new_process()
    patterns_of = {"all": ["*"], "mine": ["my-a*"], "others": ["your-*"], "none": []}
    for client_id, functions in patterns_of.items():
        world.put("clients", {"clientId": client_id, "scopes": ["invoke"], "functions": functions})
    reached = {
        client_id: [
            name
            for name in ("my-a", "my-b", "report1", "report12", "your-a", "MY-a", "xmy-a")
            if may(invoke, client_id, name)
        ]
        for client_id in patterns_of
    }
    assert reached == {
        "all": ["my-a", "my-b", "report1"],
        "mine": ["my-a"],
        "others": [],
        "none": [],
    }


def test_no_name_reaches_more_than_the_function_of_that_name(invoke):
    world.put("clients", {"clientId": "c", "scopes": ["invoke"], "functions": ["my-*"]})
    strange = st.text(
        st.sampled_from("my-abcfunction:/*?$.@ \n\x00äK") | st.characters(), max_size=80
    )
    near = st.builds(lambda text: "my-function" + text, strange) | st.builds(
        lambda text: ARN + "my-function" + text, strange
    )

    @often
    @given(name=strange | near)
    def reached(name):
        LAMBDA.invoked.clear()
        invoke("invoke-function", clientId="c", functionName=name, payload="{}")
        for function, *_ in LAMBDA.invoked:
            assert function.startswith("my-")
            assert function in name
            assert function.isascii()

    reached()
