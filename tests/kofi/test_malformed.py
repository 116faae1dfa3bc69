"""Whatever is sent as a webhook: a clear refusal, nothing stored, nothing logged of it."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import proof, world
from tests.kofi.webhooks import donations, forms, payload

MARK = "DO-NOT-LOG-THIS"
REQUIRED = ("message_id", "kofi_transaction_id", "type", "amount", "currency")

text = st.text(st.characters(), max_size=30)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=5,
)
wrong_values = {
    "message_id": st.sampled_from(["", "a b", "x" * 65, "../x", "a:b", 1, None, [], "ü", "a\n"]),
    "kofi_transaction_id": st.sampled_from(["", "a b", "x" * 65, 1, None, {}, "a\n"]),
    "type": st.sampled_from(["", "x" * 65, 1, None, []]),
    "amount": st.sampled_from(["", "x", "1e5", "-1", "nan", "1,5", "0", "100000", 5, None, "1\n"]),
    "currency": st.sampled_from(["", "usd", "USDX", "$", 840, None, "US\n", "ÜSD"]),
    "timestamp": st.sampled_from(["yesterday", "2026-13-01", 5, "9" * 50, "0001-01-01T00:00+25"]),
    "is_public": st.sampled_from(["yes", 1, []]),
    "from_name": st.sampled_from([5, ["x"], "x" * 5001, "\ud800"]),
    "message": st.sampled_from([5, {"a": 1}, "x" * 5001]),
    "email": st.sampled_from([5, ["x"], "x" * 321]),
    "discord_userid": st.sampled_from([123456789012345678, ["x"], "1" * 65]),
}


@st.composite
def spoilt(draw):
    """A webhook with the right token in which something is wrong."""
    fields = payload(from_name=MARK)
    name = draw(st.sampled_from(sorted(wrong_values)))
    if name in REQUIRED and draw(st.booleans()):
        del fields[name]
    else:
        fields[name] = draw(wrong_values[name])
    return draw(st.sampled_from(list(forms(fields).values())))


@st.composite
def not_even_forged(draw):
    """Something that is no webhook at all, or not of the community's Ko-fi page."""
    thing = draw(
        st.one_of(
            anything,
            text,
            text.map(lambda t: "data=" + t),
            st.sampled_from(
                ["{" * 5000, "[" * 100_000, '{"a":' * 9000, "data=%FF%FE", "data=" * 99]
            ),
            st.sampled_from(["x" * 200_000, '{"amount": ' + "9" * 6000 + "}"]),
        )
    )
    return {"note": MARK, **thing} if isinstance(thing, dict) else thing


@pytest.mark.parametrize("examples", [60, pytest.param(500, marks=pytest.mark.prove)])
def test_a_malformed_webhook_is_refused_and_leaves_nothing(examples, invoke, capsys):
    codes = []

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(st.one_of(spoilt(), spoilt(), not_even_forged()))
    def refused(body):
        answer = invoke("kofi-webhook", body=body)
        codes.append(answer["errorCode"])
        assert codes[-1] in ("VALIDATION_ERROR", "PERMISSION_DENIED"), answer
        assert answer["error"]
        assert answer["details"]["field"]
        shown = json.dumps(answer) + capsys.readouterr().out
        assert MARK not in shown
        assert world.KOFI_TOKEN not in shown

    refused()
    assert donations() == []
    assert world.items("ledger") == []
    assert {"VALIDATION_ERROR", "PERMISSION_DENIED"} <= set(codes)
    line = f"{len(codes)} malformed webhooks: each refused, no entry, no word of it in the log"
    proof.record("Donations", line, cases=len(codes))
