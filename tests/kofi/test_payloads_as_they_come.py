"""Ko-fi's payloads as it and its relays really send them: a payment counts whatever is noted beside it."""

from __future__ import annotations

import json
from datetime import datetime
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import proof, world
from tests.kofi.test_malformed import anything
from tests.kofi.webhooks import DONOR, donations, payload
from tests.recount import disagreements

pytestmark = pytest.mark.slow

NOVEMBER = "2026-11-25T20:00:00Z"
NOTED = """type timestamp is_public from_name message email tier_name discord_userid discord_username url
    shop_items shipping is_subscription_payment is_first_subscription_payment"""


@pytest.fixture(autouse=True)
def november(freezer):
    freezer.move_to(NOVEMBER)


def webhook(invoke, **changes):
    return invoke("kofi-webhook", body=payload(**changes))


# --- what is only noted ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ({"from_name": "x" * 6000}, {"fromName": "x" * 5000}),
        ({"from_name": None}, {"fromName": ""}),
        ({"from_name": "\ud800"}, {"fromName": "?"}),
        ({"from_name": {"first": "Grace"}}, {"fromName": ""}),
        ({"message": "x" * 6000}, {"message": "x" * 5000}),
        ({"message": None}, {"message": None}),
        ({"is_public": "true"}, {"message": "Thanks!"}),
        ({"is_public": "True"}, {"message": "Thanks!"}),
        ({"is_public": 1}, {"message": "Thanks!"}),
        ({"is_public": "false"}, {"message": None}),
        ({"is_public": None}, {"message": None}),
        ({"is_public": "who knows"}, {"message": None}),
        ({"type": "Shop Order"}, {"type": "Shop Order"}),
        ({"type": "x" * 100}, {"type": "x" * 64}),
        ({"type": None}, {"type": "unknown"}),
        ({"tier_name": "", "shop_items": "", "shipping": ""}, {"tierName": None}),
        ({"tier_name": "Gold", "type": "Subscription"}, {"tierName": "Gold"}),
        ({"email": ""}, {"emailHash": None}),
        ({"email": "x" * 400 + "@example.com"}, {"emailHash": None}),
        ({"email": ["x"]}, {"emailHash": None}),
    ],
)
def test_what_is_only_noted_is_cut_converted_or_left_out_and_the_payment_counts(
    invoke, sent, stored
):
    assert webhook(invoke, **sent)["donationProcessed"]
    (donation,) = donations()
    assert {name: donation.get(name) for name in stored} == stored


@pytest.mark.parametrize(
    ("timestamp", "day"),
    [
        ("11/24/2026 10:56:06 AM", "2026-11-24T10:56:06"),
        ("11/24/2026 9:56:06 PM", "2026-11-24T21:56:06"),
        ("11/24/2026 21:56:06", "2026-11-24T21:56:06"),
        ("2026-11-24T10:56:06Z", "2026-11-24T10:56:06"),
        ("2026-11-24T10:56:06.1234567Z", "2026-11-24T10:56:06"),
        ("2026-11-24T12:56:06+02:00", "2026-11-24T10:56:06"),
        ("2026-11-24T10:56:06", "2026-11-24T10:56:06"),
        ("", None),
        (None, None),
        (5, None),
        ([], None),
        ("yesterday", None),
        ("24/11/2026 10:56:06", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
    ],
)
def test_a_payment_counts_when_it_was_made_or_when_it_came_if_nobody_can_tell(
    invoke, timestamp, day
):
    assert webhook(invoke, timestamp=timestamp)["donationProcessed"]
    assert (
        donations()[0]["donatedAt"]
        == datetime.fromisoformat(f"{day or NOVEMBER[:-1]}Z").timestamp()
    )


@pytest.mark.parametrize(
    ("discord_userid", "donor"),
    [
        (123456789012345678, DONOR),
        (f" {DONOR}\n", DONOR),
        (123456789012345680, None),  # as JavaScript writes it: the last digits are lost
        (123, None),
        (10**300, None),
        (1.5e17, None),
        (True, None),
        ("", None),
        ([DONOR], None),
    ],
)
def test_a_discord_id_may_be_a_number_unless_it_has_lost_its_last_digits(
    invoke, discord_userid, donor
):
    assert webhook(invoke, discord_userid=discord_userid).get("userId") == donor


def test_an_id_at_the_end_of_a_long_message_is_found_though_the_message_is_cut(invoke):
    answer = webhook(invoke, message="x" * 6000 + f" Discord: {DONOR}")
    assert answer["userId"] == DONOR


@pytest.mark.parametrize("examples", [40, pytest.param(500, marks=pytest.mark.prove)])
def test_whatever_is_noted_beside_it_a_payment_counts_once(examples, invoke):
    numbers = iter(range(1, 10_000))

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(
        st.dictionaries(st.sampled_from(NOTED.split()), anything | st.text(max_size=9)),
        st.sets(st.sampled_from(NOTED.split())),
    )
    def counts(changes, missing):
        fields = payload(next(numbers), **changes)
        body = {name: value for name, value in fields.items() if name not in missing}
        assert invoke("kofi-webhook", body=body)["donationProcessed"]
        assert invoke("kofi-webhook", body=body)["donationProcessed"] is False

    counts()
    count = len(donations())
    assert count == next(numbers) - 1
    assert disagreements(world.items) == {}
    line = f"{count} payments, whatever is noted beside them: each counts, and once"
    proof.record("Donations", line, cases=count)


# --- what decides ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "counted"),
    [
        ("3.00", 3.0),
        (" 3.00 ", 3.0),
        ("3,00", 3.0),
        ("1,000.00", 1000.0),
        (3, 3.0),
        (3.5, 3.5),
    ],
)
def test_an_amount_counts_where_it_can_mean_one_thing_only(invoke, amount, counted):
    assert webhook(invoke, amount=amount)["amount"] == counted


