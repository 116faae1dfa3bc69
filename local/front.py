"""The front: what a browser on this machine reaches. Host names of tables lead to the embedded load balancer.

`<name>.localhost`, which browsers find on this machine without DNS, stands for `<name>.<Domain>`, TLS taken off.
Every other host's requests go to the server of `local/http.py`. The platform knows of no front: to it, this is the
load balancer's address (template.yaml, ServersUrl).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Thread
from typing import Any, TypeVar

import h11

from local.processes import LocalError
from local.switches import PATH, Switches

_PART = 65_536  # bytes that are handed on at once
_HEAD = 65_536  # bytes; Foundry's cookies and the tokens of members fit in
_LINGER = 2.0  # seconds that somebody has to read a last answer: closed at once, it could be lost
# Of one connection, and none of the next one's business (RFC 9110, 7.6.1). Its framing is h11's.
_OF_A_CONNECTION = {b"connection", b"keep-alive", b"proxy-connection", b"te", b"upgrade"}
_LABEL = re.compile("[a-z0-9-]+")
_SECURE = re.compile(rb";\s*secure\s*(?=;|$)", re.IGNORECASE)

Headers = list[tuple[bytes, bytes]]
_T = TypeVar("_T")


class _Refused(Exception):
    """A request that leads nowhere: its status, and one line that says why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class _Gone(Exception):
    """Somebody let go of a connection before all was said."""


@dataclass
class Front:
    """Where requests go. What is None is not there yet: whoever asks for it is told to ask again."""

    domain: str  # of the deployed stack
    aws: int  # port of the embedded AWS
    port: int = 0  # its own
    balancer: str | None = None  # the name of the load balancer
    server: int | None = None  # port of the HTTP server
    switches: Switches | None = None  # which have a page of the front's own, at each table

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def leads_to(self, load_balancer_dns: str) -> None:
        """Tables are asked for at this load balancer from now on. Its DNS name is its own name and an id."""
        self.balancer = load_balancer_dns.partition(".")[0].rpartition("-")[0]

    def link(self, url: str) -> str:
        """Where a table's own address is found on this machine."""
        return _Names(self.domain, f"localhost:{self.port}").here(url)

    def table(self, host: str) -> tuple[str, _Names] | None:
        """The table that a Host names, if it names one, and what tables are called by whoever sent that."""
        label, _, rest = host.lower().partition(".")
        known = re.sub(r":\d+$", "", rest) in ("localhost", self.domain)
        return (label, _Names(self.domain, rest)) if known and _LABEL.fullmatch(label) else None


class _Names:
    """What tables are called: `https://ada.foundry.test` by the platform, `http://ada.localhost:8080` here."""

    def __init__(self, domain: str, rest: str) -> None:
        self.domain, self._rest = domain, rest
        self._public = _tables("https", re.escape(domain) + "(?::443)?")
        self._here = _tables("http", re.escape(rest))

    def public(self, url: str) -> str:
        """An address of a table as it would be on AWS; any other address as it is."""
        return self._here.sub(rf"https://\1.{self.domain}", url, count=1)

    def here(self, url: str) -> str:
        """The reverse."""
        return self._public.sub(rf"http://\1.{self._rest}", url, count=1)


def _tables(scheme: str, rest: str) -> re.Pattern[str]:
    return re.compile(rf"^{scheme}://([a-z0-9-]+)\.{rest}(?=[/?#]|$)", re.IGNORECASE)


@contextmanager
def running(aws: int, domain: str, port: int = 0) -> Iterator[Front]:
    """A front on 127.0.0.1:`port` (0: any spare one), of which nothing is left at the end.

    It is a thread, so that it cannot outlive us. LocalError if the port is taken.
    """
    front = Front(domain, aws)
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, name="front", daemon=True)
    thread.start()

    def done(work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, loop).result()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.CancelledError):  # at the end; asyncio would tell the terminal of it
            await _Connection(front, reader, writer).serve()

    try:
        try:
            listening = done(asyncio.start_server(serve, "127.0.0.1", port))
        except OSError as error:
            raise LocalError(f"Port {port} cannot be had ({error.strerror}).") from None
        front.port = listening.sockets[0].getsockname()[1]
        try:
            yield front
        finally:
            done(_end(listening))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end(listening: asyncio.Server) -> None:
    listening.close()
    under_way = asyncio.all_tasks() - {asyncio.current_task()}
    for task in under_way:
        task.cancel()
    await asyncio.gather(*under_way, return_exceptions=True)


