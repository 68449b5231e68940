"""Letters and notes as nobody would write them: real ones, with something wrong at some layer."""

from __future__ import annotations

import base64
import copy
import json
import os
from collections.abc import Callable
from random import Random
from typing import Any

import orjson
from Crypto.Cipher import AES
from Crypto.Util.Padding import pad

from ticketbot import nip44, secp
from ticketbot.domain.nostr import Event
from ticketbot.errors import Malformed
from ticketbot.keys import Keys, parse_event

ODD_TEXTS = (
    "", " ", "\0", "\n", "NaN", "Infinity", "-Infinity", "1e309", "-1", "0", "٣", "1_000", "0x10",
    "9" * 40, "\ud800", "\u202e", "👩‍👩‍👧", "é" * 300, "null", "true", "[]", "{}", "../..", "%0",
    "lightning:lnbc1", "nostr:npub1", "ffff" * 16, "1900000000", "9" * 20, "2030-02-30",
    "24:00", "Europe/Atlantis", "buy lisbon", "31923:" + "a" * 64 + ":x", "a:b:c:d", "\t\x1b[31m",
)  # fmt: skip
ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 2**31, 2**63, 2**64, -(2**70), float("nan"), float("inf"),
    1e308, [], {}, [[]], [[[[]]]], {"": ""}, [None], ["p"], [["p"]], [["p", None]], [["p", 1]],
)  # fmt: skip
NUMBERS = ("0", "-1", "1.5", "NaN", "1e9", "²", " 5000", "5 000", "0005", "2" * 30, "", "∞", "5000")
EVENT_TAGS = (
    "d", "title", "start", "end", "start_tzid", "end_tzid", "location", "price", "stock", "tier",
    "sales_start", "sales_end", "max_per_buyer", "ephemeral", "status", "t", "p", "a", "e", "image",
)  # fmt: skip
HUGE = 70_000


