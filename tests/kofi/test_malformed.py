"""Whatever is sent as a webhook: a clear refusal, nothing stored, nothing logged of it."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import proof, world
from tests.kofi.webhooks import donations, forms, payload

pytestmark = pytest.mark.slow

MARK = "DO-NOT-LOG-THIS"

text = st.text(st.characters(), max_size=30)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=5,
)
wrong_values: dict[str, st.SearchStrategy[object]] = {
    "message_id": st.sampled_from(["", "a b", "x" * 65, "../x", "a:b", 1, None, [], "ü", "a\nb"]),
    "kofi_transaction_id": st.sampled_from(["", "a b", "x" * 65, 1, None, {}, "a\nb"]),
    "amount": st.sampled_from(["", "x", "1e5", "-1", "nan", "1,5", "0", "1,000", -5, 1e9, None]),
    "currency": st.sampled_from(["", "USDX", "$", 840, None, "U D", "ÜSD"]),
}


@st.composite
def spoilt(draw):
    """A webhook with the right token in which something is wrong that decides."""
    fields = payload(from_name=MARK)
    name = draw(st.sampled_from(sorted(wrong_values)))
    if draw(st.booleans()):
        del fields[name]
    else:
        fields[name] = draw(wrong_values[name])
    return draw(st.sampled_from(list(forms(fields).values())))


@st.composite
def forged(draw):
    """A webhook of somebody who does not know the token."""
    return payload(from_name=MARK, verification_token=draw(anything))


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
    @given(st.one_of(spoilt(), spoilt(), forged(), not_even_forged()))
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
