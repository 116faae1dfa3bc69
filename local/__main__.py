"""The main job, `make run`: the whole platform on an embedded AWS, until Ctrl-C."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from urllib.parse import urlsplit
from urllib.request import getproxies

from botocore.exceptions import BotoCoreError

from local import demo, demo_discord, embedded, file_images, front, http, places, stack
from local.ecs_events import TaskEvents
from local.follow import FunctionLog, readable
from local.processes import (
    LocalError,
    port_of,
    reason,
    refuse_taken,
    spare_loopback,
    spare_port,
)
from local.switches import Switches

_LOOK_EVERY = 1.0  # seconds, at tasks and at the log

READY = """
Ready. The community's Discord server, played, to open in a browser:

  {discord}
    be one of its members there, or an administrator: type / for the commands, press buttons, read answers

Two tables to open in a browser:

  {awake}
    wakes just now: its page says how far it is, and turns into the table
  {asleep}
    is asleep, and says so{owners}

What a started server runs here is no Foundry but a stand-in, which answers as Foundry does; its administrator's key
is {admin_key}. By a table's page /_stand-in things go wrong there: a crash, too little memory, a refused login, ...
Browsers find names that end with .localhost by themselves; other programs name them to the address:

  curl -s -H 'Host: {host}' {http}/

A new terminal talks to it with

  export AWS_ENDPOINT_URL={endpoint} AWS_DEFAULT_REGION=us-east-1 AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
{no_proxy}
AWS CLI version 1 (one is at .venv/bin/aws):

  aws lambda invoke --function-name {function} \\
    --payload '{payload}' /dev/stdout

AWS CLI version 2:

  aws lambda invoke --function-name {function} --cli-binary-format raw-in-base64-out \\
    --payload '{payload}' /dev/stdout

or, without any of that:

  make invoke ACTION=status USER={user}{port}
  make invoke EVENT=events/status.json{port}

A server is saved some seconds after it has stopped{saving}. Its saves are shown by

  make invoke ACTION=list-saves USER={user}{port}

Or over HTTP, as the first member of the demo community (the token is good for twelve hours, here only):

  export TOKEN={token}
  curl -s {http}/ -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \\
    -d '{{"action": "status"}}'

The demo community: {members}
Its administrator is the user {admin}; Ko-fi's verification token is {kofi}.
Within two minutes the schedule starts the server of a session that is booked for one of them. The task changes that
ECS would send come from this process.

Members' own containers do run, of a few known images: nginx:alpine and node:18-alpine (which answer HTTP),
print-input, clock, crash. Here anybody gets a token for anybody (docs/functions.md):

  export ALICE=$(curl -s {http}/auth/token -d '{{"user_id": "alice"}}' | sed 's/.*"token":"\\([^"]*\\).*/\\1/')
  curl -s {http}/v1/functions -H "Authorization: Bearer $ALICE" -d '{{"name": "my-clock", "image": "clock"}}'
  curl -s {http}/v1/functions -H "Authorization: Bearer $ALICE"

{functions} are invoked for the client {client}, by HTTP and by gRPC at {grpc} (docs/invocations.md):

  curl -s {http}/api/v1/token -H 'Content-Type: application/json' \\
    -d '{{"client_id": "{client}", "client_secret": "{secret}"}}'

