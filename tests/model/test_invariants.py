"""Whatever members, schedules, events and faults come, and in whatever order: every invariant holds.

Hypothesis makes up stories of fifty steps. After each step the invariants of tests/model/invariants.py are
checked against all that is stored and all that exists in AWS; at the end of each story nobody asks for
anything any more, and everything must come to rest with nothing left over.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, ClassVar

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests import proof
from tests.aws_calls import MODES
from tests.file_tasks import FOR_NOW, HOPELESS, WORDS, put_parts
from tests.foundry_server import NO_WORLD, NOBODY_PLAYS, playing
from tests.lagging.lag import AILMENTS, LAG
from tests.model import (
    commands,
    emulated,
    fairness,
    functions_commands,
    functions_invariants,
    invariants,
    oversight,
    saves_invariants,
)
from tests.model.commands import BEGIN_IMPORT, CONFIRM_IMPORT, DELETE, START, STOP, Command
from tests.model.functions_commands import INVOKE, FunctionCommand
from tests.model.interrupting import CALLS, REFUSED, Interruption
from tests.model.invariants import Seen
from tests.model.oversight import Order
from tests.model.saves_invariants import SAVES_KEPT, Remembered
from tests.model.simulation import CHECK, PREPARE, Event, Simulation, simulation

STORIES = int(os.environ.get("PROVE_STORIES", "2000"))
STEPS = int(os.environ.get("PROVE_STEPS", "50"))
PARTS = 20  # so that processes can share the work (pytest -n 2), and one can see how far it is

AWRY = {"INTERNAL_ERROR", "TIMEOUT_ERROR"}
seeds = st.integers(0, 2**32)
some = st.integers(0, 9)  # which of several; there may be fewer
calls = st.one_of(st.integers(0, 6), st.integers(0, 20))
answers = st.sampled_from([playing(3), NOBODY_PLAYS, NO_WORLD, {"active": "no"}, None])
ORDER, EVENT = "an order", "an event"
Happening = Command | FunctionCommand | Order | Event | str
anything = st.one_of(
    commands.any_command,
    commands.any_command,
    commands.visits,
    functions_commands.any_of_functions,
    st.sampled_from([PREPARE, CHECK, ORDER, EVENT]),
    oversight.orders,
)


class Story(RuleBasedStateMachine):
    """One evening, one week, one disaster of a small community."""

    section: ClassVar[str] = "Any story holds the invariants"
    on: ClassVar[Simulation]
    told: ClassVar[Counter[str]] = Counter()
    beginnings: ClassVar[int] = (
        0  # rules that hypothesis carries out, and counts, before the first step
    )

    def __init__(self) -> None:
        super().__init__()
        self.on.begin()
        self.bills: dict[str, Any] = {}
        self.saves = Remembered()
        self.steps = -1  # the first check comes before the first step

    # --- what members ask for -----------------------------------------------------------------------

    @rule(command=commands.starts)
    def a_member_starts(self, command: Command) -> None:
        """A server is started."""
        self._asks(command)

    @rule(command=commands.stops)
    def a_member_stops(self, command: Command) -> None:
        """A server is stopped."""
        self._asks(command)

    @rule(command=commands.books)
    def a_member_books(self, command: Command) -> None:
        """A session is booked."""
        self._asks(command)

    @rule(command=commands.moves)
    def a_member_moves_a_session(self, command: Command) -> None:
        """To another time, or another length."""
        self._asks(command)

    @rule(command=commands.cancels)
    def a_member_cancels(self, command: Command) -> None:
        """A session is called off."""
        self._asks(command)

    @rule(command=commands.leases)
    def a_member_leases(self, command: Command) -> None:
        """A licence is requested or given back."""
        self._asks(command)

    @rule(command=commands.shares)
    def an_owner_shares(self, command: Command) -> None:
        """A licence goes into the pool or out of it."""
        self._asks(command)

    @rule(command=commands.creates)
    def a_member_comes(self, command: Command) -> None:
        """A server is made."""
        self._asks(command)

    @rule(command=commands.destroys)
    def a_member_goes(self, command: Command) -> None:
        """A server is destroyed."""
        self._asks(command)

    @rule(command=commands.minor)
    def a_member_asks(self, command: Command) -> None:
        """Something else is asked for."""
        self._asks(command)

    @rule(command=commands.saves)
    def a_member_looks_after_saves(self, command: Command) -> None:
        """Files are saved or put back, a save is named, locked or deleted."""
        self._asks(command)

    @rule(whose=some)
    def a_member_puts_an_upload(self, whose: int) -> None:
        """All its parts, unless it is whole already."""
        uploading = [i for i in emulated.items("instances") if "upload" in i]
        if uploading:
            with suppress(ClientError, KeyError):  # the emulator's word for an upload that is whole
                put_parts(_one_of(uploading, whose))

    @rule(whose=some)
    def a_member_sees_saves(self, whose: int) -> None:
        """The list is what the table has."""
        users = commands.USERS
        saves_invariants.the_list_is_true(self.on, users[whose % len(users)])

    @rule(command=commands.visits)
    def a_table_is_visited(self, command: Command) -> None:
        """Somebody wakes it, or looks how far it is."""
        self._asks(command)

    @rule(command=functions_commands.creates)
    def a_member_makes_a_function(self, command: FunctionCommand) -> None:
        """A container of the member's own."""
        self._asks(command)

    @rule(command=functions_commands.any_of_functions)
    def a_member_has_functions(self, command: FunctionCommand) -> None:
        """A function is made, changed, deleted or invoked."""
        self._asks(command)

    @rule(first=anything, second=anything, call=calls)
    def two_things_happen_at_once(self, first: Happening, second: Happening, call: int) -> None:
        """The second runs from beginning to end between two calls of the first."""
        later = self._event(second)
        self.on.call(self._event(first), Interruption(call, act=lambda: self.on.call(later)))

    @rule(what=anything, call=calls, mode=st.sampled_from(MODES))
    def something_goes_wrong(self, what: Happening, call: int, mode: str) -> None:
        """A call to AWS fails, or the process dies, before the call's effect or after it."""
        self.on.unlucky = True
        self.on.call(self._event(what), Interruption(call, mode))
        self.on.codes.clear()

    @rule(whose=some, wanted=st.sampled_from([PREPARE, START, INVOKE]))
    def there_is_no_capacity(self, whose: int, wanted: str) -> None:
        """ECS refuses to run a task, for a session, for a member or for an invocation."""
        asking: dict[str, Happening] = {
            START: Command(START, whose),
            INVOKE: FunctionCommand(INVOKE, whose),
        }
        start = asking.get(wanted, PREPARE)
        self.on.call(self._event(start), Interruption(0, REFUSED, only="RunTask"))

    @rule(
        command=commands.any_command,
        name=st.sampled_from([PREPARE, CHECK, "finish-stop", "observe-task", "deliver-webhooks"]),
    )
    def somebody_intrudes(self, command: Command, name: str) -> None:
        """A member acts as the platform, or calls off a session of somebody else; or a schedule plays."""
        event = self._event(command)
        self._refused(event | {"action": name})
        self._refused(event | {"userId": "system"})
        for session in emulated.items("sessions"):
            if session["userId"] != event["userId"]:
                fields = {"userId": event["userId"], "sessionId": session["sessionId"]}
                self._refused({"action": "cancel-scheduled-session", **fields})
                return

    # --- what administrators and donors do -----------------------------------------------------------

    @rule(event=oversight.donations)
    def a_donation_comes(self, event: Event) -> None:
        """Ko-fi tells of a payment, or tells of it again."""
        refused_before = LAG.refused
        answer = self.on.call(event)
        assert answer is not None
        assert answer["success"] or LAG.refused > refused_before

    @rule(event=oversight.links)
    def a_donor_is_linked(self, event: Event) -> None:
        """A member says which address the own payments come from."""
        self.on.call(event)

    @rule(order=oversight.orders)
    def an_administrator_orders(self, order: Order) -> None:
        """Somebody's server is stopped, a session called off, what is odd mended."""
        self.on.call(self._event(order))

    @rule(enabled=st.sampled_from([True, False, False]))
    def the_platform_is_maintained(self, enabled: bool) -> None:
        """Maintenance begins, or ends."""
        self.on.asks("admin-system-maintenance", "admin", enabled=enabled)

    @rule()
    def an_administrator_looks(self) -> None:
        """The overview is what a full recount comes to."""
        touched = LAG.touched
        answer = self.on.asks("admin-overview", "admin")
        assert answer is not None
        if LAG.touched == touched:
            oversight.overview_is_true(answer, self.on.now)

    # --- what ECS, Lambda and Foundry do ------------------------------------------------------------

    @precondition(lambda self: self.on.moving())
    @rule(which=some)
    def a_task_moves(self, which: int) -> None:
        """A task comes up or goes down; the event of it is on its way."""
        self.on.moves(_one_of(self.on.moving(), which))

    @precondition(lambda self: self.on.alive())
    @rule(which=some, exit_code=st.sampled_from([0, 1, 137]))
    def a_task_crashes(self, which: int, exit_code: int) -> None:
        """A task ends of itself, also while it comes up."""
        task = _one_of(self.on.alive(), which)
        memory = "OutOfMemoryError: Container killed due to memory usage"
        said = memory if exit_code == 137 else "Essential container in task exited"
        self.on.ends(task, exit_code, said)

    @precondition(lambda self: self.on.handling_files())
    @rule(which=some, steps=st.integers(1, 6))
    def a_task_handles_files(self, which: int, steps: int) -> None:
        """It goes on a little; whatever comes then, it may be killed before its next step."""
        task = _one_of(self.on.handling_files(), which)
        for _ in range(steps):
            self.on.files.goes_on(task.task_arn)

    @precondition(lambda self: self.on.handling_files())
    @rule(which=some, word=st.sampled_from(WORDS))
    def a_task_cannot_handle_files(self, which: int, word: str) -> None:
        """It says why, and ends; what has begun to be put back is not what is wanting."""
        task = _one_of(self.on.handling_files(), which)
        do = self.on.files.order(task.task_arn)["do"]
        if word not in HOPELESS.get(do, ()) or self.on.files.has_begun(task.task_arn):
            word = word if word in FOR_NOW else FOR_NOW[0]
        self.on.files.fail(task.task_arn, word)
        self.on.ends(task, 1, "Essential container in task exited")

    @rule(is_so=st.booleans())
    def handling_files_takes_long(self, is_so: bool) -> None:
        """For hours, or not."""
        self.on.files_take_long = is_so

    @rule()
    def services_start_what_they_lack(self) -> None:
        """ECS's scheduler starts tasks of functions, and asks others to stop."""
        self.on.cluster.start_tasks()
        self.on.cluster.stop_tasks()

    @precondition(lambda self: self.on.cluster.coming() or self.on.cluster.going())
    @rule(which=some)
    def a_functions_task_moves(self, which: int) -> None:
        """It comes up, or goes down."""
        cluster = self.on.cluster
        cluster.moves(_one_of([*cluster.coming(), *cluster.going()], which))

    @precondition(lambda self: self.on.cluster.alive())
    @rule(which=some, exit_code=st.sampled_from([0, 1, 137]))
    def a_functions_task_ends(self, which: int, exit_code: int) -> None:
        """Of itself, also while it comes up."""
        self.on.cluster.exit(_one_of(self.on.cluster.alive(), which).task_arn, exit_code)
        self.on.cluster.note()

    @rule()
    def aws_carries_on(self) -> None:
        """All tasks come up or go down, and all that is on its way arrives."""
        self.on.ecs_carries_on()
        self.on.deliver_all()

    @precondition(lambda self: self.on.events)
    @rule()
    def an_event_comes(self) -> None:
        """ECS's oldest event arrives."""
        self.on.deliver_event()

    @precondition(lambda self: self.on.orders)
    @rule()
    def an_order_comes(self) -> None:
        """The function's oldest invocation of itself arrives."""
        self.on.deliver_order()

    @precondition(lambda self: self.on.events or self.on.orders)
    @rule(which=some)
    def an_event_is_lost(self, which: int) -> None:
        """An event, or an invocation, never arrives."""
        waiting = self.on.events or self.on.orders
        waiting.remove(_one_of(waiting, which))

    @precondition(lambda self: self.on.delivered)
    @rule(which=some)
    def an_event_comes_again(self, which: int) -> None:
        """One that had arrived arrives a second time."""
        self.on.call(_one_of(self.on.delivered, which))

    @precondition(lambda self: self.on.alive())
    @rule(which=some, said=answers)
    def foundry_says(self, which: int, said: Any) -> None:
        """From now on, a server answers so; or does not answer."""
        host = _one_of(emulated.items("instances"), which)["host"]
        self.on.says[host] = said

    # --- time ---------------------------------------------------------------------------------------

    @rule(
        count=st.integers(1, 20),
        ticks=st.sampled_from([1, 1, 1, 2, 0]),
        tasks_move=st.booleans(),
        events_arrive=st.booleans(),
    )
    def minutes_pass(self, count: int, ticks: int, tasks_move: bool, events_arrive: bool) -> None:
        """The schedules fire as they should, twice, or not at all; ECS and events may stand still."""
        self.on.punctual &= ticks > 0
        for _ in range(count):
            self.on.minute(ticks, tasks_move=tasks_move, events_arrive=events_arrive)
            self.invariants_hold()

    @rule(hours=st.integers(1, 7))
    def hours_pass(self, hours: int) -> None:
        """All goes well for some hours."""
        for _ in range(hours):
            for _ in range(60):
                self.on.minute()
            self.invariants_hold()

    @rule(seconds=st.integers(1, 400))
    def seconds_pass(self, seconds: int) -> None:
        """Nothing happens, but time passes."""
        self.on.punctual = False
        self.on.clock.tick(seconds)

    @rule()
    def the_schedules_call(self) -> None:
        """Both ticks come; one that finds nothing due has asked no more than what is."""
        for name, tables in (
            (PREPARE, ["sessions", "instances", "runs"]),
            (CHECK, ["instances", "functions", "runs", "saves"]),
        ):
            idle, before, touched = not self.on.is_due(*tables), CALLS.count, LAG.touched
            self.on.tick(name)
            if idle and LAG.touched == touched:
                # What is due of sessions and what comes up; what is due, of functions and destroyed servers
                # too, and strays; for both, what follows from ends.
                reads = {PREPARE: 3, CHECK: 6}[name]
                assert CALLS.count == before + reads, "a tick reads only what is due"

    # --- what must hold -----------------------------------------------------------------------------

    @invariant()
    def a_step_is_over(self) -> None:
        """After each step, and before the first one, all invariants hold."""
        self.steps += 1
        self.invariants_hold()

    def invariants_hold(self) -> None:
        """All invariants, now."""
        seen = self._seen()
        invariants.one_of_each(seen)
        invariants.one_writer(seen)
        invariants.one_holder(seen)
        invariants.one_key_is_one_licence(seen)
        invariants.nothing_overlaps(seen)
        invariants.the_three_records_agree(seen)
        invariants.billed_once(seen, self.bills)
        invariants.the_books_agree()
        invariants.webhooks_are_counted()
        invariants.reasons_are_for_members(seen)
        invariants.at_rest_nothing_is_left(seen)
        saves_invariants.no_server_has_half_of_its_files(seen, self.on.files)
        saves_invariants.what_was_saved_can_be_had(seen, self.on.files, self.saves)
        functions_invariants.one_service_each(seen.functions)
        functions_invariants.as_many_as_asked_for(seen.functions)
        functions_invariants.nothing_is_left_of_what_is_gone(seen.functions)
        functions_invariants.groups_are_tenants(seen.functions)
        if not self.on.unlucky:
            invariants.told_before(self.on.notices, punctual=self.on.punctual)
        assert not AWRY & set(self.on.codes), self.on.errors

    def teardown(self) -> None:
        """Nobody asks for anything any more: all comes to rest, and nothing is left over."""
        try:
            if sys.exc_info()[0] is None:
                self.on.an_hour_of_health()
                self.invariants_hold()
                invariants.nothing_is_stuck(self._seen())
                functions_invariants.nothing_is_stuck(self._seen().functions)
                self.on.members_end_their_functions()
                self.on.run_until_quiescent()
                self.invariants_hold()
                invariants.all_is_over(self._seen())
                functions_invariants.all_is_over(self._seen().functions)
                saves_invariants.all_is_saved(self._seen(), self.on, self.saves)
                invariants.every_second_is_billed(self._seen())
                invariants.secrets_are_secret(self.on.log)
                self.an_administrator_looks()
                self._is_told()
        finally:
            self.on.end()

    def _is_told(self) -> None:
        self.told["stories"] += 1
        self.told["steps"] += self.steps
        self.told["invocations"] += self.on.invocations
        self.told["runs billed"] += len(self.bills)
        functions = emulated.items("functions")
        self.told["functions"] += sum("generation" in item for item in functions)
        jobs = [item for item in functions if "jobName" in item]
        self.told.update(f"invocations of functions {job['status']}" for job in jobs)
        self.told["saves"] += len(self.saves.content)
        self.told["files put back"] += sum(
            run["kind"] == "restore" for run in emulated.items("runs")
        )
        self.told["imports"] += sum(run["kind"] == "import" for run in emulated.items("runs"))
        self.told["donations"] += sum("of" not in d for d in emulated.items("donations"))
        self.told.update(f"sessions {s['status']}" for s in emulated.items("sessions"))
        self.told.update(f"notices '{kind}'" for _, kind, _ in self.on.notices)

    # --- helpers ------------------------------------------------------------------------------------

    def _seen(self) -> Seen:
        return Seen(self.on.now, self.on.lives)

    def _asks(self, command: Command | FunctionCommand) -> None:
        """One request by itself; what comes of it must be fair."""
        event = self._event(command)
        before, touched = self._seen(), LAG.touched
        answer = self.on.call(event)
        assert answer is not None
        if LAG.touched != touched:  # it was decided by what AWS said
            return
        fairness.check(before, event, answer)
        if isinstance(command, FunctionCommand):
            functions_commands.check(before.functions.items, event, answer)

    def _event(self, what: Happening) -> Event:
        """What comes to the function: a request, a tick, or what is on its way; a tick if nothing is."""
        if isinstance(what, dict):
            return what
        if isinstance(what, Command | FunctionCommand | Order):
            event = what.event(self.on.now)
            if event["action"] == DELETE:
                self.saves.deleted.add(event["saveId"])
            return event
        waiting = {ORDER: self.on.orders, EVENT: self.on.events}.get(what)
        if waiting:
            return waiting.pop(0).event
        return {"action": what if what in (PREPARE, CHECK) else CHECK, "userId": "system"}

    def _refused(self, event: Event) -> None:
        answer = self.on.call(event)
        assert answer is None or not answer["success"], event


