"""From a request to a command, and from what the bot answers to a response.

Every resource is a row of a table: method, path, which machine request it stands for, and how
its answer is shown. The fields of that request come from the body, the query and the path.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import orjson
from aiohttp import web

from ticketbot.domain.command import Command
from ticketbot.domain.requests import read_request, read_request_id
from ticketbot.domain.work import proven
from ticketbot.errors import Refused
from ticketbot.web.api.auth import signed_event
from ticketbot.web.api.port import BOT, Message
from ticketbot.web.api.problems import Problem, from_message

Fields = dict[str, Any]
Show = Callable[[web.Request, list[Message]], web.StreamResponse]
Who = Literal["anybody", "signed", "operator"]

UNSIGNED = "api"  # what a request is called that nobody signed: it changes nothing
NUMBERS = frozenset({"limit", "min_price_msat", "max_price_msat", "from", "to", "first", "number"})
FLAGS: Mapping[tuple[str, str], bool] = {("list", "true"): True, ("list", "false"): False}
LONGEST_NUMBER = 15  # digits; a longer one is refused as a text


class Route(NamedTuple):
    """One address. `read` is the type of a machine request, or makes the command itself."""

    method: str
    path: str
    read: str | Callable[[Fields], Command]
    show: Show
    who: Who = "signed"


class Asked(NamedTuple):
    """Who asks for what: key in hex or None, fields, bits of proof of work.

    `request_id` is what the program calls it, or the id of what it signed: no other request is
    called so.
    """

    pubkey: str | None
    fields: Fields
    work: int
    request_id: str


def add_routes(app: web.Application, routes: Sequence[Route]) -> None:
    """Give each of them its handler."""
    for route in routes:
        app.router.add_route(route.method, route.path, _handler(route))
        if route.method == "GET":
            app.router.add_route("HEAD", route.path, _handler(route))


def _handler(route: Route) -> Callable[[web.Request], Any]:
    async def handle(request: web.Request) -> web.StreamResponse:
        asked = await read(request, route.who)
        messages = await ask(request, asked, command_of(route.read, asked.fields))
        return route.show(request, messages)

    return handle


async def read(request: web.Request, who: Who) -> Asked:
    """Who asks, and the fields that they fill in; what is in the path counts most."""
    pubkey, work, name = None, 0, UNSIGNED
    if who != "anybody":
        event = await signed_event(request)
        pubkey, work, name = event.pubkey, proven(event), event.id
        if who == "operator" and not request.config_dict[BOT].is_operator(pubkey):
            raise Refused("not-yours", "operators-only")
    in_path = _plain(request.match_info.items())
    fields = await _body(request) | _plain(request.query.items()) | in_path
    if fields.get("request_id") is not None:
        name = read_request_id(fields)
    return Asked(pubkey, fields, work, name)


def command_of(make: str | Callable[[Fields], Command], fields: Fields) -> Command:
    """The command in these fields; `Refused("bad-request")` names a wrong one."""
    return read_request(make, fields) if isinstance(make, str) else make(fields)


async def ask(request: web.Request, asked: Asked, command: Command) -> list[Message]:
    """What the bot answers; a refusal becomes a problem."""
    bot = request.config_dict[BOT]
    messages = await bot.ask(asked.pubkey, command, asked.request_id, asked.work)
    for message in messages:
        if message["type"] == "error":
            raise from_message(message)
    return messages


def show(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """JSON, which nobody keeps."""
    return web.Response(
        body=orjson.dumps(body), status=status, content_type="application/json", headers=headers
    )


def show_public(request: web.Request, body: object, seconds: int) -> web.Response:
    """JSON that is the same for everybody, and may be kept for so long."""
    response = show(body, headers={"Cache-Control": f"public, max-age={seconds}"})
    assert isinstance(response.body, bytes)
    tag = hashlib.sha256(response.body).hexdigest()[:16]
    if any(known.value in (tag, "*") for known in request.if_none_match or ()):
        response = web.Response(status=304, headers={"Cache-Control": f"public, max-age={seconds}"})
    response.etag = tag
    return response


def show_facts(_request: web.Request, messages: list[Message]) -> web.Response:
    """The one message, without what only letters need."""
    return show(bare(messages[0]))


def bare(message: Message) -> Message:
    """The message without what only letters need."""
    return {name: value for name, value in message.items() if name not in ("type", "request_id")}


async def _body(request: web.Request) -> Fields:
    raw = await request.read()
    if not raw:
        return {}
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise Problem("not-json")
    return body


def _plain(texts: Iterable[tuple[str, str]]) -> Fields:
    """Texts of an address; those that stand for numbers or decisions become such."""
    fields: Fields = {}
    for name, text in texts:
        plain = text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER
        fields[name] = int(text) if name in NUMBERS and plain else FLAGS.get((name, text), text)
    return fields
