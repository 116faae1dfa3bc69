"""The function under the template's own role, on an AWS that checks it: enough for everything, and nothing idle."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener, urlopen

import pytest
import requests

from local import demo, embedded, stack
from tests import proof
from tests.embedded.conftest import free_port
from tests.embedded.deployed import Answer, Deployed, permissions
from tests.embedded.member import Member
from tests.embedded.scenes import SAID_INSTEAD, SCENES, UNSEEN
from tests.tables.visiting import Page
from tests.webhook_receiver import TAKEN, receiver, signature_is_right
from tests.world import sample

pytestmark = pytest.mark.embedded

SOME = [
    "s3:PutBucketPolicy",
    "s3:GetObject",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
    "dynamodb:BatchWriteItem",
    "lambda:ListFunctions",
    "dynamodb:Scan",
    "bedrock:Converse",
    "iam:PutRolePolicy",
    "sqs:ChangeMessageVisibility",
    "ecs:CreateService",
    "ec2:DeleteSecurityGroup",
    "elasticloadbalancing:ModifyRule",
]


@pytest.fixture(scope="module")
def deployed() -> Iterator[Deployed]:
    with (
        embedded.running(free_port(), auth=True, servers=stack.STACK, lightly=True) as aws,
        Deployed.behind_front(aws) as deployed,
    ):
        yield deployed


def test_the_whole_life_cycle_passes_under_the_templates_role(deployed: Deployed) -> None:
    ada, ben = Member(deployed, "ada"), Member(deployed, "ben")
    ada.makes(allowLicenseSharing=True)
    ben.makes(licenseType="pooled")
    an_evening_on_the_own_licence(ada)
    a_session_on_a_borrowed_licence(ben)
    assert deployed.call(sample("health-check"))["status"] == "healthy"
    assert deployed.call(sample("readiness"))["ready"]
    listed = deployed.call(sample("list-all", userId=demo.ADMIN))
    assert len(listed["instances"]) == 2
    money_and_administration(deployed, ada)
    a_client_has_functions_invoked(deployed)
    a_webhook_is_told(ada)
    a_member_has_functions(ada)
    ada.asks("set-license-sharing", allowLicenseSharing=False)
    for member in (ada, ben):
        member.uploads_something()
        member.asks("destroy-instance")
        member.is_gone()
    handed = {"targetUserId": ada.user, "toUserId": ben.user}
    assert deployed.call(sample("admin-hand-over-saves", **handed))["success"]
    assert ben.asks("list-saves")["departed"]["username"] == ada.user
    ben.asks("restore-instance")
    ben.rests()
    ben.asks("destroy-instance", forget=True)
    ben.is_gone()
    assert not [line for line in deployed.log.fresh() if "AccessDenied" in line]


def test_a_sleeping_table_is_answered_through_the_load_balancer(deployed: Deployed) -> None:
    """By the template's own rules and target group, and with its permission."""
    cleo = Member(deployed, "cleo")
    cleo.makes()
    link = urlsplit(cleo.asks("status")["wakeUrl"])
    asleep, page = through_the_balancer(deployed, link.hostname, f"/?{link.query}")
    assert asleep == 503
    shown = Page(page)
    assert shown.text.startswith("cleo: Asleep")
    assert f"code={shown.fields['code']}" == link.query
    assert (
        json.loads(through_the_balancer(deployed, link.hostname, "/_state")[1])["phase"] == "asleep"
    )
    other = f"nobody.{link.hostname.partition('.')[2]}"  # type: ignore[union-attr]
    assert through_the_balancer(deployed, other, "/")[0] == 404
    assert through_the_balancer(deployed, "elsewhere.example", "/")[1] == "There is nothing here."
    assert through_the_balancer(deployed, link.hostname, "/_wake", shown.fields)[0] == 303
    assert cleo.asks("status")["status"] == "starting"
    assert (
        json.loads(through_the_balancer(deployed, link.hostname, "/_state")[1])["phase"] != "asleep"
    )
    assert cleo.asks("stop-instance")
    cleo.becomes("stopped")


