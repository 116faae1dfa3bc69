"""An archive is uploaded in parts, looked into and taken in beside what is there."""

from __future__ import annotations

import urllib.parse

import pytest
import requests

from tests import world
from tests.file_tasks import FOUND
from tests.saves.conftest import USER, instance
from tests.saves.played import a_start_ends, finish, notices, saves, status
from tests.world import sample

pytestmark = pytest.mark.slow

MIB = 2**20
SIZE = 17 * MIB  # two parts
DAY = 86400


@pytest.fixture
def begin(invoke):
    def ask(size=SIZE, **fields):
        return invoke("begin-import", userId=USER, bytes=size, **fields)

    return ask


@pytest.fixture
def confirm(invoke):
    def ask(answer, **fields):
        return invoke("confirm-import", userId=USER, importId=answer["importId"], **fields)

    return ask


@pytest.fixture
def uploaded(begin):
    """All parts are put."""

    def upload(size=SIZE):
        answer = begin(size)
        for part in answer["parts"]:
            put(part)
        return answer

    return upload


@pytest.fixture
def found(evening, save, uploaded, begin, ecs):
    """A server that was played on and saved, and an upload that was looked into."""
    save(evening())
    uploaded()
    begin()
    (task,) = ecs.tasks()
    save(task)
    return begin()


def put(part, size=None):
    """As S3 takes it: of the very length that the address is signed for."""
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(part["url"]).query)
    assert query["X-Amz-SignedHeaders"] == ["content-length;host"]
    body = b"x" * (size or part["bytes"])
    assert requests.put(part["url"], data=body, timeout=30).status_code == 200


def uploads():
    found = world.client("s3").list_multipart_uploads(Bucket=bucket())
    return [upload["Key"] for upload in found.get("Uploads", [])]


def objects():
    found = world.client("s3").list_objects_v2(Bucket=bucket(), Prefix="imports/")
    return [item["Key"] for item in found.get("Contents", [])]


def bucket():
    (name,) = (
        b["Name"]
        for b in world.client("s3").list_buckets()["Buckets"]
        if b["Name"].startswith("saves-")
    )
    return name


def test_an_upload_is_put_in_parts_looked_into_and_taken_in(
    evening, save, begin, confirm, ecs, invoke
):
    save(evening())
    answer = begin()
    assert [(part["number"], part["bytes"]) for part in answer["parts"]] == [
        (1, 16 * MIB),
        (2, MIB),
    ]
    for part in answer["parts"]:
        put(part)
    assert "parts" not in begin()
    assert objects() == [f"imports/{instance()['instanceId']}/{answer['importId']}"]
    shown = status(invoke)
    assert shown["files"]["doing"] == "inspect"
    assert "The uploaded files are about to be looked into" in shown["message"]
    assert begin()["message"].startswith("What was uploaded is being looked into")
    (task,) = ecs.tasks()
    save(task)
    (said,) = notices("import-found")
    assert "brings 1 world, 3 files" in said["message"]
    answer = begin()
    assert answer["packages"] == FOUND["packages"]
    assert answer["missing"] == FOUND["missing"]
    assert [one["id"] for one in answer["unfit"]] == ["dragons"], "a newer Foundry has left it"
    assert confirm(answer)["success"]
    (task,) = ecs.tasks()
    save(task)
    assert [s["kind"] for s in saves()] == ["after-stop", "before-import"]
    assert "taken in" in status(invoke)["message"]
    (task,) = ecs.tasks()
    save(task)
    assert len(notices("imported")) == 1
    assert not {"work", "runId", "upload"} & instance().keys()
    assert objects() == []
    assert confirm(answer)["errorCode"] == "RESOURCE_NOT_FOUND"


def test_what_is_missing_is_put_later_and_what_came_short_again(evening, save, begin):
    save(evening())
    first, second = begin()["parts"]
    put(second)
    assert [part["number"] for part in begin()["parts"]] == [1]
    put(first, size=6 * MIB)  # somebody has sent it otherwise than by that address
    assert [part["number"] for part in begin()["parts"]] == [1]
    put(first)
    assert "parts" not in begin()


def test_another_size_or_the_wish_to_begins_anew(evening, save, begin, found):
    before = found["importId"]
    other = begin(SIZE + 1)
    assert other["importId"] != before
    assert objects() == []
    again = begin(SIZE + 1, startOver=True)
    assert again["importId"] != other["importId"]
    assert uploads() == [f"imports/{instance()['instanceId']}/{again['importId']}"]


def test_a_server_that_has_never_run_can_be_given_a_world(
    saving, invoke, uploaded, begin, confirm, save, ecs
):
    invoke(sample("create-instance"))
    uploaded()
    begin()
    (task,) = ecs.tasks()
    save(task)
    assert confirm(begin())["success"]
    for _ in range(2):
        (task,) = ecs.tasks()
        save(task)
    assert len(notices("imported")) == 1
    assert invoke("save-now", userId=USER)["success"], "there is something to save now"


