"""Whatever becomes of a server, its files come back byte for byte; and others' come in, unless they do harm."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from local.embedded import client
from local.stack import STACK
from tests.end_to_end.files import QUICK, WITH_TOOLS, assets, contents, modes, put_asset, saves
from tests.end_to_end.running import Run, running
from tests.end_to_end.table import ADMIN_KEY, WORLD, Table, made

pytestmark = [pytest.mark.embedded, WITH_TOOLS]


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    with running(**QUICK) as started:
        yield started


@pytest.fixture(scope="module")
def played(run: Run) -> Table:
    """A table that was played on, with an asset; all of it is saved."""
    table = made(run, "played", 21)
    table.rests()
    (table.data / "Data/my maps").mkdir()
    (table.data / "Data/my maps/süd.webp").write_bytes(bytes(range(256)) * 999)
    (table.data / "Data/my maps/süd.webp").chmod(0o640)
    put_asset(table, "maps/the keep, süd.webp", b"a map")
    table.ask("save-now")
    table.rests()
    return table


def all_of(table: Table) -> tuple[dict[str, bytes], dict[str, int], dict[str, bytes]]:
    """Its files, their modes and its assets."""
    return contents(table), modes(table), assets(table)


def has_files(table: Table) -> None:
    """Wait until nothing is done with its files, whether it has run or not."""
    table.until(lambda: not {"work", "runId", "worker"} & table.item().keys())


def goes_on_playing(table: Table, version: str) -> None:
    """An evening with that version of Foundry changes files and assets."""
    table.ask("start-instance")
    table.comes_to("setup")  # asked for its status only, it would be looked at by the minute's tick
    assert table.get("/api/status").json()["version"].startswith(f"{version}.")
    (table.data / "Data/worlds" / WORLD / "world.json").write_text("{}")
    (table.data / "Data/my maps/süd.webp").unlink()
    put_asset(table, "maps/the keep, süd.webp", b"another map")
    put_asset(table, "maps/cellar.webp", b"a map of the cellar")
    table.sleep()
    table.rests()


def test_an_update_is_undone_with_all_files(played: Table) -> None:
    before = all_of(played)
    played.ask("update-version", foundryVersion="14")
    played.rests()
    goes_on_playing(played, "14")
    assert contents(played) != before[0]
    assert assets(played) != before[2]
    played.ask("undo-update")
    played.rests()
    assert all_of(played) == before
    assert played.ask("status")["foundryVersion"] == "13"


def test_what_was_asleep_has_its_files_back(played: Table) -> None:
    before = all_of(played)
    played.as_if(statusSince=61 * 86400)
    for _ in range(3):  # two notices, and then
        played.as_if(dueAt=0)
        played.tick()
    played.until(lambda: "asleep" in played.item())
    assert contents(played) == {}
    played.ask("start-instance")
    played.ask("stop-instance")  # before it plays on them; they come all the same
    has_files(played)
    assert all_of(played) == before
    assert "asleep" not in played.item()


def test_what_was_destroyed_comes_back_by_another_name(played: Table) -> None:
    before, data = all_of(played), played.data
    bucket = {"Bucket": played.ask("status")["s3BucketName"]}
    played.ask("destroy-instance")
    played.until(lambda: is_gone(played))
    assert not data.exists()
    with pytest.raises(ClientError):
        client("s3", played.run.port).head_bucket(**bucket)
    key = "AAAA-BBBB-CCCC-DDDD-EEEE-0021"
    played.ask(
        "restore-instance", username="another", foundryLicense=key, foundryAdminKey=ADMIN_KEY
    )
    has_files(played)
    assert all_of(played) == before
    assert "another" in played.ask("status")["instanceUrl"]


def is_gone(table: Table) -> bool:
    key = {"userId": {"S": table.name}}
    tables = client("dynamodb", table.run.port)
    return "Item" not in tables.get_item(TableName=f"{STACK}-instances", Key=key)


@pytest.fixture(scope="module")
def exported(played: Table) -> bytes:
    """The newest save, downloaded."""
    newest = saves(played)[0]["saveId"]
    played.ask("export-save", saveId=newest)
    has_files(played)
    url = played.ask("export-save", saveId=newest)["url"]
    answer = requests.get(url, timeout=30)
    assert answer.status_code == 200
    return answer.content


def test_an_export_holds_what_was_saved(played: Table, exported: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(exported)) as packed:
        found = [(name, packed.read(name)) for name in packed.namelist()]
    wanted = {f"data/{name}": body for name, body in contents(played).items()}
    wanted |= {f"assets/{name}": body for name, body in assets(played).items()}
    assert sorted(found) == sorted(wanted.items())


@pytest.fixture(scope="module")
def new(run: Run) -> Table:
    """A table that has never been played on."""
    table = Table(run, "new")
    table.make(22)
    return table


def uploads(table: Table, archive: bytes) -> dict[str, Any]:
    """All of it is put to the addresses of its parts; what is answered once it was looked into."""
    size = len(archive)
    for part in table.ask("begin-import", bytes=size, startOver=True)["parts"]:
        answer = requests.put(part["url"], data=archive[: part["bytes"]], timeout=60)
        assert answer.status_code == 200, answer.text
        archive = archive[part["bytes"] :]
    assert "parts" not in table.ask("begin-import", bytes=size)
    has_files(table)
    return table.ask("begin-import", bytes=size)


def is_taken_in(table: Table, archive: bytes) -> dict[str, Any]:
    answer = uploads(table, archive)
    table.ask("confirm-import", importId=answer["importId"])
    has_files(table)
    assert "upload" not in table.item()
    return answer


def of_data(table: Table) -> dict[str, bytes]:
    """Its files but for its settings."""
    return {name: body for name, body in contents(table).items() if name.startswith("Data/")}


def test_an_export_comes_into_another_server(played: Table, exported: bytes, new: Table) -> None:
    answer = is_taken_in(new, exported)
    assert [one["id"] for one in answer["packages"]] == [WORLD, "dnd5e"]
    assert (of_data(new), assets(new)) == (of_data(played), assets(played))
    again = is_taken_in(new, exported)
    assert again["packages"][0]["renamed"] == f"{WORLD}-2"
    assert of_data(new).items() >= of_data(played).items()


def packed(files: dict[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made_of:
        for name, body in files.items():
            made_of.writestr(name, body)
    return archive.getvalue()


MANIFEST = {"keep/world.json": b'{"id": "keep", "title": "The keep", "system": "dnd5e"}'}


def damaged() -> bytes:
    whole = bytearray(packed(MANIFEST | {"keep/map.webp": bytes(range(256)) * 4000}))
    whole[len(whole) // 2] ^= 0xFF
    return bytes(whole)


def bomb() -> bytes:
    """A thousand times as large once it is unpacked, and more than a member may have."""
    gib = zlib.compressobj(9, wbits=-15)
    zeros = b"".join([gib.compress(bytes(2**20)) for _ in range(1024)]) + gib.flush()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made_of:
        for number in range(20):
            made_of.writestr(f"keep/{number}.bin", zeros)
            info = made_of.infolist()[-1]
            info.compress_type, info.file_size = zipfile.ZIP_DEFLATED, 2**30
        made_of.writestr("keep/world.json", MANIFEST["keep/world.json"])
    return archive.getvalue()


def that_leads_out() -> bytes:
    return packed(MANIFEST | {"keep/../../../etc/cron.d/evil": b"* * * * * root true"})


@pytest.mark.parametrize("archive", [damaged, bomb, that_leads_out])
def test_what_does_harm_changes_nothing(new: Table, archive: Callable[[], bytes]) -> None:
    before, bucket, kept = contents(new), assets(new), len(saves(new))
    answer = uploads(new, archive())
    assert "parts" in answer, "it was refused, and another upload may begin"
    assert (contents(new), assets(new)) == (before, bucket)
    assert len(saves(new)) == kept


def test_ten_thousand_files_come_in(new: Table) -> None:
    many = {f"keep/data/{n % 100}/{n}.json": b'{"n": %d}' % n for n in range(9_999)}
    is_taken_in(new, packed(MANIFEST | many))
    there = contents(new)
    assert all(there[f"Data/worlds/{name}"] == body for name, body in (MANIFEST | many).items())