class _End:
    """One of the two connections that a request passes through."""

    def __init__(
        self,
        role: type[h11.CLIENT] | type[h11.SERVER],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.http = h11.Connection(role, max_incomplete_event_size=_HEAD)
        self._reader, self._writer = reader, writer

    @property
    def rests(self) -> bool:
        """Whether both sides have said all that belongs to a request, and may go on to the next."""
        return self.http.our_state is h11.DONE and self.http.their_state is h11.DONE

    async def next(self) -> h11.Event:
        """What the other side says next. Raises h11.RemoteProtocolError if it does not speak HTTP."""
        while not isinstance(event := self.http.next_event(), h11.Event):
            self.http.receive_data(await self._reader.read(_PART))
        return event

    async def send(self, event: h11.Event) -> None:
        """Say something, as soon as there is room for it. Raises OSError if nobody listens any more."""
        said = self.http.send(event)
        if said:
            self._writer.write(said)
            await self._writer.drain()

    async def leaves(self) -> None:
        """Return when the other side, which has said all for now, lets go."""
        said = await self._reader.read(_PART)
        self.http.receive_data(said)
        if said:  # the next request already; it is read when this one is answered
            await asyncio.Event().wait()

    async def linger(self) -> None:
        """Say no more, and give the other side the time to read what was said."""
        with suppress(OSError, TimeoutError):
            self._writer.write_eof()
            async with asyncio.timeout(_LINGER):
                while await self._reader.read(_PART):
                    pass

    def close(self) -> None:
        """Let go."""
        self._writer.close()

    def abort(self) -> None:
        """Let go such that what was said so far cannot be taken for the whole."""
        self._writer.transport.abort()


class _Connection:
    """Somebody who asks, one request after the other."""

    def __init__(
        self, front: Front, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._front = front
        self._client = _End(h11.SERVER, reader, writer)
        self._address: str = writer.get_extra_info("peername")[0]

    async def serve(self) -> None:
        """Answer until either side has had enough."""
        client = self._client
        try:
            try:
                while isinstance(request := await client.next(), h11.Request):
                    await self._answer(request)
                    if not client.rests:
                        break
                    client.http.start_next_cycle()
            except h11.RemoteProtocolError as error:
                await self._refuse(_Refused(error.error_status_hint, f"No HTTP: {error}."))
            await client.linger()
        except (
            _Gone,
            OSError,
            h11.LocalProtocolError,
        ):  # the last: an answer that cannot be handed on
            client.abort()
        finally:
            client.close()

    async def _answer(self, request: h11.Request) -> None:
        try:
            asked = self._front.table(_host(request))
            if asked and self._front.switches and request.target == PATH.encode():
                await self._turn(request, asked[0], self._front.switches)
                return
            upstream, handed_on = await self._opened(request, asked)
            try:
                await self._pass(upstream, handed_on, asked[1] if asked else None)
            finally:
                upstream.close()
        except _Refused as refused:
            await self._refuse(refused)

    async def _opened(
        self, request: h11.Request, asked: tuple[str, _Names] | None
    ) -> tuple[_End, h11.Request]:
        """A connection to whom a request is for, and the request as it goes there."""
        headers = _of_the_message(request)
        if asked:
            what, port, target = "embedded AWS", self._front.aws, self._at_balancer(request.target)
            headers = _for_balancer(headers, *asked, self._address)
        elif self._front.server is None:
            raise _Refused(503, "The server is not started yet; ask again in a few seconds.")
        else:
            what, port, target = "server", self._front.server, request.target
            if all(name != b"host" for name, _ in headers):  # HTTP/1.0 needs none
                headers.append((b"host", b"127.0.0.1"))
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            raise _Refused(502, f"The {what} does not answer.") from None
        headers.append((b"connection", b"close"))
        handed_on = h11.Request(method=request.method, target=target, headers=headers)
        return _End(h11.CLIENT, reader, writer), handed_on

    def _at_balancer(self, target: bytes) -> bytes:
        if self._front.balancer is None:
            raise _Refused(503, "The stack is not deployed yet; ask again in a few seconds.")
        if not target.startswith(b"/"):
            raise _Refused(400, "A table is asked for a path.")
        return b"/_alb/" + self._front.balancer.encode() + target

    async def _pass(self, upstream: _End, request: h11.Request, names: _Names | None) -> None:
        """Hand the request on and the answer back, both as they come."""
        up = asyncio.ensure_future(self._up(upstream, request))
        down = asyncio.ensure_future(self._down(upstream, names))
        leaving = asyncio.ensure_future(_after(up, self._client.leaves))
        try:
            await asyncio.wait({down, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not down.done():
                leaving.result()
                raise _Gone
            down.result()
        finally:
            for task in (up, down, leaving):
                task.cancel()
            await asyncio.gather(up, down, leaving, return_exceptions=True)

    async def _up(self, upstream: _End, request: h11.Request) -> None:
        listens = True
        event: h11.Event = request
        while True:
            try:
                if listens:
                    await upstream.send(event)
            except OSError:
                listens = (
                    False  # it may have answered all the same, and the rest has to go somewhere
                )
            if isinstance(event, h11.EndOfMessage):
                return
            event = await self._client.next()

    async def _down(self, upstream: _End, names: _Names | None) -> None:
        client = self._client
        while True:
            try:
                event = await upstream.next()
            except (h11.RemoteProtocolError, OSError) as error:
                raise _Refused(502, f"Who was asked gave no whole answer ({error}).") from None
            if isinstance(event, h11.Response):
                headers = _of_the_message(event)
                if names:
                    headers = [_from_balancer(*header, names) for header in headers]
                if client.http.their_state is not h11.DONE:
                    headers.append((b"connection", b"close"))
                event = h11.Response(
                    status_code=event.status_code, headers=headers, reason=event.reason
                )
            await client.send(event)
            if isinstance(event, h11.EndOfMessage):
                return

    async def _turn(self, request: h11.Request, label: str, switches: Switches) -> None:
        """The front's own page of a table."""
        form = await self._form()
        host = f"{label}.{self._front.domain}"
        if request.method == b"GET":
            page = switches.page(host).encode()
            await self._say(200, [(b"content-type", b"text/html; charset=utf-8")], page)
        elif request.method == b"POST" and switches.turn(host, form):
            await self._say(303, [(b"location", PATH.encode())], b"")
        else:
            raise _Refused(400, "Nothing of the kind can go wrong.")

    async def _form(self) -> str:
        said = b""
        while not isinstance(event := await self._client.next(), h11.EndOfMessage):
            said += bytes(event.data) if isinstance(event, h11.Data) else b""
            if len(said) > _PART:
                raise _Refused(413, "No form is as long as that.")
        return said.decode(errors="replace")

    async def _say(self, status: int, headers: Headers, content: bytes) -> None:
        """Answer by ourselves."""
        length = (b"content-length", str(len(content)).encode())
        await self._client.send(h11.Response(status_code=status, headers=[*headers, length]))
        await self._client.send(h11.Data(data=content))
        await self._client.send(h11.EndOfMessage())

    async def _refuse(self, refused: _Refused) -> None:
        """Say why. Raises _Gone if another answer has begun."""
        client = self._client
        if client.http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            raise _Gone
        plain = (b"content-type", b"text/plain; charset=utf-8")
        said = f"{refused}\n".encode()
        await self._say(refused.status, [plain, (b"connection", b"close")], said)


async def _after(first: asyncio.Future[None], then: Callable[[], Awaitable[None]]) -> None:
    await first
    await then()


def _host(request: h11.Request) -> str:
    found = [value for name, value in request.headers if name == b"host"]
    return found[0].decode("latin-1") if found else ""


def _of_the_message(message: h11.Request | h11.Response) -> Headers:
    return [(name, value) for name, value in message.headers if name not in _OF_A_CONNECTION]


def _for_balancer(headers: Headers, label: str, names: _Names, address: str) -> Headers:
    """As a load balancer behind which TLS ends would say it."""
    callers = [value for name, value in headers if name == b"x-forwarded-for"]
    said = {
        b"host": f"{label}.{names.domain}:443".encode(),  # the port chooses the listener
        b"x-forwarded-proto": b"https",
        b"x-forwarded-for": b", ".join([*callers, address.encode()]),
    }
    kept = [header for header in headers if header[0] not in said]
    for at, (name, value) in enumerate(kept):
        if name in (b"origin", b"referer"):
            kept[at] = (name, names.public(value.decode("latin-1")).encode("latin-1"))
    return [*said.items(), *kept]


def _from_balancer(name: bytes, value: bytes, names: _Names) -> tuple[bytes, bytes]:
    """As a browser needs it that came without TLS."""
    if name == b"location":
        return name, names.here(value.decode("latin-1")).encode("latin-1")
    if name == b"set-cookie":
        return name, _SECURE.sub(b"", value)
    return name, value