class StoryOfLag(Story):
    """The same while AWS answers late, leaves things out and refuses."""

    section = "Any story holds the invariants while AWS lags"
    beginnings = 1

    @initialize(seed=seeds)
    def aws_ails(self, seed: int) -> None:
        """From the beginning, in every way."""
        LAG.begin(seed, *AILMENTS)

    @rule(seed=seeds, ailments=st.sets(st.sampled_from(AILMENTS)))
    def aws_ails_otherwise(self, seed: int, ailments: set[str]) -> None:
        """AWS gets better, or worse, in some ways."""
        LAG.begin(seed, *ailments)


_OF_SERVERS = (
    "a_member_starts",
    "a_member_stops",
    "a_member_books",
    "a_member_moves_a_session",
    "a_member_cancels",
    "a_member_leases",
    "an_owner_shares",
    "a_member_comes",
    "a_member_goes",
    "a_member_asks",
    "somebody_intrudes",
    "a_donation_comes",
    "a_donor_is_linked",
    "an_administrator_orders",
    "the_platform_is_maintained",
    "an_order_comes",
    "a_task_moves",
    "a_task_crashes",
    "a_task_handles_files",
    "a_task_cannot_handle_files",
    "handling_files_takes_long",
    "a_member_looks_after_saves",
    "a_member_sees_saves",
    "a_member_puts_an_upload",
    "foundry_says",
)
of_functions = st.one_of(
    functions_commands.any_of_functions,
    functions_commands.any_of_functions,
    st.sampled_from([CHECK, EVENT, EVENT]),
)


