"""The stories that are disturbed: what there is before, what is asked then, how it ends."""

from __future__ import annotations

import json
import time
from typing import Any, cast

from actions.instances.waking import wake_url
from actions.tables import nonces
from actions.webhooks.deliver_webhooks import HOPEFUL_SECONDS
from handler import app
from services.clients import proof_of
from services.instances import Instance
from tests.faults.inventory import aws, items
from tests.faults.of_files import OF_FILES
from tests.faults.of_functions import OF_FUNCTIONS
from tests.faults.scenario import ADA, PREPARE, TICK, Scenario, nothing
from tests.faults.stage import Stage
from tests.world import STACK, sample, table_of


def warm_up(stage: Stage) -> None:
    """Let somebody come and go, and load all that the stories use; their copies then begin faster."""
    eve = {"userId": "300000000000000003"}
    stage.does("create-instance", **eve, username="Eve")
    stage.does("start-instance", **eve)
    stage.tick()
    stage.does("stop-instance", **eve)
    stage.does("update-version", **eve)
    stage.does("destroy-instance", **eve)
    stage.does("function-create", **eve)
    stage.does("function-invoke", **eve)
    stage.does("function-update", **eve)
    stage.does("function-delete", **eve)
    for _ in range(3):
        stage.tick()


LEAVING = {"keepLicenseSharing": True}
NOT_SHARED = {"allowLicenseSharing": False}


def created(stage: Stage) -> None:
    nothing(stage)
    stage.does("create-instance")


def created_without_license(stage: Stage) -> None:
    nothing(stage)
    stage.does("create-instance", licenseType="pooled", foundryLicense=None)


def _with_world(stage: Stage) -> None:
    created(stage)
    stage.asks("set-world")


def running(stage: Stage) -> None:
    created(stage)
    stage.does("start-instance")


def starting(stage: Stage) -> None:
    created(stage)
    stage.asks("start-instance")


def used(stage: Stage) -> None:
    """Has run, is stopped, and its bucket holds things."""
    running(stage)
    stage.does("stop-instance")
    (bucket,) = (b["Name"] for b in aws("s3").list_buckets()["Buckets"] if "-ada-" in b["Name"])
    for text in (b"one", b"two"):
        aws("s3").put_object(Bucket=bucket, Key="map.webp", Body=text)
    aws("s3").delete_object(Bucket=bucket, Key="map.webp")


def _crashed(stage: Stage) -> None:
    """The task has ended by itself; the event of it is on its way."""
    running(stage)
    stage.pending.append(stage.ecs.ended(stage.ecs.only_task(), exit_code=137))


def _came_up_unnoticed(stage: Stage) -> None:
    starting(stage)
    stage.silently()


def _stop_lost(stage: Stage) -> None:
    """Stopping, but the function's invocation of itself never came."""
    running(stage)
    stage.asks("stop-instance")
    stage.pending.clear()


def _out_of_memory(stage: Stage) -> None:
    """The task has ended for want of memory; the event of it is on its way."""
    running(stage)
    said = "OutOfMemoryError: Container killed due to memory usage"
    stage.pending.append(stage.ecs.ended(stage.ecs.only_task(), exit_code=137, reason=said))


def _died_before_starting_again(stage: Stage) -> None:
    """It has run out of memory, and whoever closed its run died then."""
    _out_of_memory(stage)
    (event,) = stage.pending
    with stage.dying("dynamodb.TransactWriteItems"):
        stage.call(event)


def _crashed_unnoticed(stage: Stage) -> None:
    _crashed(stage)
    stage.pending.clear()


def _destroy_unfinished(stage: Stage) -> None:
    """Being destroyed; the end of the task that has to stop first went unnoticed."""
    running(stage)
    stage.asks("destroy-instance")
    stage.silently()


def _nobodys_donation(stage: Stage) -> None:
    """A payment that does not say whose it is; its address may."""
    nothing(stage)
    waiting = sample("admin-assign-donation")["donationId"]
    body = sample("kofi-webhook")["body"] | {"message_id": waiting, "message": ""}
    stage.asks("kofi-webhook", body=body)


def _shared(stage: Stage) -> None:
    created(stage)
    stage.asks("set-license-sharing", allowLicenseSharing=True)


def _left(stage: Stage) -> None:
    """Ada's server is gone; her licence has stayed in the pool."""
    _shared(stage)
    stage.does("destroy-instance", **LEAVING)


