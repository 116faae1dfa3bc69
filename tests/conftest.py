"""What all tests share: an emulated AWS around the function, fresh for each test."""

from __future__ import annotations

import json
import os
from pathlib import Path

# Before any client is made: nothing here may ever reach a real account.
os.environ |= {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_XRAY_SDK_ENABLED": "false",
    # Without this each fresh EC2 makes 1,300 machine images that nobody here asks for: a third of a second.
    "MOTO_AMIS_PATH": str(Path(__file__).with_name("no_amis.json")),
}

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TypeVar, cast

import freezegun
import hypothesis
import pytest
from freezegun import freeze_time
from freezegun.api import FrozenDateTimeFactory
from moto import mock_aws
from moto.moto_api import state_manager

from tests import (
    aws_calls,
    bedrock_server,
    discord_server,
    emulator,
    failures,
    foundry_server,
    lambda_service,
    proof,
    propagating,
    world,
)
from tests.community import community
from tests.fargate import CLUSTER, Fargate
from tests.lagging import hooks
from tests.lagging.lag import LAG
from tests.model import emulated
from tests.model.interrupting import CALLS, Interruption

if TYPE_CHECKING:
    from tests.http import issuing

emulator.shorten()
emulator.take_turns()
emulator.provision()
T = TypeVar("T")
PROOF = "proof"  # under this name a test's report has what the test found


@pytest.fixture(scope="module")
def _stack() -> Iterator[tuple[dict[str, str], emulated.Copy]]:
    """The stack's resources, made once for all tests of a module: that takes longer than most of the tests."""
    with mock_aws():
        # Tasks change when a test says so, not whenever somebody looks.
        state_manager.set_transition("ecs::task", {"progression": "manual", "times": 1_000_000})
        environment = world.build()
        yield environment, emulated.Copy()


@pytest.fixture(scope="session")
def _balancer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[foundry_server.Balancer]:
    directory = tmp_path_factory.mktemp("balancer")
    with foundry_server.balancer(directory) as balancer:
        os.environ["SSL_CERT_FILE"] = str(directory / "ca.pem")
        yield balancer
        del os.environ["SSL_CERT_FILE"]


