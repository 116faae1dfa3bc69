"""Whatever members do in Discord, and whatever becomes of it: nothing is lost, done twice or shown wrong."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from tests.aws_calls import MODES
from tests.model import commands, discord_invariants, emulated
from tests.model.commands import KEEP, SAVE, START, STOP, USERS
from tests.model.community import CREW, STRANGER, Community, community
from tests.model.interrupting import Interruption
from tests.model.simulation import BORROWERS, CHECK, OWNERS, PREPARE, Event
from tests.model.test_invariants import (
    EVENT,
    ORDER,
    PARTS,
    STEPS,
    STORIES,
    Happening,
    Story,
    calls,
    prepared,
    some,
    tell,
)

__all__ = ["prepared"]  # a fixture

CHANGES = "changes of tables"
WITH_SERVER = (*OWNERS, *BORROWERS)  # from the beginning
people = st.sampled_from([*USERS, *USERS, CREW, STRANGER])
typed = st.one_of(
    st.sampled_from(
        [("server start", {}), ("server stop", {}), ("server status", {}), ("saves make", {})]
    ),
    st.builds(
        lambda hours, minutes: ("session book", {"when": f"in {hours} hours", "minutes": minutes}),
        st.integers(1, 4),
        st.integers(15, 180),
    ),
    st.builds(lambda minutes: ("server keep", {"minutes": minutes}), st.integers(10, 720)),
)
of_discord = st.one_of(
    commands.starts,
    commands.stops,
    commands.books,
    commands.destroys,
    st.sampled_from([PREPARE, CHECK, EVENT, ORDER, ORDER, CHANGES, CHANGES]),
)
_MAY = {START, STOP, KEEP}  # whatever the crew may


class StoryOfDiscord(Story):
    """The community has a Discord server, which is out of reach now and then."""

    beginnings = 1
    section = "Any story in Discord holds the invariants"

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.at: Community = self.stack.enter_context(community(self.on))

    @initialize(users=st.sets(st.sampled_from(WITH_SERVER), min_size=2))
    def some_tables_have_panels(self, users: set[str]) -> None:
        """From the beginning, and a crew."""
        for which, user in enumerate(sorted(users)):
            self.a_table_gets_a_panel(user, which, is_none=False)
            self.an_owner_names_the_crew(user, is_so=True)

    # --- what people do in Discord --------------------------------------------------------------

    @rule(who=people, command=typed)
    def somebody_gives_a_command(self, who: str, command: tuple[str, dict[str, Any]]) -> None:
        """Their own server is meant."""
        self.at.types(who, command[0], **command[1])

    @rule(who=people, whose=people, name=st.sampled_from(["start", "stop"]))
    def somebody_gives_a_command_for_anothers_table(self, who: str, whose: str, name: str) -> None:
        """Its crew may."""
        before = len(self.on.orders)
        self.at.types(who, f"server {name}", table=self.at.members[whose])
        if not self._may(who, f"{name}-instance", whose):
            assert len(self.on.orders) == before

    @rule(who=people, which=some)
    def somebody_presses_a_button(self, who: str, which: int) -> None:
        """Of a panel, whoever's it is."""
        before = len(self.on.orders)
        pressed = self.at.presses(who, which)
        if pressed is not None and not self._may(who, *pressed):
            assert len(self.on.orders) == before

    @rule(whose=st.sampled_from(USERS), which=some, is_none=st.sampled_from([False, False, True]))
    def a_table_gets_a_panel(self, whose: str, which: int, is_none: bool) -> None:
        """In one of the channels, or none any more."""
        channel = self.at.channels[which % len(self.at.channels)]
        answer = self.on.asks("set-panel", whose, channelId=None if is_none else channel.id)
        assert answer is not None
        if (
            answer.get("errorCode") == "TIMEOUT_ERROR"
        ):  # as is said of a Discord that does not answer
            self.on.codes.remove("TIMEOUT_ERROR")
            self.at.uncertain.add(whose)

    @rule(whose=st.sampled_from(USERS), is_so=st.booleans())
    def an_owner_names_the_crew(self, whose: str, is_so: bool) -> None:
        """Or takes it away."""
        self.on.asks("crew-add" if is_so else "crew-remove", whose, crewId=CREW)

    @precondition(lambda self: self.at.said())
    @rule(which=some)
    def somebody_deletes_a_panel(self, which: int) -> None:
        """As whoever manages messages may."""
        said = self.at.said()
        self.at.deletes(said[which % len(said)])

    @rule(which=some)
    def a_channel_is_deleted(self, which: int) -> None:
        """With all that was said in it; there is another one then."""
        self.at.deletes_channel(which)

    @precondition(lambda self: self.at.asked)
    @rule(which=some)
    def an_interaction_comes_again(self, which: int) -> None:
        """It is not carried out a second time."""
        asked, before = self.at.asked, len(self.on.orders)
        self.at.discord.redeliver(asked[which % len(asked)])
        assert len(self.on.orders) == before

    # --- what Discord does -----------------------------------------------------------------------

    @rule(
        loses=st.integers(0, 3),
        statuses=st.lists(st.sampled_from([200, 200, 429, 500, 502]), max_size=6),
    )
    def discord_is_unwell(self, loses: int, statuses: list[int]) -> None:
        """Answers are lost, and requests refused for a while."""
        self.at.discord.loses, self.at.discord.fails_with = loses, statuses

    @rule(is_so=st.booleans())
    def discord_is_out_of_reach(self, is_so: bool) -> None:
        """Or back."""
        self.at.is_down(is_so)

    # --- what AWS delivers -----------------------------------------------------------------------

    @rule()
    def the_stream_is_read(self) -> None:
        """Changes of tables arrive."""
        self.at.deliver_changes()

    @precondition(lambda self: self.at.changes)
    @rule()
    def changes_come_again(self) -> None:
        """As Lambda may deliver them."""
        self.on.call({"Records": list(self.at.changes)})

    @rule(first=of_discord, second=of_discord, call=calls)
    def two_things_happen_at_once(self, first: Happening, second: Happening, call: int) -> None:
        """The second runs from beginning to end between two calls of the first."""
        later = self._event(second)
        self.on.call(self._event(first), Interruption(call, act=lambda: self.on.call(later)))

    @rule(what=of_discord, call=calls, mode=st.sampled_from(MODES))
    def something_goes_wrong(self, what: Happening, call: int, mode: str) -> None:
        """A call to AWS fails, or the process dies, before the call's effect or after it."""
        self.on.unlucky = True
        self.on.call(self._event(what), Interruption(call, mode))
        self.on.codes.clear()

    @rule()
    def all_is_well_for_two_minutes(self) -> None:
        """Discord can be reached, and so is AWS: then all panels are right."""
        self._is_well()
        self._is_shown_after_two_minutes()

    def teardown(self) -> None:
        """In the end all is shown as it is, and whoever has asked is told."""
        try:
            if sys.exc_info()[0] is None:
                self._is_well()
                self._is_shown_after_two_minutes()
            super().teardown()
            if sys.exc_info()[0] is None:
                discord_invariants.whoever_asked_is_told(self.at)
                discord_invariants.no_token_is_shown(self.at, self.on.log)
        finally:
            self.stack.close()

    # --- helpers ---------------------------------------------------------------------------------

    def _is_told(self) -> None:
        super()._is_told()
        self.told["orders from Discord"] += len(self.at.carried_out)
        requests = [(method, path.split("/")[1]) for method, path, *_ in self.at.discord.requests]
        self.told["panels put up or edited"] += sum(
            method in ("POST", "PATCH") and place == "channels" for method, place in requests
        )
        self.told["events announced, moved or ended"] += sum(
            method != "GET" and place == "guilds" for method, place in requests
        )

    def _is_well(self) -> None:
        self.at.is_down(False)
        self.at.discord.loses, self.at.discord.fails_with = 0, []

    def _is_shown_after_two_minutes(self) -> None:
        for _ in range(2):
            self.on.minute()
        self.on.deliver_all()
        discord_invariants.panels_are_right(self.at)
        discord_invariants.events_are_right(self.at, self.on.now)

    def _may(self, who: str, action: str, owner: str) -> bool:
        """Whether that member may do that to the owner's table by its panel, or by naming it."""
        if who == owner:
            return action in {*_MAY, SAVE}
        instance = next((i for i in emulated.items("instances") if i["userId"] == owner), {})
        return action in _MAY and who in instance.get("crew", [])

    def _event(self, what: Happening) -> Event:
        if what == CHANGES:
            return {"Records": list(self.at.changes)} if self.at.changes else super()._event(CHECK)
        return super()._event(what)


_OF_OTHERS = (
    "the_schedules_call",  # which counts what a tick reads where there is no Discord
    "a_member_moves_a_session",
    "a_member_leases",
    "an_owner_shares",
    "a_member_asks",
    "a_member_looks_after_saves",
    "a_member_puts_an_upload",
    "a_member_sees_saves",
    "a_table_is_visited",
    "a_member_makes_a_function",
    "a_member_has_functions",
    "there_is_no_capacity",
    "somebody_intrudes",
    "a_donation_comes",
    "a_donor_is_linked",
    "an_administrator_orders",
    "services_start_what_they_lack",
    "a_functions_task_moves",
    "a_functions_task_ends",
)
for _name in _OF_OTHERS:
    setattr(StoryOfDiscord, _name, None)


def test_some_stories_in_discord_break_no_invariant(prepared):
    tell(prepared, 12, 30, StoryOfDiscord, derandomize=True, database=None)


@pytest.mark.prove
@pytest.mark.parametrize("part", range(PARTS))
def test_no_story_in_discord_breaks_an_invariant(part, prepared):
    StoryOfDiscord._hypothesis_internal_use_seed = part
    tell(prepared, -(-STORIES // PARTS), STEPS, StoryOfDiscord, database=None)
