"""The task's process."""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from types import FrameType
from typing import NoReturn

from .exporting import export
from .failures import Failed, Refused, Stopped
from .importing import import_, inspect
from .journal import PLAN, staging
from .repository import Repository
from .restoring import restore
from .saving import save
from .task import Task
from .texts import is_id, parsed
from .told import Told
from .tools import Tools

STOPPED = 143  # the exit code after SIGTERM
ORDERS: Mapping[str, Callable[[Task], None]] = {
    "save": save,
    "restore": restore,
    "export": export,
    "inspect": inspect,
    "import": import_,
}


def carry_out(environment: Mapping[str, str]) -> int:
    """Carry out the order of the environment, and write what came of it; the exit code."""
    order = parsed(environment["ORDER"])
    do, run = str(order.get("do")), str(order.get("run"))
    if do not in ORDERS or not is_id(run):
        print("Such an order is not known.", file=sys.stderr, flush=True)
        return 1
    tools = Tools(environment)
    told = Told(tools, environment["BUCKET"], environment["REPOSITORY"], run)
    task = Task(tools, told, Repository(tools, told), environment.get("ASSETS", ""), order)
    try:
        ORDERS[do](task)
    except Failed as failure:
        return _failed(task, failure)
    except Exception as error:
        print(tools.hide(traceback.format_exc()), file=sys.stderr, flush=True)
        full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
        return _failed(task, Failed("no-space" if full else "unexpected", type(error).__name__))
    return 0


def _failed(task: Task, failure: Failed) -> int:
    print(task.tools.hide(f"{failure.word}: {failure}"), file=sys.stderr, flush=True)
    begun = (staging(task) / PLAN).exists()  # files may be neither here nor there
    result = {"do": task.order["do"], "run": task.run, "failed": failure.word, "begun": begun}
    if isinstance(failure, Refused):
        result["detail"] = task.tools.hide(failure.detail)
    try:
        task.told.result({**result, "message": task.tools.hide(str(failure))})
    except Failed as unwritten:
        print(f"The result cannot be written: {unwritten}", file=sys.stderr, flush=True)
    return 1


def main() -> int:
    """The task's process."""
    signal.signal(signal.SIGTERM, _stop)
    # Were it ignored, as of a shell's jobs, so it would be by the tools.
    signal.signal(signal.SIGINT, _stop)
    try:
        return carry_out(os.environ)
    except Stopped:
        print("Asked to end.", file=sys.stderr, flush=True)
        return STOPPED


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    for number in (signal.SIGTERM, signal.SIGINT):  # once is enough, and ending takes a moment
        signal.signal(number, signal.SIG_IGN)
    raise Stopped


if __name__ == "__main__":
    sys.exit(main())