The function's log and the server's follow; Ctrl-C ends everything.
"""


def main() -> int:
    """Returns the exit code: 0 after Ctrl-C, 1 if something stood in the way."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument(
        "--port", type=port_of, default=embedded.PORT, help="port of the embedded AWS"
    )
    parser.add_argument(
        "--http-port", type=port_of, default=http.PORT, help="port of the HTTP server"
    )
    parser.add_argument("--grpc-port", type=port_of, default=http.GRPC_PORT, help="and of gRPC")
    parser.add_argument(
        "--discord-port", type=port_of, default=demo_discord.PORT, help="of the played Discord"
    )
    parser.add_argument("--auth", action="store_true", help="let the embedded AWS check policies")
    spare_loopback()
    ending = Ending()
    for order in (signal.SIGINT, signal.SIGTERM):
        signal.signal(order, ending)
    try:
        given = parser.parse_args()
        _run(given, ending)
    except LocalError as error:
        print(f"make run: {error}", file=sys.stderr)
        return 1
    except BotoCoreError as error:
        print(f"make run: the embedded AWS does not answer any more: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    print("\nEverything is ended.")
    return 0


# Once `status` has a link for the owner.
OWNERS = """; who comes by its owner's link can wake it with a click:
      {link}"""

# For a terminal whose programs would ask a proxy for what is on this machine.
NO_PROXY = "  export no_proxy=127.0.0.1,localhost${no_proxy:+,$no_proxy}\n"


class Ending:
    """What Ctrl-C and SIGTERM do: the first one ends the run, further ones must not disturb that."""

    def __init__(self) -> None:
        self.asked = False
        self.at_once = True

    def __call__(self, order: int, frame: FrameType | None) -> None:
        if not self.asked:
            self.asked = True
            if self.at_once:
                raise KeyboardInterrupt

    def let_finish(self) -> None:
        """From now on nothing is interrupted; whoever says so looks at `asked` himself, or ends anyway."""
        self.at_once = False


def _run(given: argparse.Namespace, ending: Ending) -> None:
    stack.require_tools()
    refuse_taken(given.http_port, "HTTP_PORT=8090")
    refuse_taken(given.grpc_port, "GRPC_PORT=50061")
    refuse_taken(given.discord_port, "DISCORD_PORT=8091")
    with ExitStack() as at_the_end:
        with _says(f"Starting the embedded AWS (ministack) on 127.0.0.1:{given.port}"):
            emulator = embedded.running(given.port, auth=given.auth, servers=stack.STACK)
            aws = at_the_end.enter_context(emulator)
            at_the_end.callback(ending.let_finish)
            domain = stack.parameters()["Domain"]
            way_in = at_the_end.enter_context(front.running(aws.port, domain, given.http_port))
            way_in.switches = Switches(places.switches(aws.directory))
            played = demo_discord.running(way_in, given.discord_port)
            guild = at_the_end.enter_context(played)
        with _says("Building the function (sam build)"):
            template = stack.build(aws.directory / "build")
        with _says("Deploying the stack (sam deploy)"):
            guild.keep_secret(aws)
            application = guild.discord.application_id
            outputs = stack.deploy(
                aws, template, ServersUrl=way_in.url, DiscordApplicationId=application
            )
            way_in.leads_to(outputs["LoadBalancerDns"])
        with _says("Seeding a demo community"):
            demo.keep_secrets(aws)
            tables = _seeded(aws)
            demo.lend_functions(aws)
        with _says(f"Starting the server: HTTP on {given.http_port}, gRPC on {given.grpc_port}"):
            server = at_the_end.enter_context(http.running(aws, spare_port(), given.grpc_port))
            at_the_end.callback(ending.let_finish)
            way_in.server = server.port
            token = http.demo_token(aws, demo.ADMIN)
        with _says(f"Moving into the played Discord on {given.discord_port}"):
            guild.move_in(aws, tables[0])
        print(_ready(given, tables, way_in, token, guild.url), flush=True)
        _follow(aws, server, outputs["ClusterArn"], ending)


def _seeded(aws: embedded.Embedded) -> list[demo.Table]:
    """The demo members' tables, of which the first wakes."""
    try:
        tables = demo.seed(aws, stack.FUNCTION)
        demo.wake(aws, stack.FUNCTION, tables[0])
        return tables
    except LocalError:  # the log, which has the reason, ends with the embedded AWS
        print(*FunctionLog(aws, stack.LOG_GROUP).fresh(), sep="\n", file=sys.stderr)
        raise


def _ready(
    given: argparse.Namespace,
    tables: list[demo.Table],
    way_in: front.Front,
    token: str,
    discord: str,
) -> str:
    port: int = given.port
    awake, asleep, *_ = tables
    return READY.format(
        discord=discord,
        grpc=f"127.0.0.1:{given.grpc_port}",
        client=demo.CLIENT,
        secret=demo.CLIENT_SECRET,
        functions=", ".join(demo.FUNCTIONS),
        http=way_in.url,
        admin_key=demo.ADMIN_KEY,
        saving=file_images.hint(),
        awake=way_in.link(awake.url),
        asleep=way_in.link(asleep.url),
        owners=OWNERS.format(link=way_in.link(asleep.owners)) if asleep.owners else "",
        host=urlsplit(way_in.link(asleep.url)).netloc,
        token=token,
        endpoint=embedded.endpoint(port),
        function=stack.FUNCTION,
        payload=json.dumps({"action": "status", "userId": demo.ADMIN}),
        user=demo.ADMIN,
        no_proxy=NO_PROXY if getproxies().keys() - {"no"} else "",
        port="" if port == embedded.PORT else f" PORT={port}",
        members=", ".join(table.url for table in tables),
        admin=demo.ADMIN,
        kofi=demo.KOFI_TOKEN,
    )


def _follow(aws: embedded.Embedded, server: http.Server, cluster: str, ending: Ending) -> None:
    """Keep the tasks' events coming and show the logs, until asked to end."""
    ending.let_finish()  # an exception out of nowhere can get lost in the midst of a call
    tasks, functions = TaskEvents(aws, cluster), TaskEvents(aws, stack.FUNCTIONS_CLUSTER)
    log = FunctionLog(aws, stack.LOG_GROUP)
    while not ending.asked:
        if aws.process.poll() is not None:
            raise LocalError(f"The embedded AWS ended: {reason(aws.log.read_text())}")
        if server.process.poll() is not None:
            raise LocalError(f"The server ended: {reason(server.log.read_text())}")
        tasks.send()
        functions.send()
        for line in [*log.fresh(), *readable(server.fresh())]:
            print(line, flush=True)
        time.sleep(_LOOK_EVERY)


@contextmanager
def _says(what: str) -> Iterator[None]:
    began = time.monotonic()
    print(f"{what} ...", end=" ", flush=True)
    try:
        yield
    except BaseException:
        print(flush=True)
        raise
    print(f"{time.monotonic() - began:.1f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
