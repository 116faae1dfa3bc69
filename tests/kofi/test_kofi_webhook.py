"""kofi-webhook: a donation counts once, for who gave it."""

from __future__ import annotations

import json

import pytest

from tests import world
from tests.kofi.webhooks import DONOR, donations, forms, payload
from tests.lagging.lag import LAG
from tests.recount import disagreements

pytestmark = pytest.mark.slow

NOVEMBER = "2026-11-21T20:00:00Z"


@pytest.fixture(autouse=True)
def november(freezer):
    freezer.move_to(NOVEMBER)


def webhook(invoke, *args, **changes):
    return invoke("kofi-webhook", body=payload(*args, **changes))


def costs(invoke, user, **more):
    return invoke("get-user-costs", userId=user, **more)


@pytest.mark.parametrize("form", forms({}))
def test_a_donation_comes_as_an_object_a_text_or_a_form(invoke, form):
    body = forms(payload(discord_userid=DONOR, from_name="Grâce & Co + 1"))[form]
    answer = invoke("kofi-webhook", body=body)
    assert answer == {
        "success": True,
        "donationProcessed": True,
        "userId": DONOR,
        "amount": 3.0,
        "message": "Donation counted",
    }
    (stored,) = donations()
    assert stored["fromName"] == "Grâce & Co + 1"
    assert costs(invoke, DONOR)["donations"] == 3.0


@pytest.mark.parametrize("kind", ["Donation", "Subscription", "Commission", "Shop Order", "Gift"])
def test_every_type_counts_also_one_that_is_not_known_yet(invoke, kind):
    assert webhook(invoke, type=kind)["donationProcessed"]
    assert donations()[0]["type"] == kind


def test_a_donation_that_comes_again_is_answered_and_not_counted(invoke):
    webhook(invoke, discord_userid=DONOR)
    again = webhook(invoke, discord_userid=DONOR)
    assert again == {
        "success": True,
        "donationProcessed": False,
        "message": "This donation was counted before.",
    }
    assert costs(invoke, DONOR)["donations"] == 3.0


@pytest.mark.parametrize("known", ["message_id", "kofi_transaction_id"])
def test_a_donation_is_known_by_its_message_and_by_its_payment(invoke, known):
    webhook(invoke, 1, discord_userid=DONOR)
    same = {known: payload(1)[known]}
    assert webhook(invoke, 2, discord_userid=DONOR, **same)["donationProcessed"] is False
    assert len(donations()) == 1


def test_kofis_own_test_is_answered_and_not_counted(invoke):
    test = {"kofi_transaction_id": "00000000-1111-2222-3333-444444444444"}
    answer = webhook(invoke, from_name="Jo Example", **test)
    assert answer["success"]
    assert answer["donationProcessed"] is False
    assert "test" in answer["message"]
    assert donations() == []


# --- the token ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["wrong", "", None, 1, ["x"], "\ud800", "x" * 10_000])
def test_a_wrong_token_is_refused_and_nothing_is_stored_nor_logged(invoke, capsys, token):
    answer = webhook(invoke, verification_token=token, from_name="Mallory")
    assert answer["errorCode"] == "PERMISSION_DENIED"
    assert donations() == []
    log = capsys.readouterr().out
    assert "Mallory" not in log
    assert world.KOFI_TOKEN not in log + json.dumps(answer)


def test_without_a_token_of_its_own_the_platform_refuses_every_webhook(invoke, monkeypatch):
    monkeypatch.setenv("KOFI_SECRET_ARN", "")
    world.new_process()
    assert webhook(invoke)["errorCode"] == "PERMISSION_DENIED"
    assert webhook(invoke, verification_token="")["errorCode"] == "PERMISSION_DENIED"


def test_a_new_token_is_believed_within_five_minutes(invoke, aws, freezer):
    webhook(invoke, 1)
    world.client("secretsmanager").put_secret_value(
        SecretId=aws["KOFI_SECRET_ARN"], SecretString='{"verificationToken": "another"}'
    )
    freezer.tick(300)
    assert webhook(invoke, 2, verification_token="another")["success"]
    assert webhook(invoke, 3)["errorCode"] == "PERMISSION_DENIED"


# --- money -------------------------------------------------------------------------------------------------


NO_MONEY = "0|0.00|-3.00|+3|1e3|NaN|Infinity|3,0|1,000|1.000,00|100000|3.001||3 0|٣|0x3|.5|3.|$3"


