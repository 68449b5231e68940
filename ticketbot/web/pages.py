"""The pages and what they are made of: read once, filled in once, kept in memory."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from html import escape
from pathlib import Path
from string import Template
from typing import NamedTuple

from aiohttp import web

from ticketbot import qr
from ticketbot.domain.tongues import LANGUAGES
from ticketbot.texts import DEFAULT, say
from ticketbot.web.desk import Desk
from ticketbot.web.headers import PAGE_POLICY, WORKER_POLICY

STATIC = Path(__file__).parent / "static"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
# where each file answers
PLACES = {
    "/": "home.html",
    "/t": "ticket.html",
    "/t/page.js": "page.js",
    "/t/page.js.LICENSE.txt": "page.js.LICENSE.txt",
    "/t/page.css": "page.css",
    "/t/icon.svg": "icon.svg",
    "/t/sw.js": "sw.js",
}
FILLED = ("home.html", "ticket.html", "sw.js")
SPOKEN = "home.html"  # filled once in each language; the ticket's page finds its words itself
WORDS = ["issuer", "about", "picture", "open", "ask", "choose", "pay", "show", "lost", "key"]
TYPED = {name: f"<kbd>{name}</kbd>" for name in ("events", "buy", "resend", "help")}


class Page(NamedTuple):
    """One file as it is served."""

    body: bytes
    squeezed: bytes
    headers: Mapping[str, str]
    etag: str

    def answer(self, request: web.Request) -> web.Response:
        """The file, or 304 for a browser that has it already."""
        if any(tag.value == self.etag for tag in request.if_none_match or ()):
            response = web.Response(status=304, headers=self.headers)
        elif "gzip" in request.headers.get("Accept-Encoding", ""):
            headers = {**self.headers, "Content-Encoding": "gzip"}
            response = web.Response(body=self.squeezed, headers=headers)
        else:
            response = web.Response(body=self.body, headers=self.headers)
        response.etag = self.etag
        return response


def read_pages(desk: Desk) -> dict[str, dict[str, Page]]:
    """Every page by its path and its languages, with the bot's name and keys written into it."""
    files = {name: (STATIC / name).read_text("utf-8") for name in PLACES.values()}
    values = {
        "bot_name": escape(desk.bot_name),
        "bot_npub": escape(desk.bot_npub),
        "bot_qr": qr.data_uri(qr.png(f"nostr:{desk.bot_npub}", scale=4, border=2)),
        "ticket_key": desk.ticket_public_key.hex(),
    }
    everything = repr((sorted(files.items()), sorted(values.items()))).encode()
    values["version"] = hashlib.sha256(everything).hexdigest()[:16]

    def page(name: str, language: str) -> Page:
        text = files[name]
        if name in FILLED:
            text = Template(text).substitute(values, **_words(language))
        return _page(name, text.encode())

    return {
        path: {one: page(name, one) for one in (LANGUAGES if name == SPOKEN else (DEFAULT,))}
        for path, name in PLACES.items()
    }


def _words(language: str) -> dict[str, str]:
    """What the front page says, ready to stand in HTML."""
    said = {f"home_{word}": say(f"home-{word}", language, **TYPED) for word in WORDS}
    return {"language": language, **said}


def _page(name: str, body: bytes) -> Page:
    headers = {
        "Content-Type": TYPES[Path(name).suffix],
        "Cache-Control": "no-cache",
        "Vary": "Accept-Encoding, Accept-Language" if name == SPOKEN else "Accept-Encoding",
    }
    if name.endswith(".html"):
        headers["Content-Security-Policy"] = PAGE_POLICY
    if name == "ticket.html":
        headers["X-Robots-Tag"] = "noindex"
    if name == "sw.js":
        headers["Content-Security-Policy"] = WORKER_POLICY
        headers["Service-Worker-Allowed"] = "../t"
    etag = hashlib.sha256(body).hexdigest()[:16]
    return Page(body, gzip.compress(body, mtime=0), headers, etag)
