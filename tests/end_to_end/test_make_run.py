"""The main job from outside: what a stranger gets from `make run`, `make invoke` and the AWS CLI."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from local.demo import ADMIN
from local.embedded import client, endpoint
from local.stack import STACK, TOP
from tests.end_to_end.running import (
    BEHIND_PROXY,
    MEMBER,
    Run,
    free_port,
    make_invoke,
)
from tests.processes import alive, descendants

pytestmark = pytest.mark.embedded


def test_it_says_what_it_does_and_how_to_call_it(run: Run) -> None:
    said = "".join(run.said)
    for step in ("Starting", "Building", "Deploying", "Seeding"):
        assert re.search(rf"^{step}.* \.\.\. [0-9.]+ s$", said, re.MULTILINE)
    assert "raw-in-base64-out" in said
    assert endpoint(run.port) in said
    assert f"make invoke ACTION=list-saves USER={ADMIN} PORT={run.port}" in said


def test_a_members_server_goes_from_nothing_to_running_to_gone(run: Run, tmp_path: Path) -> None:
    answer = tmp_path / "answer.json"
    created = run.aws_cli(
        "create-instance",
        answer,
        username="Tester",
        foundryLicense="AAAA-BBBB-CCCC-DDDD-EEEE-FFFF",
        foundryAdminKey="end-to-end-admin-key",
    )
    assert created == {
        "success": True,
        "instanceUrl": "https://tester.foundry.test",
        "message": "Instance created successfully",
    }
    assert run.aws_cli("start-instance", answer)["status"] == "starting"
    assert run.status_becomes(lambda found: "taskArn" in found)["status"] != "stopped"
    assert run.aws_cli("stop-instance", answer)["status"] == "stopping"
    run.status_becomes(lambda found: found["status"] == "stopped")
    assert run.aws_cli("destroy-instance", answer)["success"]
    gone = run.status_becomes(lambda found: not found["success"])
    assert gone["errorCode"] == "RESOURCE_NOT_FOUND"


def test_the_tables_of_the_ready_block_are_found_by_a_browser(run: Run) -> None:
    named = re.findall(r"^  (http://[a-z-]+\.localhost:[0-9]+)$", "".join(run.said), re.M)
    discord, awake, asleep = named
    assert discord == f"http://discord.localhost:{run.discord_port}"
    for link in (awake, asleep):
        # Not every resolver knows these names, as browsers do.
        host = link.removeprefix("http://")
        page = requests.get(run.url, headers={"Host": host}, timeout=60)
        assert page.headers["Content-Type"].startswith("text/html")
        assert "<title>" in page.text
    assert "asleep" in page.text
    woken = json.loads(run.make_invoke("ACTION=status", f"USER={ADMIN}").stdout)
    assert woken["instanceUrl"] == "https://ada.foundry.test"
    assert woken["status"] in ("starting", "running")
    by_its_own_name = requests.get(run.url, headers={"Host": "ada.foundry.test"}, timeout=60)
    assert by_its_own_name.headers["Content-Type"].startswith("text/html")
    assert requests.get(f"{run.url}/healthz", timeout=60).json() == {"status": "healthy"}


def test_the_owners_link_of_the_ready_block_wakes_a_table_with_a_click(run: Run) -> None:
    said = "".join(run.said)
    host, way = re.findall(r"^ +http://([a-z-]+\.localhost:[0-9]+)(/\?code=\S+)$", said, re.M)[0]
    page = requests.get(run.url + way, headers={"Host": host}, timeout=60).text
    form = dict(re.findall(r'name="(nonce|code)" value="([^"]+)"', page))
    assert form["code"] in way
    # As a browser sends it that came by http: to the platform, the page is at its own address, by https.
    for origin, status in (("http://elsewhere.example", 403), (f"http://{host}", 303)):
        clicked = requests.post(
            f"{run.url}/_wake",
            data=form,
            headers={"Host": host, "Origin": origin},
            allow_redirects=False,
            timeout=60,
        )
        assert clicked.status_code == status, clicked.text
    state = requests.get(f"{run.url}/_state", headers={"Host": host}, timeout=60).json()
    assert state["status"] in ("starting", "running")


EXAMPLES = (Path(__file__).parent / "lambda_action.md").read_text()


def examples(language: str, run: Run, token: str) -> list[str]:
    """The contract's examples, as printed but for ports, token and the path of the generated modules."""
    instead = {
        "localhost:8080": f"localhost:{run.http_port}",
        "localhost:50060": f"localhost:{run.grpc_port}",
        "YOUR_TOKEN": token,
        "your_jwt_token": token,
        "from proto import": "from handler.rpc import",
    }
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", EXAMPLES, re.DOTALL)
    for printed, here in instead.items():
        found = [text.replace(printed, here) for text in found]
    return found