class StoryOfFunctions(Story):
    """Nobody has anything but functions, of which much is asked for; AWS ails now and then."""

    section = "Any story of functions holds the invariants"

    @rule(first=of_functions, second=of_functions, call=calls)
    def two_things_happen_at_once(self, first: Happening, second: Happening, call: int) -> None:
        """The second runs from beginning to end between two calls of the first."""
        later = self._event(second)
        self.on.call(self._event(first), Interruption(call, act=lambda: self.on.call(later)))

    @rule(what=of_functions, call=calls, mode=st.sampled_from(MODES))
    def something_goes_wrong(self, what: Happening, call: int, mode: str) -> None:
        """A call to AWS fails, or the process dies, before the call's effect or after it."""
        self.on.unlucky = True
        self.on.call(self._event(what), Interruption(call, mode))
        self.on.codes.clear()

    @rule(command=functions_commands.any_of_functions)
    def a_member_has_more_functions(self, command: FunctionCommand) -> None:
        """A function is made, changed, deleted or invoked."""
        self._asks(command)

    @rule(seed=seeds, ailments=st.sets(st.sampled_from(AILMENTS)))
    def aws_ails_otherwise(self, seed: int, ailments: set[str]) -> None:
        """AWS gets better, or worse, in some ways."""
        LAG.begin(seed, *ailments)