@pytest.mark.parametrize("currency", ["USD", "usd", " usd\n"])
def test_a_currency_counts_in_small_letters_too(invoke, currency):
    assert webhook(invoke, currency=currency)["donationProcessed"]
    assert donations()[0]["currency"] == "USD"


def test_ids_with_white_space_around_them_are_the_same_payment(invoke):
    assert webhook(invoke)["donationProcessed"]
    same = {"message_id": payload()["message_id"] + "\n"}
    assert webhook(invoke, **same)["donationProcessed"] is False


def test_a_payment_that_is_refused_is_in_the_log_without_a_word_of_it(invoke, capsys):
    webhook(invoke, amount="1,000", message="a private word", from_name="Grace Private")
    log = capsys.readouterr().out
    (warning,) = [line for line in map(json.loads, log.splitlines()) if line["level"] == "WARNING"]
    assert warning["message"] == "a payment was refused"
    assert warning["details"]["field"] == "body.amount"
    for hidden in ("private word", "Grace Private", "1,000", world.KOFI_TOKEN):
        assert hidden not in log


# --- the secret --------------------------------------------------------------------------------------------


def keep(aws, **secret):
    world.client("secretsmanager").put_secret_value(SecretId=aws["KOFI_SECRET_ARN"], **secret)
    world.new_process()


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"verificationToken": world.KOFI_TOKEN + "\n"}),
        f" {world.KOFI_TOKEN}\r\n",
        world.KOFI_TOKEN,
        json.dumps(world.KOFI_TOKEN),
        "\n" + json.dumps({"verificationToken": f"\t{world.KOFI_TOKEN} "}),
    ],
)
def test_the_secret_may_be_the_bare_token_and_white_space_around_it_is_nothing(invoke, aws, text):
    keep(aws, SecretString=text)
    assert webhook(invoke)["donationProcessed"]
    assert webhook(invoke, verification_token="other")["errorCode"] == "PERMISSION_DENIED"


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ({"SecretString": '{"verification_token": "TOKEN"}'}, "no key verificationToken"),
        ({"SecretString": '{"TOKEN": ""}'}, "no key verificationToken; it has 1 others"),
        ({"SecretString": "{verificationToken: TOKEN}"}, "begins like JSON"),
        ({"SecretString": '{"verificationToken": 5}'}, "no text"),
        ({"SecretString": '{"verificationToken": " "}'}, "is empty"),
        ({"SecretString": " "}, "empty"),
        ({"SecretBinary": b"TOKEN"}, "empty"),
    ],
)
def test_the_log_says_what_is_wrong_with_a_secret_of_no_use_and_not_what_is_in_it(
    invoke, aws, capsys, secret, said
):
    keep(aws, **secret)
    for token in ("TOKEN", "", "5"):
        answer = webhook(invoke, verification_token=token)
        assert answer["errorCode"] == "PERMISSION_DENIED"
    log = capsys.readouterr().out
    assert said in log
    assert "TOKEN" not in log.replace("KOFI_TOKEN", "")


def test_the_log_says_that_there_is_no_such_secret(invoke, aws, capsys):
    world.client("secretsmanager").delete_secret(
        SecretId=aws["KOFI_SECRET_ARN"], ForceDeleteWithoutRecovery=True
    )
    assert webhook(invoke)["errorCode"] == "INTERNAL_ERROR", "Ko-fi asks again"
    assert "Ko-fi's secret is of no use" in capsys.readouterr().out


# --- relays ------------------------------------------------------------------------------------------------


def by_relays(fields):
    text = json.dumps(fields)
    return {
        "the JSON of an object with JSON in it": json.dumps({"data": text}),
        "the JSON of an object with the object in it": json.dumps({"data": fields}),
        "an object with the object in it": {"data": fields},
        "the object as JSON": text,
        "its fields as a form": urlencode({"verification_token": "", **fields}),
        "a form with more beside it": urlencode({"source": "relay", "data": text}),
    }


@pytest.mark.parametrize("relay", by_relays({}))
def test_what_a_relay_makes_of_the_form_is_read_like_the_form(invoke, relay):
    body = by_relays(payload(from_name="Grâce & Co + 1"))[relay]
    assert invoke("kofi-webhook", body=body)["donationProcessed"]
    assert donations()[0]["fromName"] == "Grâce & Co + 1"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("", "body.data"),
        ("payload=x", "body.data"),
        ({}, "body.data"),
        ({"payload": payload()}, "body.data"),
        ({"data": {"amount": "3.00"}}, "body.verification_token"),
        ({"data": "amount=3.00"}, "body.data"),
        ({"data": None}, "body.data"),
        ({"data": {"data": payload()}}, "body.data"),
        ("data={", "body.data"),
        ("{", "body"),
        ("[]", "body"),
        (None, "body"),
        ('--boundary\r\nContent-Disposition: form-data; name="data"\r\n\r\n{}', "body.data"),
    ],
)
def test_a_form_that_is_not_understood_is_told_what_is_missing_and_not_that_its_token_is_wrong(
    invoke, body, field
):
    answer = invoke("kofi-webhook", body=body)
    assert answer["errorCode"] == "VALIDATION_ERROR"
    assert answer["details"]["field"] == field