@pytest.mark.parametrize("amount", [*NO_MONEY.split("|"), -3, 3.001, 1e22, None, True])
def test_an_amount_that_is_not_plain_money_is_refused_with_a_way_out(invoke, amount):
    answer = webhook(invoke, amount=amount)
    assert answer["errorCode"] == "VALIDATION_ERROR"
    assert answer["details"]["field"] == "body.amount"
    assert "3.00" in answer["details"]["suggestion"] or "more than 0" in str(answer)
    assert donations() == []


@pytest.mark.parametrize("amount", ["0.01", "3", "3.5", "99999.99"])
def test_an_amount_counts_to_the_cent(invoke, amount):
    assert webhook(invoke, amount=amount, discord_userid=DONOR)["amount"] == float(amount)
    assert costs(invoke, DONOR)["donations"] == float(amount)


def test_currencies_are_kept_apart_and_those_with_a_rate_count(invoke, monkeypatch):
    monkeypatch.setenv("CURRENCY_RATES", "EUR=1.10, GBP=1.25")
    world.new_process()
    for number, currency in enumerate(("USD", "EUR", "EUR", "GBP", "SEK")):
        webhook(invoke, number, currency=currency, amount="10.00", discord_userid=DONOR)
    found = costs(invoke, DONOR)
    assert found["donations"] == 10 + 11 + 11 + 12.5
    assert found["donationsByCurrency"] == {"EUR": 20.0, "GBP": 10.0, "SEK": 10.0, "USD": 10.0}


def test_a_donation_counts_in_the_month_in_which_it_was_made(invoke, freezer):
    freezer.move_to("2026-12-01T00:05:00Z")
    webhook(invoke, 1, timestamp="2026-11-30T23:59:59Z", discord_userid=DONOR)
    webhook(invoke, 2, timestamp="2026-12-01T00:00:00Z", discord_userid=DONOR)
    webhook(invoke, 3, timestamp="2019-01-01T00:00:00Z", discord_userid=DONOR)  # nobody's clock
    assert costs(invoke, DONOR, month="2026-11")["donations"] == 3.0
    assert costs(invoke, DONOR)["donations"] == 6.0


# --- whose it is -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("signs", "user"),
    [
        ({"discord_userid": "111111111111111111", "message": f"Discord: {DONOR}"}, "1" * 18),
        ({"discord_userid": "not an id", "message": f"Discord: {DONOR}"}, DONOR),
        ({"message": f"Have fun! discord:{DONOR}, see you"}, DONOR),
        ({"message": f"my discord id {DONOR}"}, DONOR),
        ({"message": f"Discord ID : {DONOR}"}, DONOR),
        ({"message": "discord" + " " * 4900 + "id"}, None),  # as long to search as it is long
        ({"message": "discord" + " :" * 2400}, None),
        ({"message": f"{DONOR} is just a number"}, None),
        ({"message": "Discord: 12345"}, None),
        ({"discord_username": "ada"}, None),
    ],
)
def test_whose_a_donation_is_follows_from_the_best_sign_there_is(invoke, signs, user):
    answer = webhook(invoke, **signs)
    assert answer.get("userId") == user
    assert [donation.get("userId") for donation in donations()] == [user]


def test_a_donation_that_nobody_knows_whose_it_is_waits_and_counts_for_all(invoke):
    webhook(invoke)
    overview = invoke("admin-overview", userId="admin")
    assert overview["usage"]["totalDonations"] == 3.0
    assert overview["topContributors"] == []
    listed = invoke("get-all-costs", userId="admin")
    assert listed["total"]["donations"] == 3.0
    assert [donation["fromName"] for donation in listed["unassigned"]] == ["Grace"]


def test_an_administrator_says_later_whose_a_donation_is(invoke):
    waiting = payload(1)["message_id"]
    webhook(invoke, 1, amount="5.00")
    order = {"userId": "admin", "donationId": waiting, "targetUserId": DONOR}
    assert invoke("admin-assign-donation", **order)["success"]
    assert costs(invoke, DONOR)["donations"] == 5.0
    assert invoke("get-all-costs", userId="admin")["unassigned"] == []
    assert invoke("admin-assign-donation", **order)["errorCode"] == "RESOURCE_CONFLICT"
    nowhere = order | {"donationId": "nothing"}
    assert invoke("admin-assign-donation", **nowhere)["errorCode"] == "RESOURCE_NOT_FOUND"
    assert disagreements(world.items) == {}


