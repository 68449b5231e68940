"""The door over HTTP: scans at once or told later, the list for scanners, counts that go on.

Who asks has signed the request (NIP-98) and is the event's organizer or staff, or shows a secret
that was made for this event: `Authorization: Bearer door1…`.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable

import orjson
from aiohttp import web

from ticketbot.domain.admission import Kind
from ticketbot.domain.scanning import LONGEST_NONCE, Scan
from ticketbot.domain.sheet import MOST_SEATS
from ticketbot.errors import Refused
from ticketbot.handlers.door.scanners import SECRET_PREFIX, Caller
from ticketbot.replies.saying import Manner
from ticketbot.web.api.door import live
from ticketbot.web.api.door.port import DOOR, Door, Json
from ticketbot.web.api.door.scans import MOST_SCANS, answer, read_scan, read_told
from ticketbot.web.api.problems import Problem, from_refusal

SignedBy = Callable[[web.Request], Awaitable[str]]
Handler = Callable[[web.Request, Caller], Awaitable[web.StreamResponse]]

MOST_BATCH_BYTES = 512 * 1024
LONGEST_NUMBER = 9  # digits
AT_A_TIME = 25  # tokens that are verified before others have their turn
BEARER = "Bearer"

SIGNED_BY: web.AppKey[SignedBy] = web.AppKey("signed_by")


def add_door(app: web.Application, door: Door, signed_by: SignedBy) -> None:
    """Give the API the routes of the door; `signed_by` says whose key signed a request."""
    app[DOOR] = door
    app[SIGNED_BY] = signed_by
    live.prepare(app)
    for kind in Kind:
        app.router.add_post(f"/door/{{event}}/{kind}", _scanner(kind))
    app.router.add_post("/door/{event}/scans", _known(tell_scans, MOST_BATCH_BYTES))
    app.router.add_get("/door/{event}/list", _known(show_list))
    app.router.add_get("/door/{event}/counts", _known(show_counts))
    app.router.add_get("/door/{event}/conflicts", _known(show_conflicts))
    app.router.add_get("/door/{event}/live", _known(live.show_live), allow_head=False)


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
        scan = read_scan(await _body(request), request.app[DOOR].public_key, kind)
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
        read.append(read_told(one, door.public_key))
        if at % AT_A_TIME == AT_A_TIME - 1:
            await asyncio.sleep(0)
    scans = [one for one in read if isinstance(one, Scan)]
    results = iter(await door.scan(caller, _event(request), scans))
    came = [next(results) if isinstance(one, Scan) else one for one in read]
    answers = [answer(one, raw, how) for one, raw in zip(came, told, strict=True)]
    return _json({"results": answers})


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


def _json(body: Json) -> web.Response:
    return web.Response(body=orjson.dumps(body), content_type="application/json")