for _name in _OF_SERVERS:  # hypothesis takes all that it finds in a class for the rules that it has
    setattr(StoryOfFunctions, _name, None)


_OF_OTHERS = (
    "a_member_moves_a_session",
    "a_member_cancels",
    "an_owner_shares",
    "a_member_asks",
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
    "foundry_says",
)
of_files = st.one_of(
    commands.saves,
    commands.saves,
    commands.starts,
    commands.stops,
    commands.creates,
    commands.destroys,
    st.sampled_from([PREPARE, CHECK, EVENT, EVENT]),
)


class StoryOfFiles(Story):
    """Servers have been played on, and their files are saved and put back; AWS ails now and then."""

    section = "Any story of files holds the invariants"
    beginnings = 1

    @initialize(again=st.integers(1, 3))
    def an_evening_is_over(self, again: int) -> None:
        """Two have played, and what they left was saved."""
        for _ in range(again):
            for action in (START, STOP):
                for user in ("olga", "otto"):
                    self.on.asks(action, user)
                for _ in range(5):
                    self.on.minute()

    @rule(first=of_files, second=of_files, call=calls)
    def two_things_happen_at_once(self, first: Happening, second: Happening, call: int) -> None:
        """The second runs from beginning to end between two calls of the first."""
        later = self._event(second)
        self.on.call(self._event(first), Interruption(call, act=lambda: self.on.call(later)))

    @rule(what=of_files, call=calls, mode=st.sampled_from(MODES))
    def something_goes_wrong(self, what: Happening, call: int, mode: str) -> None:
        """A call to AWS fails, or the process dies, before the call's effect or after it."""
        self.on.unlucky = True
        self.on.call(self._event(what), Interruption(call, mode))
        self.on.codes.clear()

    @rule(whose=some, is_confirmed=st.booleans())
    def a_member_imports(self, whose: int, is_confirmed: bool) -> None:
        """An archive is put and looked into, or already taken in."""
        begins = Command(BEGIN_IMPORT, whose, fields={"bytes": 1000})
        self._asks(begins)
        self.a_member_puts_an_upload(whose)
        self._asks(begins)
        if is_confirmed:
            self.on.ecs_carries_on()
            self.on.deliver_all()
            self._asks(Command(CONFIRM_IMPORT, whose))

    @rule(command=commands.saves)
    def a_member_has_wishes(self, command: Command) -> None:
        """Files are saved or put back, a save is named, locked or deleted."""
        self._asks(command)

    @rule(seed=seeds, ailments=st.sets(st.sampled_from(AILMENTS)))
    def aws_ails_otherwise(self, seed: int, ailments: set[str]) -> None:
        """AWS gets better, or worse, in some ways."""
        LAG.begin(seed, *ailments)