def _leased(stage: Stage) -> None:
    created_without_license(stage)
    stage.asks("request-license")


def _booked(stage: Stage) -> None:
    created(stage)
    stage.asks("schedule-session", startTime=in_two_hours())


def _booked_for_soon(stage: Stage) -> None:
    _booked(stage)
    stage.clock.tick(LEAD_SECONDS - 299)


def _in_a_session(stage: Stage) -> None:
    """The session has begun, and the server runs for it."""
    _booked_for_soon(stage)
    stage.does(PREPARE)
    stage.clock.tick(60)
    stage.asks(PREPARE)


def _crashed_in_a_session(stage: Stage) -> None:
    _in_a_session(stage)
    stage.pending.append(stage.ecs.ended(stage.ecs.only_task(), exit_code=137))


def _to_be_started_again(stage: Stage) -> None:
    """It has crashed in a session, and that is known."""
    _crashed_in_a_session(stage)
    stage.go_on()
    stage.clock.tick(60)


def _named(stage: Stage) -> None:
    """An administrator besides those of the settings."""
    created(stage)
    stage.asks("admin-grant", **ADMIN)


def in_two_hours() -> int:
    """When the stories' session begins."""
    return int(time.time()) + LEAD_SECONDS


def in_an_hour() -> int:
    """When a session is to begin instead."""
    return int(time.time()) + LEAD_SECONDS // 2


def the_session() -> str:
    """The id of the session that is booked."""
    (session,) = items("sessions")
    return str(session["sessionId"])


def _with_client(stage: Stage) -> None:
    """A client, whose secret is known."""
    created(stage)
    stage.call(sample("client-create", **ADMIN))
    # Its secret is in the answer alone, and a story's request is the same each time.
    aws("dynamodb").update_item(
        TableName=table_of("clients"),
        Key={"clientId": {"S": CLIENT}},
        UpdateExpression="SET secretHash = :hash",
        ExpressionAttributeValues={":hash": {"S": proof_of(CLIENT, "known")["secretHash"]}},
    )


def _with_webhook(stage: Stage) -> None:
    """A member who wants to be told of the own functions."""
    created(stage)
    stage.asks("webhook-create")


def the_webhook() -> str:
    """The id of the webhook that there is."""
    (found,) = (i["webhookId"] for i in items("webhooks") if "url" in i)
    return str(found)


