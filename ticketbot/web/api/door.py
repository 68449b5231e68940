"""The door over HTTP: scans at once or told later, the list for scanners, counts that go on.

Who asks has signed the request (NIP-98) and is the event's organizer or staff, or shows a secret
that was made for this event: `Authorization: Bearer door1…`.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import orjson
from aiohttp import web
from aiohttp.client_exceptions import ClientConnectionResetError

from ticketbot.domain.admission import Kind
from ticketbot.domain.requests.fields import FARTHEST
from ticketbot.domain.scanning import LONGEST_NONCE, LONGEST_SHOWN, Scan, read_gate, read_shown
from ticketbot.domain.sheet import MOST_SEATS
from ticketbot.errors import Refused
from ticketbot.handlers.door.scanners import SECRET_PREFIX, Caller
from ticketbot.replies.saying import Manner, sentence
from ticketbot.web.api.problems import Problem, from_refusal

SignedBy = Callable[[web.Request], Awaitable[str]]
Json = dict[str, Any]
Handler = Callable[[web.Request, Caller], Awaitable[web.StreamResponse]]

MOST_SCANS = 500
MOST_BATCH_BYTES = 512 * 1024
MOST_WATCHERS = 500
SHORTEST_NONCE = 8
LONGEST_GATE_SENT = 100
LONGEST_NUMBER = 9  # digits
AT_A_TIME = 25  # tokens that are verified before others have their turn
LOOK = 0.5  # seconds between looks at the counts
HEARTBEAT = 15.0
SLOW = 10.0  # seconds in which who watches must take what they are sent
BEARER = "Bearer"


class Door(Protocol):
    """The bot as scanners see it."""

    @property
    def public_key(self) -> bytes:
        """The 32 bytes of the Ed25519 key that verifies its tickets."""

    async def language(self, caller: Caller, event: str) -> str:
        """In which language who asks is answered; a scanner with a secret in its organizer's."""

    async def scan(self, caller: Caller, event: str, asked: Sequence[Scan]) -> list[Json | Refused]:
        """What comes of each scan; it is durable when this returns."""

    async def checklist(self, caller: Caller, event: str, *, used: bool) -> Json:
        """What a scanner without a network needs; `Refused` for who may not scan there."""

    async def counts(self, caller: Caller, event: str) -> Json:
        """Who came, is inside, has left; `Refused` for who may not scan there."""

    async def conflicts(self, caller: Caller, event: str, first: int) -> Json:
        """Who was let in and should not have been, newest first, from the n-th on."""

    async def latest(self, caller: Caller, event_id: str) -> Json:
        """The counts of an event for who may see them, of half a second ago at most."""


DOOR = web.AppKey("door", Door)
SIGNED_BY: web.AppKey[SignedBy] = web.AppKey("signed_by")
CLOSING = web.AppKey("closing", asyncio.Event)
WATCHERS = web.AppKey("watchers", set[object])


def add_door(app: web.Application, door: Door, signed_by: SignedBy) -> None:
    """Give the API the routes of the door; `signed_by` says whose key signed a request."""
    app[DOOR] = door
    app[SIGNED_BY] = signed_by
    app[CLOSING] = asyncio.Event()
    app[WATCHERS] = set()
    app.on_shutdown.append(_close)
    for kind in Kind:
        app.router.add_post(f"/door/{{event}}/{kind}", _scanner(kind))
    app.router.add_post("/door/{event}/scans", _known(tell_scans, MOST_BATCH_BYTES))
    app.router.add_get("/door/{event}/list", _known(show_list))
    app.router.add_get("/door/{event}/counts", _known(show_counts))
    app.router.add_get("/door/{event}/conflicts", _known(show_conflicts))
    app.router.add_get("/door/{event}/live", _known(show_live), allow_head=False)