class Rubbish:
    """A spring of wrong things for one bot, the same for the same seed."""

    def __init__(self, seed: int, bot: str, organizer: Keys) -> None:
        self.chance = Random(seed)
        self._bot = bot
        self._organizer = organizer
        self._writers = [Keys((500 + n).to_bytes(32, "big")) for n in range(12)]
        self._now = 0

    # What relays would bring: None where it could not even be written down, or signed.

    def letter(self, now: int) -> Event | None:
        """A letter to the bot, wrong in one of its layers."""
        self._now = now
        kind = self.chance.choice([self._gift_wrap, self._gift_wrap, self._nip04, self._machine])
        return self._as_relays_bring_it(kind(self.chance.choice(self._writers)))

    def note(self, now: int) -> Event | None:
        """An event note, an edit or a deletion, wrong in its tags, its content or its head."""
        self._now = now
        tags = self._listing_tags()
        for _ in range(self.chance.randint(1, 4)):
            tags = self._bent(tags)
        kind = self.chance.choice([31923, 31923, 31922, 1, 5])
        content = "An evening." if self.chance.random() < 0.5 else self._text("Title: A\nWhen: b")
        at = now if self.chance.random() < 0.9 else self.chance.choice([0, 1, 2**31, 2**40])
        try:
            return self._organizer.sign_event(at, kind, self._clean(tags), content)
        except (TypeError, ValueError):  # half a surrogate pair: no relay could carry it
            return None

    # The layers of a letter.

    def _gift_wrap(self, author: Keys) -> dict[str, Any]:
        wrong = self.chance.choice(["rumor", "rumor", "author", "seal", "inner", "wrap", "outer"])
        named = self.chance.choice(self._writers) if wrong == "author" else author
        rumor: Any = {
            "pubkey": named.pubkey,
            "created_at": self._now,
            "kind": 14,
            "tags": [["p", self._bot]],
            "content": self._words(),
        }
        if wrong == "rumor":
            rumor = self._bend(rumor)
        inner = self._encrypt(author, self._json(rumor), garbled=wrong == "inner")
        tags: Any = [] if wrong != "seal" else self.chance.choice([[], [["p", self._bot]], [[]]])
        seal: Any = self._signed(author, 13 if wrong != "seal" else self._kind(), tags, inner)
        if wrong == "seal":
            seal = self._bend(seal)
        once = self.chance.choice(self._writers)
        outer = self._encrypt(once, self._json(seal), garbled=wrong == "outer")
        wrap = self._signed(once, 1059, [["p", self._bot]], outer)
        return self._bend(wrap) if wrong == "wrap" else wrap

    def _machine(self, author: Keys) -> dict[str, Any]:
        text = self._json(self._bend(self._request()))
        if self.chance.random() < 0.2:
            text = self._text(text)
        content = self._encrypt(author, text, garbled=self.chance.random() < 0.2)
        return self._signed(author, 24133, [["p", self._bot]], content)

    def _nip04(self, author: Keys) -> dict[str, Any]:
        key = secp.shared_x(author.keypair.secret, secp.parse_point(bytes.fromhex(self._bot)))
        nonce = self.chance.randbytes(16)
        plain = self._words().encode(errors="replace") or b"?"
        if self.chance.random() < 0.3:
            plain = self.chance.randbytes(self.chance.randint(1, 50))
        sealed = AES.new(key, AES.MODE_CBC, nonce).encrypt(pad(plain, 16))
        content = f"{base64.b64encode(sealed).decode()}?iv={base64.b64encode(nonce).decode()}"
        if self.chance.random() < 0.7:
            content = self._text(content)
        return self._signed(author, 4, [["p", self._bot]], content)

    def _words(self) -> str:
        said = self.chance.choice(
            ["buy sold-out 2", "refund a@b.example", "status", "events x", "hi"]
        )
        return self._text(said) or "?"

    def _request(self) -> dict[str, Any]:
        kind = self.chance.choice(["events", "buy", "tickets", "status", "cancel", "refund"])
        request: dict[str, Any] = {"type": kind, "request_id": f"m{self.chance.random()}"}
        match kind:
            case "events":
                request |= {"limit": 20, "after": "1900000000:x"}
            case "buy":
                place = f"31923:{self._organizer.pubkey}:{self.chance.choice(['full', 'none'])}"
                request |= {"event_id": place, "quantity": 1, "tier": "VIP"}
            case "status" | "cancel" | "refund":
                request |= {"order_id": "abcdefghijkl", "to": "me@a.example"}
        return request

    # The listing.

    def _listing_tags(self) -> list[Any]:
        begins = self._now + 8 * 86_400
        return [
            ["d", self.chance.choice(["full", "a", "b", "c"])],
            ["title", "Mutant Meetup"],
            ["start", str(begins)],
            ["end", str(begins + 3600)],
            ["start_tzid", "Europe/Lisbon"],
            ["location", "Somewhere"],
            [
                "price",
                self.chance.choice(NUMBERS) if self._seldom() else "5000",
                self.chance.choice(["SAT", "SAT", "SAT", "EUR", ""]),
            ],
            ["stock", "0"],
            ["p", self._bot],
        ]

    def _bent(self, tags: list[Any]) -> list[Any]:
        tags = copy.deepcopy(tags)
        at = self.chance.randrange(len(tags)) if tags else 0
        match self.chance.randrange(7):
            case 0 if tags:
                tags[at] = [tags[at][0] if tags[at] else "", self._odd()]
            case 1 if tags:
                del tags[at]
            case 2:
                name = self.chance.choice(EVENT_TAGS)
                tags.insert(at, [name, *(self._odd() for _ in range(self.chance.randint(0, 5)))])
            case 3 if tags:
                tags += [tags[at]] * self.chance.choice([1, 2, 200])
            case 4 if tags and tags[at]:
                tags[at] = [tags[at][0], self._text(str(tags[at][-1]))]
            case 5:
                tags.append(["tier", self._odd(), self.chance.choice(NUMBERS), "SAT", self._odd()])
            case _:
                tags.append(["status", "cancelled"])
        return tags

    def _odd(self) -> str:
        odd = self.chance.choice(ODD_TEXTS + NUMBERS)
        return odd * (HUGE // 10) if self.chance.random() < 0.01 else odd

    def _clean(self, tags: list[Any]) -> list[list[str]]:
        return [[str(item) for item in tag] for tag in tags]

    # What can be done to anything.

    def _bend(self, value: Any) -> Any:
        """A JSON value with one node somewhere that is something else, or gone, or there twice."""
        value = copy.deepcopy(value)
        holder, key = self._somewhere(value)
        if holder is None:
            return self.chance.choice(ODD_VALUES)
        old = holder[key]
        changes: list[Callable[[], Any]] = [
            lambda: self.chance.choice(ODD_VALUES),
            lambda: self.chance.choice(ODD_TEXTS),
            lambda: self._text(old) if isinstance(old, str) else [old, old],
            lambda: "x" * HUGE if self.chance.random() < 0.1 else {"method": old},
        ]
        holder[key] = self.chance.choice(changes)()
        if isinstance(holder, dict) and self.chance.random() < 0.2:
            del holder[key]
        return value

    def _somewhere(self, value: Any) -> tuple[Any, Any]:
        places: list[tuple[Any, Any]] = []
        todo = [value]
        while todo:
            one = todo.pop()
            if isinstance(one, dict | list):
                keys = list(one) if isinstance(one, dict) else range(len(one))
                places += [(one, key) for key in keys]
                todo += [one[key] for key in keys]
        return self.chance.choice(places) if places else (None, None)

    def _text(self, text: str) -> str:
        at = self.chance.randint(0, len(text))
        rest = text[at:]
        match self.chance.randrange(7):
            case 0:
                return text[:at] + chr(self.chance.randint(0, 0x2FF)) + rest[1:]
            case 1:
                return text[:at]
            case 2:
                return text[:at] + rest[self.chance.randint(0, 9) :]
            case 3:
                return text + text[at:]
            case 4:
                return text[:at] + self.chance.choice(ODD_TEXTS) + rest
            case 5 if self.chance.random() < 0.1:
                return text * (HUGE // (len(text) + 1))
            case _:
                return text.swapcase()

    def _json(self, value: Any) -> str:
        text = json.dumps(value, ensure_ascii=self.chance.random() < 0.5)
        if self.chance.random() < 0.02:
            return "[" * 50_000
        return text

    def _encrypt(self, author: Keys, text: str, *, garbled: bool) -> str:
        to = nip44.conversation(author.keypair.secret, bytes.fromhex(self._bot))
        try:
            payload = nip44.encrypt(to, text, os.urandom(32))
        except Malformed:  # too long, or half a surrogate pair: nobody can encrypt that
            payload = nip44.encrypt(to, "{}", os.urandom(32))
        if not garbled:
            return payload
        if self.chance.random() < 0.5:
            return self._text(payload)
        raw = bytearray(base64.b64decode(payload))
        raw[self.chance.randrange(len(raw))] ^= 1 << self.chance.randrange(8)
        return base64.b64encode(raw).decode()

    def _signed(self, author: Keys, kind: int, tags: Any, content: str) -> dict[str, Any]:
        clean = content.encode(errors="replace").decode()
        return author.sign_event(self._now, kind, tags, clean)._asdict()

    def _kind(self) -> int:
        return self.chance.choice([0, 1, 4, 12, 13, 14, 1059, 65535])

    def _as_relays_bring_it(self, raw: Any) -> Event | None:
        text = self._json(raw)
        try:
            return parse_event(orjson.loads(self._text(text) if self._seldom() else text))
        except (orjson.JSONDecodeError, Malformed):
            return None

    def _seldom(self) -> bool:
        return self.chance.random() < 0.05
