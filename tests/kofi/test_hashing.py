"""Hashing addresses costs 16 MiB each: many at once must not cost that many times as much."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.kofi.webhooks import payload

pytestmark = pytest.mark.slow

AT_ONCE = 40  # as many as the HTTP server has threads
ADDRESS, TRANSACTION = "heidi@example.com", "5b1fac0c-f960-4506-a60e-824979a74e75"


def peak_megabytes():
    """The most memory that the process has had since `forget_peak`."""
    (line,) = (x for x in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in x)
    return int(line.split()[1]) / 1024


def forget_peak():
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pytest.skip("this system does not let a process forget its peak of memory")


@pytest.mark.parametrize("transaction", [TRANSACTION, "unknown"])
def test_many_who_link_an_address_at_once_take_little_memory(invoke, transaction):
    donated = payload(email=ADDRESS, kofi_transaction_id=TRANSACTION, message="")
    assert invoke("kofi-webhook", body=donated)["donationProcessed"]
    forget_peak()
    before = peak_megabytes()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = [
            threads.submit(
                invoke,
                "link-donor",
                userId=f"ada{i}",
                email=f"ada{i}@example.com",
                transactionId=transaction,
            )
            for i in range(AT_ONCE)
        ]
        codes = {answer.result()["errorCode"] for answer in answers}
    assert codes == {"RESOURCE_NOT_FOUND"}
    assert peak_megabytes() - before < 150