for _name in _OF_OTHERS:
    setattr(StoryOfFiles, _name, None)


def _one_of(things: list[Any], which: int) -> Any:
    return things[which % len(things)]


@pytest.fixture(scope="module")
def prepared() -> Iterator[Simulation]:
    """One simulation for all stories of this process."""
    with simulation(SAVES_KEPT) as made:
        yield made


def tell(on: Simulation, stories: int, steps: int, kind: type[Story] = Story, **how: Any) -> None:
    """Have so many stories made up and told, and note what came of them."""
    Story.on = on
    Story.told.clear()
    calls_before = CALLS.count
    run_state_machine_as_test(
        kind,
        _min_steps=steps + kind.beginnings - 1,  # hypothesis would tell some shorter stories, too
        settings=settings(
            max_examples=stories,
            stateful_step_count=steps + kind.beginnings,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            **how,
        ),
    )
    told = dict(Story.told)
    assert told["stories"] >= stories, "fewer stories than were asked for"
    assert told["steps"] == told["stories"] * steps
    first = {name: told.pop(name) for name in ("stories", "steps", "invocations")}
    first["calls to AWS"] = CALLS.count - calls_before
    proof.count(kind.section, first | dict(sorted(told.items())), cases=first["stories"])


def test_some_stories_break_no_invariant(prepared):
    tell(prepared, 12, 30, derandomize=True, database=None)


