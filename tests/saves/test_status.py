"""What `status` says of saves: the last one, and how far work on files is."""

from __future__ import annotations

import json

import pytest

from tests.aws_calls import AWS, BEFORE, Call
from tests.saves.conftest import USER, instance

pytestmark = pytest.mark.slow

HALF = {
    "step": "files",
    "files": 1200,
    "totalFiles": 4100,
    "bytes": 1_500_000_000,
    "totalBytes": 3_000_000_000,
    "secondsLeft": 100,
}


@pytest.fixture
def status(invoke):
    """Ask for the status; returns the answer."""
    return lambda: invoke("status", userId=USER)


@pytest.fixture
def halfway(ecs, files, freezer):
    """Let a task come up, and tell ten seconds ago that it was half way."""

    def come(task: str) -> None:
        ecs.comes_up(task)
        freezer.tick(30)
        files.tell(task, HALF | {"at": int(freezer().timestamp()) - 10})

    return come


def calls(ask):
    """The services' calls that a question makes."""
    AWS.begin()
    ask()
    found = sorted(call.name for call in AWS.calls)
    AWS.end()
    return found


def test_the_last_save_is_shown_with_when_it_was(evening, save, status):
    report = save(evening())
    shown = status()
    last = shown["lastSave"]
    assert last["saveId"].startswith("save-")
    assert (last["at"], last["bytes"], last["clean"]) == (report["at"], 1_000_000, True)
    assert "files" not in shown


def test_without_a_save_there_is_none(evening, status):
    evening()
    assert "lastSave" not in status()


def test_how_far_a_save_is_says_how_many_files_and_bytes_and_how_long_still(
    evening, status, halfway
):
    halfway(evening())
    assert status()["files"] == {
        "doing": "save",
        "since": instance()["work"]["since"],
        "step": "files",
        "filesDone": 1200,
        "files": 4100,
        "bytesDone": 1_500_000_000,
        "bytes": 3_000_000_000,
        "secondsLeft": 90,
        "tries": 0,
    }
    assert status()["message"] == (
        "The server is stopped. Its files are being saved: 1.5 of 3.0 GB, 1,200 of 4,100 files, about 2 min left."
    )


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ({}, "Its files are being saved."),
        ({"bytes": 12}, "Its files are being saved: 12 B."),
        ({"bytes": 1_234_567}, "Its files are being saved: 1.2 MB."),
        ({"bytes": 999_960}, "Its files are being saved: 1.0 MB."),
        ({"files": 0, "totalFiles": 7}, "Its files are being saved: 0 of 7 files."),
        ({"secondsLeft": 5}, "Its files are being saved: less than a minute left."),
        ({"secondsLeft": 3 * 3600}, "Its files are being saved: about 180 min left."),
        ({"step": "prune"}, "Its files are saved; what is not kept is being erased."),
        ({"step": "check"}, "Its files are saved; a part of all saves is being checked."),
        ({"step": "assets"}, "Its maps, pictures and sounds are being fetched to be saved."),
    ],
)
def test_the_message_says_what_is_known(evening, status, files, ecs, figures, said):
    task = evening()
    ecs.comes_up(task)
    nothing = dict.fromkeys(HALF, None) | {"step": "files", "at": 0}
    files.tell(task, nothing | figures)
    assert status()["message"] == f"The server is stopped. {said}"


def test_before_the_task_tells_anything_it_is_being_begun(evening, status):
    evening()
    shown = status()
    assert (shown["files"]["doing"], shown["files"]["step"]) == ("save", "begins")
    assert shown["message"].endswith("Its files are about to be saved.")


def test_only_while_a_file_task_runs_s3_is_asked_once(evening, save, status):
    task = evening()
    assert calls(status).count("s3.GetObject") == 1
    save(task)
    assert not [call for call in calls(status) if call.startswith("s3.")]


@pytest.mark.parametrize(
    "told",
    [
        "",
        "half of an obj",
        "[]",
        "{}",
        json.dumps({"step": "<script>", "at": 0}),
        json.dumps(HALF | {"at": 0, "bytes": -1}),
        json.dumps(HALF | {"at": 0, "files": "many"}),
        json.dumps(HALF | {"at": 10**30}),
    ],
)
def test_nonsense_that_a_task_tells_is_not_shown(evening, status, files, ecs, told):
    task = evening()
    ecs.comes_up(task)
    files.tell(task, told)
    shown = status()
    assert shown["success"]
    assert shown["files"].keys() == {"doing", "since", "step", "tries"}


def test_s3_that_does_not_answer_is_no_reason_not_to(evening, status, halfway):
    halfway(evening())
    AWS.begin((Call("s3.GetObject", 0), BEFORE))
    shown = status()
    assert AWS.fault_happened
    AWS.end()
    assert shown["success"]
    assert "filesDone" not in shown["files"]
    assert shown["message"].endswith("Its files are about to be saved.")


def test_a_save_that_was_asked_for_is_told_from_one_by_itself(evening, save, status, invoke):
    save(evening())
    invoke("save-now", userId=USER)
    assert status()["files"]["doing"] == "save-now"


def test_what_failed_says_why_and_when_it_is_tried_again(evening, status, files, ecs):
    task = evening()
    ecs.comes_up(task)
    files.fail(task, "no-space")
    ecs.ends(task, exit_code=1)
    shown = status()
    assert shown["files"]["tries"] == 1
    assert shown["files"]["failure"] == "no-space"
    assert shown["files"]["step"] == "waits"
    assert shown["message"] == (
        "The server is stopped. Its files could not be saved: There was no room for it. "
        "It is tried again in about 5 min."
    )


def test_a_restore_says_whether_it_is_still_saving_what_there_is(
    evening, save, status, invoke, ecs, halfway
):
    save(evening())
    invoke("restore-save", userId=USER, saveId=status()["lastSave"]["saveId"])
    (saver,) = ecs.tasks()
    shown = status()
    assert (shown["files"]["doing"], shown["files"]["step"]) == ("restore", "begins")
    assert "about to be saved as they are, before others take their place" in shown["message"]
    save(saver)
    (restorer,) = ecs.tasks()
    assert status()["message"].endswith("Its files are about to be put back from a save.")
    halfway(restorer)
    shown = status()
    assert (shown["files"]["doing"], shown["files"]["step"]) == ("restore", "files")
    assert "Its files are being put back from a save: 1.5 of 3.0 GB" in shown["message"]
    save(restorer)
    assert "files" not in status()


def test_a_server_that_starts_after_a_save_says_so(evening, save, status, invoke, ecs, halfway):
    save(evening())
    invoke("save-now", userId=USER)
    (saver,) = ecs.tasks()
    halfway(saver)
    invoke("start-instance", userId=USER)
    shown = status()
    assert shown["status"] == "starting"
    assert shown["message"] == (
        "The server starts when this is done: Its files are being saved: 1.5 of 3.0 GB, "
        "1,200 of 4,100 files, about 2 min left."
    )
