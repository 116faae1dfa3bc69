"""What members choose is data: whatever it holds, nothing of it runs, and all of it arrives."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.container.machine import BUILD, Machine

# Variables hold any characters but NUL. {mark} is where a command would leave its trace.
HOSTILE = [
    "$(touch {mark})",
    "`touch {mark}`",
    "'; touch {mark}; '",
    '"; touch {mark}; "',
    '" + (input | touch) + "',
    "\\(env | tojson)",
    "\n touch {mark} \n",
    "${{IFS}}touch${{IFS}}{mark}",
    "| touch {mark} &",
    "-n",
    "--help",
    "-e\\n",
    "%s%n%d",
    "* ? [a-z] ~ \\",
    "#",
    "",
]
texts = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=40),
)
values = st.lists(texts, min_size=1, max_size=3).map("".join)


@settings(max_examples=30, deadline=None)
@given(key=values, secret=values, host=values, admin=values, account=values)
def test_nothing_that_a_member_chose_is_executed(key, secret, host, admin, account):
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        mark = root / "mark"
        key, secret, host, admin, account = (
            text.replace("{mark}", str(mark)) for text in (key, secret, host, admin, account)
        )
        machine = Machine(root, ["sh"])
        machine.release(root / f"releases/foundryvtt-{BUILD}.zip")
        given = {"AWS_CONFIG": secret, "OPTIONS": json.dumps({"hostname": host})}
        machine.write("data/Config/options.json", json.dumps({"title": secret}))
        for _ in range(2):
            machine.next_task()
            code, log = machine.prepare(key, HOST_NAME=host, RELEASE_WAIT_SECONDS="0", **given)
            if not key.replace("-", "").strip("\n"):
                assert (code, log) == (78, "There is no licence key.\n")
                return
            assert code == 0, log
            assert (root / "prepared/aws.json").read_bytes() == secret.encode()
            assert machine.json("data/Config/options.json") == {"title": secret, "hostname": host}
            assert machine.json("data/Config/license.json") == {"license": key.replace("-", "")}
            chosen = {"FOUNDRY_ADMIN_KEY": admin, "FOUNDRY_USERNAME": account}
            code, log = machine.play(LICENSE_BORROWED="true", **chosen)
            assert code == 0, log
        assert not mark.exists()
        assert not (root / "home/mark").exists()