def a_late_message() -> list[dict[str, Any]]:
    """What the queue has for the webhook, for the last time: nobody answers there."""
    sqs = aws("sqs")
    queue = sqs.get_queue_url(QueueName=f"{STACK}-webhooks")["QueueUrl"]
    (record,) = sample("deliver-webhooks")["records"]
    late = {"webhookId": the_webhook(), "at": int(time.time()) - HOPEFUL_SECONDS}
    sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(json.loads(record["body"]) | late))
    (received,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    handle = {"receiptHandle": received["ReceiptHandle"], "body": received["Body"]}
    return [record | handle]


def a_nonce() -> str:
    """What the page of Ada's table has in its form."""
    return nonces.issue(app.platform(), HOST)


def the_code() -> str:
    """The code of Ada's table."""
    (instance,) = (i for i in items("instances") if i["userId"] == ADA)
    return wake_url(app.platform(), cast("Instance", instance)).partition("code=")[2]


HOST = sample("wake-table")["host"]
LEAD_SECONDS = 7200


ADMIN = {"userId": "admin"}
CLIENT = sample("client-create")["clientId"]
SESSION = {"sessionId": the_session}
FORCED = {**ADMIN, "targetUserId": ADA}
SCENARIOS = (
    Scenario("create", nothing, "create-instance", "created", undone=True),
    Scenario("start", created, "start-instance", "running"),
    Scenario("start on a shared licence", created_without_license, "start-instance", "running"),
    Scenario("stop", running, "stop-instance", "stopped"),
    Scenario("stop while starting", starting, "stop-instance", "stopped", late=True),
    Scenario("crash", _crashed, "", "stopped"),
    Scenario("run out of memory", _out_of_memory, "", "running"),
    Scenario("update version", created, "update-version", "created"),
    Scenario("change credentials", created, "change-credentials", "created", resumed=True),
    Scenario("destroy what never ran", created, "destroy-instance", None),
    Scenario("destroy what has run", used, "destroy-instance", None),
    Scenario("destroy what is running", running, "destroy-instance", None),
    Scenario("donation", created, "kofi-webhook", "created"),
    Scenario("assign a donation", _nobodys_donation, "admin-assign-donation", None, more=ADMIN),
    Scenario("forced shutdown", running, "admin-force-shutdown", "stopped", more=FORCED),
    Scenario("name an administrator", created, "admin-grant", "created", more=ADMIN),
    Scenario("name one administrator less", _named, "admin-revoke", "created", more=ADMIN),
    Scenario("take a token back", created, "admin-revoke-token", "created", more=ADMIN),
    Scenario("let a client in", created, "client-create", "created", more=ADMIN),
    Scenario(
        "a client's token", _with_client, "client-token", "created", more={"clientSecret": "known"}
    ),
    Scenario("another secret", _with_client, "client-rotate", "created", more=ADMIN),
    Scenario("a client less", _with_client, "client-revoke", "created", more=ADMIN),
    Scenario("invoke", created, "invoke-function", "created", more=ADMIN),
    Scenario("invoke later", created, "invoke-async", "created", more=ADMIN),
    Scenario("invoke several", created, "batch-invoke", "created", more=ADMIN),
    Scenario("register a webhook", created, "webhook-create", "created"),
    Scenario(
        "a webhook less", _with_webhook, "webhook-delete", "created", more={"id": the_webhook}
    ),
    Scenario(
        "give a webhook's message up",
        _with_webhook,
        "deliver-webhooks",
        "created",
        resumed=True,
        more={"records": a_late_message},
    ),
    Scenario("maintenance", created, "admin-system-maintenance", "created", more=ADMIN),
    Scenario("repair", created, "admin-maintenance-reset", "created", more=ADMIN),
    Scenario("link an address", _nobodys_donation, "link-donor", None, resumed=True),
    Scenario("share a licence", created, "set-license-sharing", "created"),
    Scenario("leave a licence", _shared, "destroy-instance", None, more=LEAVING),
    Scenario("take a licence back", _left, "set-license-sharing", None, more=NOT_SHARED),
    Scenario("request a licence", created_without_license, "request-license", "created"),
    Scenario("give a licence back", _leased, "release-license", "created"),
    Scenario("keep alive", running, "keep-alive", "running"),
    Scenario("choose who wakes", created, "set-wake", "created"),
    Scenario("somebody more in the crew", created, "crew-add", "created"),
    Scenario("somebody less in the crew", created, "crew-remove", "created"),
    Scenario("choose a time zone", created, "set-time-zone", "created"),
    Scenario(
        "wake",
        created,
        "wake-table",
        "running",
        more={"nonce": a_nonce, "code": the_code},
        anew=True,  # whoever gets no answer loads the page again
    ),
    Scenario("look at what comes up", starting, "table-state", "running"),
    Scenario("stop sooner", created, "set-auto-shutdown", "created"),
    Scenario("more memory", created, "set-size", "created"),
    Scenario("open a world", created, "set-world", "created"),
    Scenario("start in a world", _with_world, "start-instance", "running"),
    Scenario("book", created, "schedule-session", "created", more={"startTime": in_two_hours}),
    Scenario("move", _booked, "move-session", "created", more=SESSION | {"startTime": in_an_hour}),
    Scenario("cancel", _booked, "cancel-scheduled-session", "created", more=SESSION),
    Scenario("cancel for all", _booked, "admin-cancel-all-sessions", "created", more=ADMIN),
    Scenario(
        "cancel for a member", _booked, "admin-cancel-session", "created", more=ADMIN | SESSION
    ),
    Scenario("prepare a session", _booked_for_soon, PREPARE, "running"),
    Scenario("crash in a session", _crashed_in_a_session, "", "stopped"),
    Scenario("start again for a session", _to_be_started_again, PREPARE, "running"),
    Scenario("stop in a session", _in_a_session, "stop-instance", "stopped"),
    Scenario("end a session", _in_a_session, "cancel-scheduled-session", "running", more=SESSION),
    Scenario("tick after a start unnoticed", _came_up_unnoticed, TICK, "running"),
    Scenario("tick after a stop lost", _stop_lost, TICK, "stopped"),
    Scenario("tick after a crash unnoticed", _crashed_unnoticed, TICK, "stopped"),
    Scenario(
        "tick after a death before starting again", _died_before_starting_again, TICK, "running"
    ),
    Scenario("tick while destroying", _destroy_unfinished, TICK, None),
    *OF_FILES,
    *OF_FUNCTIONS,
)
