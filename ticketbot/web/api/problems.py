"""Errors as programs read them: `application/problem+json` (RFC 9457), for every error there is."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from aiohttp import web

from ticketbot.errors import Refused, Retry
from ticketbot.redaction import whereabouts
from ticketbot.replies.saying import Manner, sentence
from ticketbot.texts import DEFAULT

CONTENT_TYPE = "application/problem+json"
PREFIX = "/api/v1"
SOON = 5  # seconds after which a ledger that could not be written may be asked again
LATER = 60

# Code → (status, what it means). The first seven are those of machine messages.
CODES: Mapping[str, tuple[int, str]] = {
    "sold-out": (409, "The seats are sold, or held by others just now."),
    "unknown-event": (404, "No event has this id or code."),
    "not-on-sale": (409, "The event is not on sale now."),
    "too-many": (409, "More tickets or open orders than are allowed."),
    "bad-request": (422, "A field is missing, or has a value that it cannot have."),
    "try-later": (503, "Not now: ask again later."),
    "not-yours": (403, "This is not yours to see or to do."),
    "not-json": (400, "The body cannot be read as a JSON object."),
    "sign-in": (401, "The request is not signed (NIP-98), or not rightly."),
    "not-found": (404, "There is nothing at this address."),
    "wrong-method": (405, "This address does not take this method."),
    "too-large": (413, "The body is longer than is read."),
    "slow-down": (429, "Too many requests within a minute."),
    "broken": (500, "The bot failed; its operator finds why in its log."),
}
OTHERWISE = (409, "The request cannot be granted.")

_OF_STATUS = {404: "not-found", 405: "wrong-method", 413: "too-large"}

log = structlog.get_logger()


class Problem(Exception):
    """A request that is answered with an error. `code` is one of `CODES`, `detail` a sentence."""

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(code)
        usual, meaning = CODES.get(code, OTHERWISE)
        self.code = code
        self.status = status or usual
        self.detail = detail or meaning
        self.headers = dict(headers or {})
        self.members = members

    def answer(self) -> web.Response:
        """The error as its response."""
        if self.status == 503:
            self.headers.setdefault("Retry-After", str(LATER))
        body = {
            "type": f"{PREFIX}/problems/{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            **self.members,
        }
        return web.Response(
            body=orjson.dumps(body),
            status=self.status,
            content_type=CONTENT_TYPE,
            headers=self.headers,
        )


def from_message(error: Mapping[str, Any]) -> Problem:
    """The problem in an `error` of the machine messages."""
    known = {"type", "request_id", "code", "message"}
    more = {name: value for name, value in error.items() if name not in known}
    return Problem(str(error["code"]), str(error["message"]), **more)


def from_refusal(refused: Refused, language: str = DEFAULT) -> Problem:
    """The problem in a refusal, said in this language; `field` where one of them is wrong."""
    said = sentence(refused, Manner(language=language))
    if "field" not in refused.values:
        return Problem(refused.code, said)
    return Problem(refused.code, said, field=refused.values["field"])


def from_http(error: web.HTTPException) -> Problem:
    """The problem in an error that aiohttp found: no such route, wrong method, too long a body."""
    code = _OF_STATUS.get(error.status, "bad-request")
    kept = {name: error.headers[name] for name in ("Allow",) if name in error.headers}
    return Problem(code, status=error.status, headers=kept)


def from_failure(error: Exception, route: str) -> Problem:
    """The problem in whatever else went wrong; only the log says what."""
    if isinstance(error, Retry):
        return Problem("try-later", headers={"Retry-After": str(SOON)})
    log.error("api.failed", route=route, where=whereabouts(error))
    return Problem("broken")
