"""check-availability: whether a licence is free for a session, and if not, when."""

from __future__ import annotations

from actions.action import Action, Answer, Scope, UserRequest
from actions.licenses import rules
from actions.licenses.reservations import reserved_time, usable
from actions.lookup import instance_of
from actions.scheduling.times import Minutes, Moment, checked_start
from services import clock
from services.platform import Platform


class CheckAvailability(UserRequest):
    """When the user would like to play, and for how many minutes."""

    start_time: Moment
    duration: Minutes


def check_availability(request: CheckAvailability, platform: Platform) -> Answer:
    """How many licences are free for that time; else the next start for which one is.

    Nothing is reserved. Raises InstanceNotFound.
    """
    checked_start(request.start_time)
    now = clock.now()
    begins, ends = reserved_time(platform.settings, request.start_time, request.duration)
    user_id = request.user_id
    found = list(usable(platform, instance_of(platform, user_id)))
    free = [license for license in found if rules.is_free(license, user_id, begins, ends, now)]
    answer: Answer = {"success": True, "available": bool(free), "freeLicenses": len(free)}
    next_free = rules.next_free(found, user_id, begins, ends, now)
    if not free and next_free is not None:
        answer["nextStartTime"] = next_free - begins + request.start_time
    return answer


ACTION = Action(CheckAvailability, check_availability, Scope.USER)
