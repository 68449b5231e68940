"""The OpenAPI file, held to the routes both ways, and to a running bot by schemathesis."""

from __future__ import annotations

import asyncio
import itertools
import json
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import schemathesis
from aiohttp import web
from hypothesis import HealthCheck, Phase, given, settings
from requests.auth import AuthBase
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

from tests.story.caller import V1, Caller
from tests.story.cast import Organizer, Stage
from ticketbot.web.api.app import make_api
from ticketbot.web.api.auth import signed_by
from ticketbot.web.api.door import add_door
from ticketbot.web.api.openapi import FILE
from ticketbot.web.api.problems import CODES
from ticketbot.web.app import MOST_LINE_BYTES

DOCUMENT: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
STREAM = "/door/{event}/live"  # it has no end: tests/story/test_door_live.py
KEYS = "/.well-known/jwks.json"  # it is not below /api/v1, and has no errors of its own
EXAMPLES = 6  # of each address and mode
CHECKS = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
MODES = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]


class NoBot:
    """Routes need none until somebody asks."""

    public_url = None

    def now(self) -> float:
        return 0.0


def routes() -> set[tuple[str, str]]:
    app = make_api(NoBot(), 1)  # type: ignore[arg-type]
    add_door(app, NoBot(), signed_by)  # type: ignore[arg-type]
    found = set()
    for route in app.router.routes():
        assert isinstance(route.resource, web.Resource)
        found.add((route.method, route.resource.canonical))
    return found


def described() -> set[tuple[str, str]]:
    return {
        (method.upper(), path)
        for path, methods in DOCUMENT["paths"].items()
        for method in methods.keys() - {"servers"}
    }


def test_every_route_is_described_and_nothing_else() -> None:
    here = {(method, path) for method, path in routes() if method != "HEAD"}
    assert here | {("GET", KEYS)} == described()


def test_every_get_has_its_head() -> None:
    gets = {path for method, path in routes() if method == "GET"} - {STREAM}
    assert {path for method, path in routes() if method == "HEAD"} == gets


def test_what_needs_a_signature_says_so() -> None:
    for path, methods in DOCUMENT["paths"].items():
        for operation in methods.values() if path != KEYS else ():
            unsigned = operation.get("security") == []
            assert unsigned == ("401" not in operation["responses"]), operation["operationId"]


def test_every_code_is_in_the_document() -> None:
    written = json.dumps(DOCUMENT["components"]["responses"])
    assert [code for code in CODES if code != "wrong-method" and f"`{code}`" not in written] == []


def test_operations_have_names_of_their_own() -> None:
    paths = DOCUMENT["paths"]
    names = [paths[path][method.lower()]["operationId"] for method, path in described()]
    assert len(names) == len(set(names))


class TooLong(Exception):
    """A URL that is turned away before anybody reads it: there is no problem in that answer."""


class Signs(AuthBase):
    """Signs what is about to be sent, byte for byte, with the key of who would send it."""

    def __init__(self, operator: Caller, organizer: Caller) -> None:
        self._operator = operator
        self._organizer = organizer

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        parts = urlsplit(request.url or "")
        if len(request.url or "") > MOST_LINE_BYTES - 100:
            raise TooLong
        path = str(parts.path).removeprefix(V1) + (f"?{parts.query}" if parts.query else "")
        body = request.body or b""
        raw = body.encode() if isinstance(body, str) else body
        who = self._organizer if path.startswith(("/organizer/", "/door/")) else self._operator
        header = who.signs(request.method or "", path, raw)
        request.headers["Authorization"] = header
        return request


@pytest.mark.filterwarnings("ignore:Do not use the .random. module")  # the bot does, meanwhile
@pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
# the bot, in the same process, may use chance while an example is drawn
@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisDeprecationWarning")
async def test_the_document_is_true(stage: Stage, organizer: Organizer) -> None:
    """Whatever is sent, the answer is one that the document foretells."""
    await organizer.has_on_sale(stock=None)
    await organizer.has_on_sale("Free Walk", price=None)
    operator = Caller(stage, stage.operator.keys)
    selling = Caller(stage, organizer.keys)
    paid, free = (await operator.gets("/events", signed=False)).body["events"]
    orders = [
        (await operator.posts("/orders", request_id=event["code"], event_id=event["event_id"])).body
        for event in (paid, free)
    ]
    (owed,) = [order for order in orders if order["amount_msat"]]
    await stage.wallet.receive(owed["invoice"])
    async with asyncio.timeout(20):
        while len(tickets := (await operator.gets("/tickets")).body["tickets"]) < 2:
            await asyncio.sleep(0.1)
    real = {
        "event_id": [paid["event_id"], free["code"]],
        "order_id": [order["order_id"] for order in orders],
        "ticket_id": [one["ticket_id"] for one in tickets],
        "code": list(CODES),
        "event": [paid["event_id"], free["code"]],
        "pubkey": [operator.pubkey],
        "to": [Caller(stage).pubkey],
    }
    base = f"http://127.0.0.1:{stage.app.web_port}{V1}"
    seen = await asyncio.to_thread(send_everything, base, Signs(operator, selling), real)
    assert seen.keys() == {operation for operation, _ in names()}
    granted = {name for name, statuses in seen.items() if statuses & {200, 201, 304}}
    assert len(granted) > len(seen) / 2, "tests/story/test_api_whole.py has a success of each"


def names() -> list[tuple[str, str]]:
    return [
        (f"{method} {path}", path) for method, path in described() if path not in (STREAM, KEYS)
    ]


def send_everything(base: str, auth: AuthBase, real: dict[str, list[str]]) -> dict[str, set[int]]:
    """The statuses that each operation was answered with; a check that fails raises."""
    schema = schemathesis.openapi.from_dict(DOCUMENT)
    seen: dict[str, set[int]] = {}
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path in (STREAM, KEYS):
            continue
        name = f"{operation.method.upper()} {operation.path}"
        statuses = seen.setdefault(name, set())
        for mode in MODES:
            number = itertools.count()

            def send(case: schemathesis.Case) -> None:
                turn = next(number)  # noqa: B023  used before the loop goes on
                if turn % 2 == 0:
                    body = case.body if isinstance(case.body, dict) else {}
                    for fields in (case.path_parameters or {}, body):
                        for key in fields.keys() & real.keys():
                            fields[key] = real[key][turn // 2 % len(real[key])]
                with suppress(TooLong):
                    answer = case.call(base_url=base, auth=auth)
                    assert answer.status_code != 500
                    case.validate_response(answer, checks=CHECKS)
                    statuses.add(answer.status_code)  # noqa: B023

            run = settings(
                max_examples=EXAMPLES,
                derandomize=True,
                database=None,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )(given(case=operation.as_strategy(generation_mode=mode))(send))
            try:
                run()
            except Exception as error:
                if type(error).__name__ != "Unsatisfiable":
                    raise
    return seen