@pytest.fixture
def aws(
    _stack: tuple[dict[str, str], emulated.Copy],
    _balancer: foundry_server.Balancer,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[dict[str, str]]:
    """A fresh AWS with the stack's resources; the function's environment names them."""
    environment, copy = _stack
    copy.restore()
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SERVERS_URL", _balancer.url)
    _balancer.begin()
    world.new_process()
    aws_calls.AWS.queue.clear()
    lambda_service.LAMBDA.begin()
    hooks.begin_anew()
    propagating.PROPAGATION.begin()
    yield environment
    aws_calls.AWS.end()


@pytest.fixture(scope="module")
def _made(_stack: object) -> dict[str, tuple[emulated.Copy, list[dict[str, Any]], Any]]:
    return {}


@pytest.fixture
def once(
    _made: dict[str, tuple[emulated.Copy, list[dict[str, Any]], Any]], aws: dict[str, str]
) -> Callable[[Callable[[], T]], T]:
    """What a fixture makes in AWS, made once for all tests of its module: `once(lambda: invoke(...))`.

    The first test makes it, later ones get a copy of what AWS then held. Time has to stand where it stood then.
    """

    def given(make: Callable[[], T]) -> T:
        name = make.__qualname__
        if name not in _made:
            result = make()
            _made[name] = emulated.Copy(), list(aws_calls.AWS.queue), result
            return result
        copy, queue, result = _made[name]
        copy.restore()
        aws_calls.AWS.queue[:] = queue
        return cast("T", result)

    return given


# No example fails because the machine is busy.
hypothesis.settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("unhurried")

# By default freezegun shows threads the real time, and the platform works side by side.
freezegun.configure(default_ignore_list=["_pytest.terminal.", "_pytest.runner."])


@pytest.fixture
def freezer() -> Iterator[FrozenDateTimeFactory]:
    """Time that stands still until a test moves it: `freezer.tick(300)`, `freezer.move_to(...)`."""
    with freeze_time() as frozen:
        assert isinstance(frozen, FrozenDateTimeFactory)
        yield frozen


Invoke = Callable[..., dict[str, Any]]


@pytest.fixture
def invoke(aws: dict[str, str]) -> Invoke:
    """Call the function as `aws lambda invoke` does: `invoke("status", userId="ada")`, or with an event."""
    from handler.app import lambda_handler

    def call(action: str | dict[str, Any], **fields: Any) -> dict[str, Any]:
        event = {"action": action, **fields} if isinstance(action, str) else action
        with LAG.one_invocation():
            return lambda_handler(event, world.Context())

    return call


@pytest.fixture
def foundry(
    _balancer: foundry_server.Balancer, aws: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> foundry_server.Balancer:
    """The members' servers as the load balancer reaches them, by HTTPS; a test sets what each says."""
    monkeypatch.delenv("SERVERS_URL")
    monkeypatch.setenv("LOAD_BALANCER_DNS", _balancer.address)
    world.new_process()
    return _balancer


@pytest.fixture
def discord(
    aws: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[discord_server.Discord]:
    """The Discord channel that the operator has configured for notices."""
    with discord_server.discord() as served:
        secret = world.client("secretsmanager").create_secret(
            Name="discord", SecretString=json.dumps({"url": served.url})
        )
        monkeypatch.setenv("DISCORD_WEBHOOK_SECRET_ARN", secret["ARN"])
        world.new_process()
        yield served


@pytest.fixture(scope="session")
def _jwks() -> Iterator[issuing.Jwks]:
    # Of this one service nothing is asked but its address, at which it shows the pool's keys.
    from tests.http import issuing

    with issuing.jwks() as served:
        os.environ["AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER"] = served.url
        yield served
        del os.environ["AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER"]


@pytest.fixture
def http(_jwks: issuing.Jwks, aws: dict[str, str]) -> issuing.Jwks:
    """A fresh AWS, and the user pool's keys at a real address."""
    return _jwks


@pytest.fixture(scope="session")
def _bedrock() -> Iterator[bedrock_server.Bedrock]:
    with bedrock_server.bedrock() as served:
        os.environ["AWS_ENDPOINT_URL_BEDROCK_RUNTIME"] = served.url
        yield served
        del os.environ["AWS_ENDPOINT_URL_BEDROCK_RUNTIME"]


@pytest.fixture
def bedrock(_bedrock: bedrock_server.Bedrock) -> bedrock_server.Bedrock:
    """The model behind the chat, which moto has not; a test says what it does."""
    _bedrock.fresh()
    return _bedrock


@pytest.fixture
def ecs(aws: dict[str, str], invoke: Invoke) -> world.Ecs:
    """ECS's own part: tasks that come up and end."""
    return world.Ecs(world.cluster(aws), invoke)


@pytest.fixture
def pool(invoke: Invoke, freezer: FrozenDateTimeFactory, once: Callable[..., Any]) -> None:
    """One licence, shared by olga; ben and cleo borrow. It is eight o'clock on a Sunday (UTC)."""
    freezer.move_to("2026-03-01T20:00:00Z")
    once(lambda: community(invoke, owners=["olga"], borrowers=["ben", "cleo"]))


@pytest.fixture
def fargate(aws: dict[str, str], invoke: Invoke) -> Fargate:
    """ECS's own part in members' functions: services whose tasks come up and end."""
    return Fargate(CLUSTER, invoke)


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Show the fields that differ."""
    return failures.compared(op, left, right)


Meanwhile = Callable[..., AbstractContextManager[None]]


@pytest.fixture
def meanwhile() -> Meanwhile:
    """Something happens within a call to AWS, as when two act at once: `with meanwhile("RunTask", act): ...`.

    What `act` raises is what the call raises. `after` as many calls of that name; `mode` as in tests/aws_calls.py.
    """

    def at(
        call: str, act: Callable[[], object] | None = None, after: int = 0, mode: str = ""
    ) -> AbstractContextManager[None]:
        return CALLS.interrupted(Interruption(after, mode, act, only=call))

    return at


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, Any]:
    """Leave walls of log out of the report, and send what a proof found along with it: under xdist another
    process prints and writes it.
    """
    report = yield
    report.sections = failures.shorten(report.sections)
    if report.when == "call" and (notes := proof.taken()):
        report.user_properties.append((PROOF, [item.session.items.index(item), notes]))
    return report


@pytest.hookimpl(trylast=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Take up what a proof that passed has found; a proof that failed proves nothing."""
    for name, found in report.user_properties:
        if name == PROOF and report.passed:
            place, notes = cast("tuple[int, list[proof.Note]]", found)
            proof.keep(notes, place)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how much the proofs did, at whatever size they ran."""
    for line in proof.summary():
        terminalreporter.line(line)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Keep the figures of proofs if all have passed, in the process to which all reports came."""
    alone_or_controller = not hasattr(session.config, "workerinput")
    options = session.config.option
    full_size = options.markexpr == "prove" and not options.keyword
    if full_size and alone_or_controller and exitstatus == pytest.ExitCode.OK:
        proof.write()