def test_the_contracts_examples_of_invocations_run_as_printed(run: Run) -> None:
    def said(*command: str) -> str:
        ran = subprocess.run(
            command, cwd=TOP, capture_output=True, text=True, check=False, timeout=60
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    asks_for_token = next(e for e in examples("bash", run, "") if "/token" in e)
    token = json.loads(said("bash", "-c", asks_for_token))["token"]
    answers = {
        re.findall(r"localhost:\d+(/[\w/-]+)", text)[0]: json.loads(said("bash", "-c", text))
        for text in examples("bash", run, token)
    }
    assert answers["/health"]["config"]["grpc_port"] == run.grpc_port
    greeted = json.loads(answers["/api/v1/invoke"]["payload"])
    assert json.loads(greeted["body"])["message"] == "Hello, John!"
    assert answers["/api/v1/invoke-async"]["status_code"] == 202
    assert [each["success"] for each in answers["/api/v1/batch"]["results"]] == [True, True]
    listed = {each["function_name"] for each in answers["/api/v1/functions"]["functions"]}
    assert listed >= {"my-function", "function1"}
    assert answers["/api/v1/functions/my-function"]["config"]["timeout"]
    for text in examples("python", run, token):
        assert "Success: True" in said(sys.executable, "-c", text)


def test_make_invoke_sends_a_sample_event(run: Run) -> None:
    answered = run.make_invoke("EVENT=events/health-check.json")
    assert answered.returncode == 0, answered.stderr
    assert json.loads(answered.stdout)["status"] == "healthy"


@pytest.mark.parametrize(
    ("taken", "said"),
    [
        ("port", "PORT"),
        ("http_port", "HTTP_PORT"),
        ("grpc_port", "GRPC_PORT"),
        ("discord_port", "DISCORD_PORT"),
    ],
)
def test_a_second_run_on_a_port_of_the_first_gives_one_clear_line(
    run: Run, taken: str, said: str
) -> None:
    options: list[str] = []
    for name in ("port", "http_port", "grpc_port", "discord_port"):
        port = getattr(run, name) if name == taken else free_port()
        options += [f"--{name.replace('_', '-')}", str(port)]
    second = subprocess.run(
        [sys.executable, "-m", "local", *options],
        cwd=TOP,
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert second.stderr.count("\n") == 1
    assert f"Port {getattr(run, taken)}" in second.stderr
    assert f"make run {said}=" in second.stderr


def test_the_curl_of_the_ready_block_works_as_it_is_pasted(run: Run) -> None:
    said = "".join(run.said)
    block = said[said.index("  export TOKEN=") : said.index("The demo community")]
    exported = re.findall(r"^  export no_proxy.*$", said, re.MULTILINE)
    pasted = subprocess.run(
        ["bash", "-c", "\n".join([*exported, block])],
        env=BEHIND_PROXY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(pasted.stdout)["status"] in ("starting", "running")


def test_the_api_gateway_of_the_template_answers_with_a_token_of_its_user_pool(run: Run) -> None:
    outputs = client("cloudformation", run.port).describe_stacks(StackName=STACK)["Stacks"][0]
    found = {output["OutputKey"]: output["OutputValue"] for output in outputs["Outputs"]}
    pool, user = found["UserPoolId"], "100000000000000002"
    cognito = client("cognito-idp", run.port)
    cognito.admin_create_user(UserPoolId=pool, Username=user, MessageAction="SUPPRESS")
    secret = {"Password": "Correct-horse-battery-9", "Permanent": True}
    cognito.admin_set_user_password(UserPoolId=pool, Username=user, **secret)
    tokens = cognito.initiate_auth(
        ClientId=found["UserPoolClientId"],
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": user, "PASSWORD": secret["Password"]},
    )["AuthenticationResult"]
    api = f"{found['HttpApiId']}.execute-api.localhost:{run.port}"
    for token, status in ((tokens["IdToken"], 200), (tokens["AccessToken"], 401), ("no", 401)):
        headers = {"Host": api, "Authorization": f"Bearer {token}"}
        answer = requests.post(
            f"{endpoint(run.port)}/", json={"action": "status"}, headers=headers, timeout=60
        )
        assert answer.status_code == status, answer.text
        assert answer.json()["success"] is (status == 200)
    headers = {"Host": api, "Authorization": f"Bearer {tokens['IdToken']}"}
    said = requests.get(f"{endpoint(run.port)}/status", headers=headers, timeout=60)
    assert said.json()["user"] == user


def test_what_somebody_chose_cannot_move_the_terminals_cursor(run: Run, tmp_path: Path) -> None:
    user = "\x1b[2J\x9bred\nline\u202eleft"
    assert run.aws_cli("status", tmp_path / "answer.json", userId=user)["success"] is False
    run.says(r"status \\u001b\[2J\\u009bred\\nline\\u202eleft: failed", within=30)
    shown = run.make_invoke("ACTION=status", f"USER={user}").stdout
    assert json.loads(shown)["details"]["value"] == user
    assert not set("\x1b\x9b\u202e") & set(shown + "".join(run.said))


def test_what_members_servers_need_and_is_missing_is_named_in_one_line(tmp_path: Path) -> None:
    for name in ("make", "tar", "curl", "unzip", "setsid", "sha256sum"):
        (tmp_path / name).symlink_to(shutil.which(name) or "missing")
    tried = subprocess.run(
        [sys.executable, "-m", "local"],
        cwd=TOP,
        env=BEHIND_PROXY | {"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert tried.returncode == 1
    assert tried.stderr.count("\n") == 1
    assert "members' servers need jq" in tried.stderr
    assert "apt install jq" in tried.stderr


def test_make_invoke_says_when_nothing_runs() -> None:
    answered = make_invoke(free_port(), "ACTION=status", f"USER={MEMBER}")
    assert answered.returncode != 0
    assert "nothing runs" in answered.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "PORT=70000"], "'70000' is no port"),
        (["run", "PORT=0"], "'0' is no port"),
        (["run", "HTTP_PORT=eighty"], "'eighty' is no port"),
        (["run", "GRPC_PORT=eighty"], "'eighty' is no port"),
        (["run", "DISCORD_PORT=eighty"], "'eighty' is no port"),
        (["run", "PORT=1; echo '"], "no port"),
        (["invoke", "PORT=99999999", "ACTION=status"], "'99999999' is no port"),
        (["invoke", "EVENT=it's.json"], "cannot read it's.json"),
        (["invoke", 'EVENT="$(pwd)`'], "cannot read"),
        (["invoke", "ACTION=it's", "PORT=9"], "nothing runs on port 9"),
    ],
)
def test_what_cannot_be_meant_gets_one_clear_line(arguments: list[str], said: str) -> None:
    tried = subprocess.run(
        ["make", "--silent", *arguments],
        cwd=TOP,
        env=BEHIND_PROXY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert tried.returncode != 0
    first, *rest = tried.stderr.splitlines()
    assert first.startswith(f"make {arguments[0]}: ")
    assert said in first
    assert all(line.startswith("make: ***") for line in rest), rest


@pytest.mark.prove
def test_both_schedules_call_the_function(run: Run) -> None:
    run.says("prepare-sessions system:", within=75)
    run.says("prepare-sessions system: resource made", within=150)  # the seeded session's task
    run.says("auto-shutdown-check system: answered", within=310)


def test_ctrl_c_ends_it_and_leaves_nothing_behind(run: Run) -> None:
    """The last test: the run ends here."""
    started = descendants(run.process.pid)
    assert started
    run.process.send_signal(signal.SIGINT)
    assert run.process.wait(timeout=30) == 0
    assert not alive(started)
    assert "Traceback" not in "".join(run.said)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", run.port)) != 0
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", run.http_port)) != 0