def test_parts_of_an_archive_are_taken_from_tables_pages_and_from_no_other(
    deployed: Deployed,
) -> None:
    """By the template's rules, of the load balancer and of the bucket; also while the server runs."""
    dora = Member(deployed, "dora")
    dora.makes()
    dora.plays()
    link = urlsplit(dora.asks("import-link")["url"])
    status, page = through_the_balancer(deployed, link.hostname, link.path)
    assert (status, Page(page).all("h1")) == (200, [{}])
    (part,) = dora.asks("begin-import", bytes=1000)["parts"]
    from_table, from_elsewhere = f"https://{link.hostname}", "https://evil.example"
    preflight = {"Access-Control-Request-Method": "PUT"}
    for origin, status in ((from_table, 200), (from_elsewhere, 403)):
        asked = requests.options(part["url"], headers=preflight | {"Origin": origin}, timeout=30)
        assert asked.status_code == status, asked.text
        assert (asked.headers.get("Access-Control-Allow-Origin") == origin) == (status == 200)
    for size, status in ((999, 403), (1000, 200)):
        sent = requests.put(
            part["url"], data=b"x" * size, headers={"Origin": from_table}, timeout=30
        )
        assert sent.status_code == status, sent.text
    dora.asks("destroy-instance", forget=True)
    dora.is_gone()


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def through_the_balancer(
    deployed: Deployed, host: str | None, path: str, form: dict[str, str] | None = None
) -> tuple[int, str]:
    """Status and body of what the emulator's load balancer answers for a host, to a browser."""
    (name,) = (
        balancer["LoadBalancerName"]
        for balancer in deployed.aws.client("elbv2").describe_load_balancers()["LoadBalancers"]
    )
    headers = {"Host": f"{host}:443", "X-Forwarded-Proto": "https", "Accept": "text/html"}
    headers |= {"Origin": f"https://{host}", "Sec-Fetch-Site": "same-origin"} if form else {}
    body = urlencode(form).encode() if form else None
    asked = Request(f"{deployed.aws.endpoint}/_alb/{name}{path}", body, headers)  # noqa: S310 - loopback
    try:
        with build_opener(_NoRedirects).open(asked, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as answer:
        return answer.code, answer.read().decode()


def an_evening_on_the_own_licence(ada: Member) -> None:
    ada.asks("start-instance")
    ada.becomes("running")
    ada.asks("keep-alive")
    ada.asks("set-auto-shutdown")
    ada.asks("set-size")
    ada.asks("get-logs")
    ada.asks("set-world")
    ada.as_if(dueAt=0)
    assert ticks(ada.deployed, "auto-shutdown-check")["instancesChecked"] == 1
    ada.asks("stop-instance")
    ada.rests()
    her_files_are_saved_and_put_back(ada)
    ada.asks("update-version", foundryVersion="14")
    ada.rests()
    assert ada.asks("status")["foundryVersion"] == "14"
    ada.asks("undo-update")
    ada.rests()
    assert ada.asks("status")["foundryVersion"] == "13"
    ada.asks("change-credentials")
    a_visitor_wakes_her_table(ada)


def her_files_are_saved_and_put_back(ada: Member) -> None:
    """By tasks of another role than the function's, in a bucket from which that one only reads reports."""
    ada.asks("save-now", label="Before the dragon")
    ada.rests()
    newest, oldest = ada.asks("list-saves")["saves"]
    assert (newest["label"], oldest["kind"]) == ("Before the dragon", "after-stop")
    ada.asks("label-save", saveId=newest["saveId"], label="With the dragon", locked=True)
    ada.asks("restore-save", saveId=oldest["saveId"], world=None)
    ada.rests()
    ada.asks("label-save", saveId=newest["saveId"], label=None, locked=False)
    ada.asks("export-save", saveId=oldest["saveId"], world=None)
    ada.rests()
    assert "url" in ada.asks("export-save", saveId=oldest["saveId"], world=None)
    an_archive_is_taken_in(ada)
    ada.asks("delete-save", saveId=newest["saveId"])
    ada.asks("save-now", label=None)
    ada.rests()
    kinds = [save["kind"] for save in ada.asks("list-saves")["saves"]]
    assert kinds == ["asked-for", "before-import", "before-restore", "after-stop"]


def an_archive_is_taken_in(ada: Member) -> None:
    """Put to addresses that the function has signed, part by part."""
    dropped = ada.asks("begin-import", bytes=20_000_000)
    answer = ada.asks("begin-import", bytes=1000)
    assert answer["importId"] != dropped["importId"]
    (part,) = answer["parts"]
    with urlopen(Request(part["url"], b"x" * 1000, method="PUT"), timeout=60) as put:  # noqa: S310 - loopback
        assert put.status == 200
    ada.asks("begin-import", bytes=1000)
    ada.rests()
    assert ada.asks("begin-import", bytes=1000)["packages"]
    ada.asks("confirm-import", importId=answer["importId"])
    ada.rests()
    kinds = [save["kind"] for save in ada.asks("list-saves")["saves"]]
    assert kinds[0] == "before-import"


def a_visitor_wakes_her_table(ada: Member) -> None:
    link = urlsplit(ada.asks("set-wake", who="code", rotate=True)["wakeUrl"])
    host, call = {"host": link.hostname}, ada.deployed.call
    nonce = call(sample("table-page", **host))["nonce"]
    code = {"code": link.query.partition("=")[2]}
    answer = call(sample("wake-table", **host, nonce=nonce, **code))
    assert answer["success"], (answer, ada.deployed.log.fresh())
    assert call(sample("table-state", **host))["success"]
    ada.becomes("running")
    ada.asks("stop-instance")
    ada.becomes("stopped")


def a_session_on_a_borrowed_licence(ben: Member) -> None:
    assert ben.deployed.call(sample("license-pool-status"))["availableLicenses"] == 1
    ben.asks("request-license")
    ben.asks("release-license")
    when = {"startTime": int(time.time()) + 5, "duration": 15}
    assert ben.asks("check-availability", **when)["available"]
    session = ben.asks("schedule-session", **when)["sessionId"]
    when["duration"] += 15
    ben.asks("move-session", sessionId=session, **when)
    assert ticks(ben.deployed, "prepare-sessions")["instancesStarted"] == 1
    ben.becomes("running")
    ben.deployed.as_if("SessionsTable", {"sessionId": {"S": session}}, dueAt=0)
    ticks(ben.deployed, "prepare-sessions")
    (shown,) = ben.asks("get-scheduled-sessions")["sessions"]
    assert shown["status"] == "running"
    assert ben.deployed.call(sample("admin-force-shutdown", targetUserId=ben.user))["success"]
    ben.becomes("stopped")
    tomorrow = when | {"startTime": when["startTime"] + 86400}
    other = ben.asks("schedule-session", **tomorrow)["sessionId"]
    ben.asks("cancel-scheduled-session", sessionId=other)


def money_and_administration(deployed: Deployed, ada: Member) -> None:
    hers = sample("kofi-webhook")["body"] | {
        "verification_token": demo.KOFI_TOKEN,
        "message": "",
    }
    waiting = sample("admin-assign-donation")["donationId"]
    other = {"message_id": waiting, "kofi_transaction_id": waiting, "email": "heidi@example.com"}
    for body in (hers, hers | other):
        assert deployed.call(sample("kofi-webhook", body=body))["donationProcessed"]
    assert ada.asks("link-donor")["donationsAssigned"] == 1
    assert ada.asks("get-user-costs")["donations"] == 3.0
    tomorrow = {"startTime": int(time.time()) + 86400, "duration": 15}
    session = ada.asks("schedule-session", **tomorrow)["sessionId"]
    ada.asks("set-time-zone", timeZone="Europe/Berlin")
    ada.asks("crew-add", crewId="3" * 18)
    ada.asks("crew-remove", crewId="3" * 18)
    orders: dict[str, dict[str, Any]] = {
        "admin-cancel-session": {"sessionId": session},
        "admin-assign-donation": {},
        "admin-grant": {},
        "admin-revoke": {},
        "admin-revoke-token": {},
        "admin-cancel-all-sessions": {},
        "admin-system-maintenance": {"enabled": True},
        "admin-maintenance-reset": {},
    }
    for name, fields in orders.items():
        answer = deployed.call(sample(name, **fields))
        assert answer["success"], (name, answer, deployed.log.fresh())
    assert deployed.call(sample("admin-system-maintenance", enabled=False))["success"]
    for name in ("get-all-costs", "admin-overview", "shutdown-stats", "admin-list-sessions"):
        assert deployed.call(sample(name))["success"], name
    assert len(deployed.call(sample("admin-audit"))["entries"]) == len(orders) + 2


def a_client_has_functions_invoked(deployed: Deployed) -> None:
    """Of all functions there is the platform's own, which plays one event at a time: it has itself run later."""
    own = {"functionName": stack.FUNCTION, "payload": '{"action": "readiness"}'}
    made = deployed.call(sample("client-create", functions=["*"]))
    proved = {"clientSecret": made["clientSecret"]}
    assert deployed.call(sample("client-token", **proved))["success"]
    client = {"userId": None, "clientId": made["clientId"]}
    asked = (
        sample("invoke-function", **client, **own, invocationType="Event", alias=None),
        sample("invoke-async", **client, **own),
        sample("batch-invoke", **client, invocations=[own | {"invocationType": "Event"}] * 2),
        sample("list-functions", **client),
        sample("get-function-config", **client, functionName=stack.FUNCTION),
    )
    for event in asked:
        answer = deployed.call(event)
        assert answer["success"], (event, answer, deployed.log.fresh())
    logged = deployed.call(sample("list-invocations", **client, functionName=stack.FUNCTION))
    assert [record["status_code"] for record in logged["invocations"]] == [202] * 4
    as_the_contract_reads_it(deployed, client["clientId"])
    for order in ("client-list", "client-rotate", "client-revoke"):
        assert deployed.call(sample(order))["success"], order


def as_the_contract_reads_it(deployed: Deployed, client_id: str) -> None:
    """SQL on the table; DynamoDB orders by the sort key, which begins with the moment, within one client."""
    statement = f'SELECT * FROM "{deployed.outputs["InvocationsTable"]}" WHERE client_id = ? ORDER BY id DESC'  # noqa: S608
    found = deployed.aws.client("dynamodb").execute_statement(
        Statement=statement, Parameters=[{"S": client_id}], Limit=10
    )
    assert len(found["Items"]) == 4
    assert {"id", "function_name", "invoked_at", "success"} <= found["Items"][0].keys()


def a_webhook_is_told(ada: Member) -> None:
    """Lambda takes from the queue what is for it; what was not taken at first comes again."""
    with receiver() as there:
        there.answers_with(503)
        made = ada.asks("webhook-create", url=there.url)["webhook"]
        (record,) = sample("deliver-webhooks")["records"]
        about = {"userId": ada.user, "webhookId": made["id"], "at": int(time.time())}
        ada.deployed.aws.client("sqs").send_message(
            QueueUrl=ada.deployed.outputs["WebhookQueueUrl"],
            MessageBody=json.dumps(json.loads(record["body"]) | about),
        )
        give_up = time.monotonic() + 60
        while len(there.posted) < 2:
            assert time.monotonic() < give_up, ada.deployed.log.fresh()
            if there.posted:
                there.says(TAKEN)
            time.sleep(0.1)
        assert all(signature_is_right(posted, made["secret"]) for posted in there.posted)
        assert len({posted.body for posted in there.posted}) == 1
        waited = [int(posted.headers["webhook-timestamp"]) for posted in there.posted]
        assert waited[1] - waited[0] >= 15
        time.sleep(2)
        assert len(there.posted) == 2
    assert ada.asks("webhook-list")["webhooks"] == [
        {name: value for name, value in made.items() if name != "secret"}
    ]
    ada.asks("webhook-delete", id=made["id"])


def a_member_has_functions(ada: Member) -> None:
    """From its making to its end, followed by the tick alone."""
    made = ada.asks("function-create", image="clock")["function"]
    key = {"userId": {"S": ada.user}, "entry": {"S": f"fn:{made['name']}"}}

    def is_followed(key: dict[str, Any]) -> None:
        ada.deployed.as_if("FunctionsTable", key, dueAt=0)
        ticks(ada.deployed, "auto-shutdown-check")

    is_followed(key)
    assert ada.asks("function-get")["function"]["status"] == "Running"
    ada.asks("function-update", image="print-input", replicas=0)
    job = ada.asks("function-invoke")["jobName"]
    assert ada.asks("function-invocations")["invocations"][0]["jobName"] == job
    is_followed({**key, "entry": {"S": f"job:{made['id'][-12:]}:{job}"}})
    ended = ada.asks("function-invocations")["invocations"][0]
    assert ended["status"] == "completed", ended
    assert ada.asks("function-logs")["lines"]
    ada.asks("function-delete")
    is_followed({**key, "entry": {"S": f"gone:{made['id'][-12:]}"}})


def ticks(deployed: Deployed, action: str) -> Answer:
    """Let a schedule fire; all that is due must succeed."""
    answer = deployed.call(sample(action))
    assert (answer["success"], answer["failures"]) == (True, 0), (answer, deployed.log.fresh())
    return answer


def test_each_permission_of_the_role_is_used(deployed: Deployed) -> None:
    assert permissions(deployed.policies) == SCENES.keys() | UNSEEN


@pytest.mark.parametrize(
    "taken", [SOME, pytest.param(list(SCENES), marks=pytest.mark.prove)], ids=["some", "all"]
)
def test_without_a_permission_what_needs_it_fails_and_the_log_says_why(
    taken: list[str], deployed: Deployed
) -> None:
    for number, permission in enumerate(taken):
        member = Member(deployed, f"scene-{number}-of-{len(taken)}")
        event = SCENES[permission](member)
        deployed.log.fresh()
        with deployed.without(permission):
            answer = deployed.call(event)
        log = "\n".join(deployed.log.fresh())
        refused = "UnauthorizedOperation" if permission.startswith("ec2:") else "AccessDenied"
        assert refused in log, (permission, answer)
        assert f"not authorized to perform: {permission}" in log, (permission, log)
        assert SAID_INSTEAD.get(permission, "INTERNAL_ERROR") in json.dumps(answer), permission
        assert_succeeds(deployed.call(event), permission)
    proof.record(
        "Under the template's role",
        f"{len(taken)} permissions taken away, one at a time: what needs it fails, and works once it is back",
        len(taken),
    )


def assert_succeeds(answer: dict[str, Any], permission: str) -> None:
    if permission == "lambda:InvokeFunction":
        assert answer["details"]["status"] == "stopping"  # as decided the first time
    else:
        assert answer["success"], (permission, answer)
        assert answer.get("status") not in ("unhealthy", "degraded"), (permission, answer)
