"""What `make run` shows of requests: whatever somebody sent, the terminal shows it and does not obey it."""

from __future__ import annotations

import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from local.follow import readable

sent = st.text(st.characters() | st.sampled_from("\x1b\x9b\r\n\u2028\u202e\ud800"), max_size=20)


@given(user=sent, message=sent, detail=sent, exception=sent, plain=sent)
def test_no_control_character_reaches_the_terminal(user, message, detail, exception, plain):
    line = {"userId": user, "message": message, "details": {"x": detail, "exception": exception}}
    shown = "".join(readable([json.dumps(line), plain]))
    marks = {"Cc", "Cs", "Zl", "Zp"}
    assert not [c for c in shown if unicodedata.category(c) in marks and c != "\n"]
    assert not set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068") & set(shown)


def test_a_request_is_one_line_whatever_it_says():
    line = {
        "userId": "ada\nERROR ben: failed",
        "message": "answered\nagain",
        "details": {"x": "\n"},
    }
    (shown,) = readable([json.dumps(line)])
    assert "\n" not in shown
    assert "ada\\nERROR ben" in shown
