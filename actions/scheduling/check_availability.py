"""check-availability: whether a session could be booked, and if not, why and when."""

from __future__ import annotations

from actions.action import Action, Answer, Scope, UserRequest
from actions.command import Command
from actions.errors import Conflict, NoLicenseFree, Overlap
from actions.licenses import rules
from actions.licenses.admission import refuse_booking
from actions.licenses.booking import next_start
from actions.licenses.choosing import candidates
from actions.licenses.reassigning import displaceable
from actions.licenses.reservations import reserved_time
from actions.lookup import instance_of
from actions.scheduling.times import Minutes, Moment, checked_start
from services import clock
from services.platform import Platform


class CheckAvailability(UserRequest):
    """When the user would like to play, and for how many minutes."""

    start_time: Moment
    duration: Minutes


def check_availability(request: CheckAvailability, platform: Platform) -> Answer:
    """Whether schedule-session would book that time now, and how many licences are free for it.

    If not, `reason` says why, and `nextStartTime` when it would, as far as that is a matter of time. Nothing is
    reserved. An owner's own licence counts as free while others' sessions would leave it. Raises InstanceNotFound.
    """
    checked_start(request.start_time)
    span = reserved_time(platform.settings, request.start_time, request.duration)
    instance = instance_of(platform, request.user_id)
    found = candidates(platform, instance, span)
    free = [x for x in found if rules.is_free(x, request.user_id, *span, clock.now())]
    answer: Answer = {"success": True, "available": True, "freeLicenses": len(free)}
    try:
        refuse_booking(platform, instance, span)
    except Overlap as refused:
        answer |= {"available": False, "reason": refused.message}
    except Conflict as refused:
        return answer | {"available": False, "reason": refused.message}
    else:
        if free:
            return answer
        if displaceable(platform, instance, span):
            return answer | {"freeLicenses": 1}
        answer |= {"available": False, "reason": NoLicenseFree.MESSAGE}
    later = next_start(platform, instance, found, span)
    return answer | ({} if later is None else {"nextStartTime": request.start_time + later})


ACTION = Action(
    CheckAvailability,
    check_availability,
    Scope.USER,
    Command(
        "Whether a session could be booked",
        options={
            "start_time": "When, such as 2026-12-04 20:00",
            "duration": "For how many minutes",
        },
        at_once=True,
    ),
)