def _known(
    handler: Handler, most_bytes: int | None = None
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Find out who asks; what is refused to them is said in their language.

    `most_bytes`: of the body, where it may be another size than everywhere.
    """

    async def handle(request: web.Request) -> web.StreamResponse:
        if most_bytes is not None:
            request = request.clone(client_max_size=most_bytes)
        caller = await _caller(request)
        try:
            return await handler(request, caller)
        except Refused as refused:
            raise await _problem(refused, request, caller) from None

    return handle


def _scanner(kind: Kind) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def scan(request: web.Request, caller: Caller) -> web.Response:
        """One ticket that somebody shows now. 200 whatever the light is."""
        scan = _read_scan(await _body(request), request.app[DOOR].public_key, kind)
        (result,) = await request.app[DOOR].scan(caller, _event(request), [scan])
        if isinstance(result, Refused):
            raise result
        return _json(result)

    return _known(scan)


async def tell_scans(request: web.Request, caller: Caller) -> web.Response:
    """Scans that were made without a network, oldest first. Each has a nonce: telling it twice
    is telling it once. One that cannot be read keeps no other from being noted."""
    door = request.app[DOOR]
    told = (await _body(request)).get("scans")
    if not isinstance(told, list) or not 0 < len(told) <= MOST_SCANS:
        raise Refused("bad-request", "field-scans", field="scans", most=MOST_SCANS)
    await door.counts(caller, _event(request))
    how = Manner(language=await door.language(caller, _event(request)))
    read: list[Scan | Refused] = []
    for at, one in enumerate(told):
        read.append(_read_told(one, door.public_key))
        if at % AT_A_TIME == AT_A_TIME - 1:
            await asyncio.sleep(0)
    scans = [one for one in read if isinstance(one, Scan)]
    results = iter(await door.scan(caller, _event(request), scans))
    answers = [_told(next(results) if isinstance(one, Scan) else one, how) for one in read]
    return _json({"results": [_named(one, raw) for one, raw in zip(answers, told, strict=True)]})


async def show_list(request: web.Request, caller: Caller) -> web.Response:
    """What a scanner needs to judge tickets by itself; 304 where it has that already."""
    used = request.query.get("used") == "1"
    body = orjson.dumps(await request.app[DOOR].checklist(caller, _event(request), used=used))
    etag = hashlib.sha256(body).hexdigest()[:32]
    headers = {"Cache-Control": "private, no-cache"}
    if any(tag.value in (etag, "*") for tag in request.if_none_match or ()):
        response = web.Response(status=304, headers=headers)
    else:
        response = web.Response(body=body, content_type="application/json", headers=headers)
    response.etag = etag
    return response


async def show_counts(request: web.Request, caller: Caller) -> web.Response:
    """Who came, is inside, has left: in all, by tier, by gate."""
    return _json(await request.app[DOOR].counts(caller, _event(request)))


async def show_conflicts(request: web.Request, caller: Caller) -> web.Response:
    """Entries that were told later and should not have been."""
    first = request.query.get("first", "1")
    if not (first.isascii() and first.isdigit() and 0 < int(first[:LONGEST_NUMBER]) <= MOST_SEATS):
        raise Refused("bad-request", "field-number", field="first", most=MOST_SEATS)
    return _json(await request.app[DOOR].conflicts(caller, _event(request), int(first)))


async def show_live(request: web.Request, caller: Caller) -> web.StreamResponse:
    """The counts as server-sent events: at once, and whenever they change, until one side ends."""
    counts = await request.app[DOOR].counts(caller, _event(request))
    watchers, me = request.app[WATCHERS], object()
    if len(watchers) >= MOST_WATCHERS:
        raise Refused("try-later", "door-watched")
    headers = {"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
    response = web.StreamResponse(headers=headers)
    watchers.add(me)
    try:
        await response.prepare(request)
        await _stream(request, response, caller, counts)
    except (TimeoutError, ConnectionError, ClientConnectionResetError):
        pass  # whoever watched is gone, or does not listen
    finally:
        watchers.discard(me)
    return response


async def _stream(
    request: web.Request, response: web.StreamResponse, caller: Caller, counts: Json
) -> None:
    door, closing = request.app[DOOR], request.app[CLOSING]
    loop, event_id = asyncio.get_running_loop(), counts["event_id"]
    shown = orjson.dumps(counts)
    await _send(response, b"retry: 2000\nevent: counts\ndata: " + shown + b"\n\n")
    said = checked = loop.time()
    while not await _closes(closing, LOOK):
        if loop.time() - checked >= HEARTBEAT:
            checked = loop.time()
            try:
                await door.counts(caller, event_id)
            except Refused:
                return  # their time at the door is over
        now = orjson.dumps(await door.latest(caller, event_id))
        if now != shown:
            shown, said = now, loop.time()
            await _send(response, b"event: counts\ndata: " + now + b"\n\n")
        elif loop.time() - said >= HEARTBEAT:
            said = loop.time()
            await _send(response, b": still here\n\n")


async def _send(response: web.StreamResponse, data: bytes) -> None:
    async with asyncio.timeout(SLOW):
        await response.write(data)


async def _closes(closing: asyncio.Event, seconds: float) -> bool:
    """Wait so long, or until the server stops; whether it does."""
    try:
        async with asyncio.timeout(seconds):
            await closing.wait()
    except TimeoutError:
        return False
    return True


async def _close(app: web.Application) -> None:
    app[CLOSING].set()


async def _caller(request: web.Request) -> Caller:
    """Who asks: by a secret for the door, or else by the signature on the request."""
    given = request.headers.getall("Authorization", [])
    scheme, _, secret = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    if scheme.lower() != BEARER.lower():
        return Caller(pubkey=await request.app[SIGNED_BY](request))
    secret = secret.strip()
    if not secret.startswith(SECRET_PREFIX) or len(secret) > LONGEST_NONCE:
        raise _unknown_secret()
    return Caller(secret=secret)


async def _problem(refused: Refused, request: web.Request, caller: Caller) -> Problem:
    if refused.code == "not-yours" and caller.secret is not None:
        return _unknown_secret()
    return from_refusal(refused, await request.app[DOOR].language(caller, _event(request)))


def _unknown_secret() -> Problem:
    detail = "This token is not good for this event: it is unknown, over, ended, or another's."
    return Problem("sign-in", detail, headers={"WWW-Authenticate": f"{BEARER}, Nostr"})


def _event(request: web.Request) -> str:
    return request.match_info["event"]


async def _body(request: web.Request) -> Json:
    try:
        body = orjson.loads(await request.read())
    except orjson.JSONDecodeError:
        raise Problem("not-json") from None
    if not isinstance(body, dict):
        raise Problem("not-json")
    return body


def _read_told(raw: object, public_key: bytes) -> Scan | Refused:
    """A scan that happened before; a `Refused` in its place where it cannot be read."""
    if not isinstance(raw, dict):
        return Refused("bad-request", "field-scans", field="scans", most=MOST_SCANS)
    try:
        if raw.get("kind", "check-in") not in list(Kind):
            raise Refused("bad-request", "field-one-of", field="kind", choice=", ".join(Kind))
        scan = _read_scan(raw, public_key, Kind(raw.get("kind", "check-in")))
        at = raw.get("at")
        if type(at) is not int or not 0 < at < FARTHEST:
            raise Refused("bad-request", "field-number", field="at", most=FARTHEST)
        if scan.nonce is None:
            raise _wrong_nonce()
    except Refused as refused:
        return refused
    return scan._replace(device_at=at)


def _read_scan(body: Json, public_key: bytes, kind: Kind) -> Scan:
    ticket, gate, nonce = body.get("ticket"), body.get("gate"), body.get("nonce")
    if not isinstance(ticket, str) or not 0 < len(ticket) <= LONGEST_SHOWN:
        raise Refused("bad-request", "field-text", field="ticket", most=LONGEST_SHOWN)
    if not isinstance(gate, str | None) or len(gate or "") > LONGEST_GATE_SENT:
        raise Refused("bad-request", "field-text", field="gate", most=LONGEST_GATE_SENT)
    if nonce is not None and not (
        isinstance(nonce, str) and SHORTEST_NONCE <= len(nonce) <= LONGEST_NONCE
    ):
        raise _wrong_nonce()
    return Scan(kind, read_shown(ticket, public_key), read_gate(gate or ""), nonce)


def _wrong_nonce() -> Refused:
    values = {"least": SHORTEST_NONCE, "most": LONGEST_NONCE}
    return Refused("bad-request", "field-nonce", field="nonce", **values)


def _told(result: Json | Refused, how: Manner) -> Json:
    if isinstance(result, Refused):
        return {"error": result.code, "message": sentence(result, how)}
    return result


def _named(answer: Json, raw: object) -> Json:
    nonce = raw.get("nonce") if isinstance(raw, dict) else None
    return {"nonce": nonce if isinstance(nonce, str) else None, **answer}


def _json(body: Json) -> web.Response:
    return web.Response(body=orjson.dumps(body), content_type="application/json")