@pytest.mark.prove
@pytest.mark.parametrize("part", range(PARTS))
def test_no_story_breaks_an_invariant(part, prepared):
    Story._hypothesis_internal_use_seed = part
    tell(prepared, -(-STORIES // PARTS), STEPS, database=None)


def test_some_stories_break_no_promise_while_aws_lags(prepared):
    tell(prepared, 12, 30, StoryOfLag, derandomize=True, database=None)


@pytest.mark.prove
@pytest.mark.parametrize("part", range(PARTS))
def test_no_story_breaks_a_promise_while_aws_lags(part, prepared):
    StoryOfLag._hypothesis_internal_use_seed = part
    tell(prepared, -(-STORIES // PARTS), STEPS, StoryOfLag, database=None)


def test_some_stories_of_functions_break_no_invariant(prepared):
    tell(prepared, 12, 30, StoryOfFunctions, derandomize=True, database=None)


@pytest.mark.prove
@pytest.mark.parametrize("part", range(PARTS))
def test_no_story_of_functions_breaks_an_invariant(part, prepared):
    StoryOfFunctions._hypothesis_internal_use_seed = part
    tell(prepared, -(-STORIES // PARTS), STEPS, StoryOfFunctions, database=None)


def test_some_stories_of_files_break_no_invariant(prepared):
    tell(prepared, 12, 30, StoryOfFiles, derandomize=True, database=None)


@pytest.mark.prove
@pytest.mark.parametrize("part", range(PARTS))
def test_no_story_of_files_breaks_an_invariant(part, prepared):
    StoryOfFiles._hypothesis_internal_use_seed = part
    tell(prepared, -(-STORIES // PARTS), STEPS, StoryOfFiles, database=None)