def test_what_was_imported_before_the_first_start_is_saved_before_it_is_destroyed(
    saving, invoke, uploaded, begin, confirm, ecs, files
):
    invoke(sample("create-instance"))
    uploaded()
    begin()
    finish(ecs, files)
    confirm(begin())
    finish(ecs, files)
    imported = files.content[instance()["accessPointId"]]
    invoke("destroy-instance", userId=USER)
    finish(ecs, files)
    (departed,) = (s for s in saves() if s["repository"].startswith("departed#"))
    assert files.saved[departed["saveId"]][departed["newest"]] == imported


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("no-archive", "It is no zip or tar that can be read. The zip is damaged: worlds/x"),
        ("unsafe", "It holds something that is not let in."),
        ("too-big", "It needs more room than there is for you."),
        ("nothing-found", "There is no world, system or module in it."),
    ],
)
def test_a_bad_upload_is_told_of_once_and_forgotten(
    evening, save, uploaded, begin, ecs, files, word, said
):
    save(evening())
    uploaded()
    begin()
    (task,) = ecs.tasks()
    detail = said.partition("read. ")[2]
    ecs.comes_up(task)
    files.fail(task, word, **({"detail": detail} if detail else {}))
    ecs.ends(task, exit_code=1)
    (told,) = notices("import-failed")
    assert said in told["message"]
    assert not {"work", "upload"} & instance().keys()
    begun = begin()
    assert "parts" in begun, "another upload begins"
    assert begun["refused"] == said
    assert "refused" not in begin(), "of another one nothing is known yet"


def test_a_start_ends_the_look_and_it_can_be_asked_for_again(
    evening, save, uploaded, begin, invoke, ecs, files
):
    save(evening())
    uploaded()
    begin()
    task = a_start_ends(invoke, ecs)
    assert begin()["errorCode"] == "RESOURCE_CONFLICT", "it plays"
    invoke("stop-instance", userId=USER)
    ecs.ends(task)
    finish(ecs, files)
    assert begin()["message"].startswith("What was uploaded is being looked into")


def test_a_look_in_place_of_the_save_after_a_stop_leaves_that_to_be_made(
    evening, save, uploaded, begin, ecs, files, freezer, invoke
):
    saver = evening()
    uploaded()
    ecs.comes_up(saver)
    begin()
    files.fail(saver, "unreachable")
    ecs.ends(saver, exit_code=1)
    freezer.tick(301)
    invoke("auto-shutdown-check", userId="system")
    (look,) = ecs.tasks()
    save(look)
    assert begin()["packages"] == FOUND["packages"]
    freezer.tick(301)
    invoke("auto-shutdown-check", userId="system")
    (saver,) = ecs.tasks()
    save(saver)
    (made,) = saves()
    assert made["kind"] == "after-stop"


def test_no_start_comes_between_the_save_and_the_import(found, confirm, save, invoke, ecs):
    confirm(found)
    said = "Its files are about to be saved as they are, before others take their place."
    assert status(invoke)["message"].endswith(said)
    assert invoke("start-instance", userId=USER)["errorCode"] == "RESOURCE_CONFLICT"
    (task,) = ecs.tasks()
    save(task)
    assert status(invoke)["message"].endswith("The uploaded files are about to be taken in.")
    assert invoke("start-instance", userId=USER)["errorCode"] == "RESOURCE_CONFLICT"
    (task,) = ecs.tasks()
    save(task)
    assert invoke("start-instance", userId=USER)["success"]


def test_over_the_quota_nothing_is_imported_and_play_goes_on(
    evening, save, begin, invoke, monkeypatch, ecs
):
    monkeypatch.setenv("MEMBER_GB", "1")
    world.new_process()
    save(evening(), bytes=999_000_000)
    answer = begin()
    assert answer["errorCode"] == "RESOURCE_CONFLICT"
    assert answer["details"]["field"] == "bytes"
    assert "upload" not in instance()
    assert invoke("start-instance", userId=USER)["success"]


def test_the_task_is_told_how_much_room_there_is(found, confirm, save, ecs, files):
    confirm(found)
    (task,) = ecs.tasks()
    save(task)
    (task,) = ecs.tasks()
    order = files.order(task)
    assert (order["do"], order["quota"]) == ("import", 20_000_000_000)
    assert order["upload"] == found["importId"]


def test_nothing_is_taken_in_that_was_not_looked_into(evening, save, begin, confirm, invoke):
    save(evening())
    answer = begin()
    assert confirm(answer)["errorCode"] == "RESOURCE_CONFLICT"
    assert confirm({"importId": "0" * 12})["errorCode"] == "RESOURCE_NOT_FOUND"
    assert confirm({"importId": "../../x"})["errorCode"] == "VALIDATION_ERROR"


@pytest.mark.parametrize("size", [0, -1, 15_000_000_001, "17", 1.5, None])
def test_a_size_that_is_none_is_refused(evening, begin, size):
    evening()
    assert begin(size)["errorCode"] == "VALIDATION_ERROR"


def test_an_upload_whose_time_is_over_begins_anew(found, begin, freezer):
    freezer.tick(7 * DAY)
    answer = begin()
    assert answer["importId"] != found["importId"]
    assert len(answer["parts"]) == 2


def test_an_archive_of_the_largest_size_is_put_in_no_more_than_a_hundred_parts(
    evening, begin, save
):
    save(evening())
    parts = begin(15_000_000_000)["parts"]
    assert len(parts) <= 100
    assert sum(part["bytes"] for part in parts) == 15_000_000_000