def test_what_a_donor_keeps_private_and_has_no_use_is_not_stored(invoke):
    shipping = {"full_name": "Grace Private", "street_address": "1 Secret Street"}
    private = {"message": "a private word", "is_public": False, "email": "Grace@Example.com"}
    webhook(invoke, type="Shop Order", shipping=shipping, **private)
    stored = str(world.items("donations")) + str(world.items("ledger")).lower()
    for hidden in ("Secret Street", "Grace Private", "private word", "example.com"):
        assert hidden not in stored


# --- an address of one's own -------------------------------------------------------------------------------

EMAIL = "grace@example.com"


def link(invoke, user=DONOR, email=EMAIL, number=1):
    transaction = payload(number)["kofi_transaction_id"]
    return invoke("link-donor", userId=user, email=email, transactionId=transaction)


def test_a_linked_address_makes_donations_before_and_after_the_members(invoke):
    webhook(invoke, 1, email=EMAIL)
    webhook(invoke, 2, email="Grace@Example.COM")
    webhook(invoke, 3, email="heidi@example.com")
    assert link(invoke)["donationsAssigned"] == 2
    assert webhook(invoke, 4, email=EMAIL)["userId"] == DONOR
    assert costs(invoke, DONOR)["donations"] == 9.0
    assert EMAIL not in str([world.items(table) for table in world.TABLES])


def test_the_donation_that_proves_an_address_counts_though_the_index_is_late(invoke, freezer):
    webhook(invoke, 1, email=EMAIL)
    webhook(invoke, 2, email=EMAIL)
    table = world.table_of("donations")
    LAG.hidden.update((table, (donation["donationId"],)) for donation in donations())
    assert link(invoke)["donationsAssigned"] == 1
    assert costs(invoke, DONOR)["donations"] == 3.0
    LAG.hidden.clear()
    webhook(invoke, 3, email=EMAIL)
    assert costs(invoke, DONOR)["donations"] == 9.0, "the rest is found with the next donation"


@pytest.mark.parametrize("wrong", [{"email": "heidi@example.com"}, {"number": 2}])
def test_an_address_is_linked_only_by_who_knows_a_payment_made_by_it(invoke, wrong):
    webhook(invoke, 1, email=EMAIL)
    assert link(invoke, **wrong)["errorCode"] == "RESOURCE_NOT_FOUND"
    assert webhook(invoke, 3, email=EMAIL).get("userId") is None


def test_an_address_is_one_members_only(invoke):
    webhook(invoke, 1, email=EMAIL)
    assert link(invoke)["success"]
    assert link(invoke)["success"], "again by the same member"
    assert link(invoke, user="mallory")["errorCode"] == "RESOURCE_CONFLICT"


def test_an_address_that_another_member_linked_is_refused_even_with_a_payment_of_ones_own(invoke):
    mallory = "2" * 18
    webhook(invoke, 1, email=EMAIL)
    webhook(invoke, 2, email=EMAIL, discord_userid=mallory)
    link(invoke)
    refused = link(invoke, user=mallory, number=2)
    assert refused["errorCode"] == "RESOURCE_CONFLICT"
    assert webhook(invoke, 3, email=EMAIL)["userId"] == DONOR


def test_a_donation_that_is_assigned_meanwhile_is_not_counted_twice(invoke, meanwhile):
    def assigned():
        order = {"donationId": payload(1)["message_id"], "targetUserId": "2" * 18}
        assert invoke("admin-assign-donation", userId="admin", **order)["success"]

    webhook(invoke, 1, email=EMAIL)
    webhook(invoke, 2, email=EMAIL)
    with meanwhile("TransactWriteItems", assigned, after=1):  # the link itself is written before
        assert link(invoke, number=2)["donationsAssigned"] == 1
    assert costs(invoke, "2" * 18)["donations"] == 3.0
    assert costs(invoke, DONOR)["donations"] == 3.0
    assert disagreements(world.items) == {}


def test_a_private_donation_is_listed_for_assignment_with_its_type_and_without_its_message(invoke):
    webhook(invoke, type="Subscription", is_public=False, message="a private word", currency="EUR")
    (listed,) = invoke("get-all-costs", userId="admin")["unassigned"]
    assert listed == {
        "donationId": payload(1)["message_id"],
        "type": "Subscription",
        "currency": "EUR",
        "amount": 3.0,
        "donatedAt": donations()[0]["donatedAt"],
        "fromName": "Grace",
    }
