"""The headers that every response carries, what the pages may do, and what a browser asks for."""

from __future__ import annotations

import re
from collections.abc import Collection

from aiohttp import web

# A page runs its own script and style, shows pictures of its own, and talks to nobody.
PAGE_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'none'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types ticketbot",
    )
)
# The worker keeps the page's own files for a door without network.
WORKER_POLICY = "default-src 'none'; connect-src 'self'"

EVERYWHERE = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

WISH = re.compile(r"\s*([a-z]{2})(?:-[a-z0-9-]*)?\s*(?:;\s*q=([01](?:\.[0-9]{0,3})?)\s*)?", re.I)


def wished_language(accepted: str, known: Collection[str]) -> str:
    """What an Accept-Language (RFC 9110) likes best of the `known` languages; else the first."""
    liked = {next(iter(known)): 0.0}
    for wish in map(WISH.fullmatch, accepted.split(",")):
        if wish is not None and (name := wish[1].lower()) in known:
            liked[name] = max(liked.get(name, 0.0), float(wish[2] or 1))
    return max(liked, key=liked.__getitem__)


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Fill in what a handler left open; errors, too, pass through here."""
    for name, value in EVERYWHERE.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["Server"] = "ticketbot"
