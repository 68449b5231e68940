"""Lists, filters and pages over HTTP; what is asked wrongly; what pages elsewhere may do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import quote

import orjson
import pytest

from tests.story.caller import Caller
from tests.story.cast import DAY, WEEK, Organizer, Stage
from ticketbot.ledger import outbox
from ticketbot.web.api.problems import CODES
from ticketbot.web.app import MOST_BODY_BYTES


@pytest.fixture
def carol(stage: Stage) -> Caller:
    return Caller(stage)


@pytest.fixture
async def shop(stage: Stage, organizer: Organizer) -> int:
    """Five events, a day apart; when the first starts."""
    first = int(stage.clock()) + WEEK
    for number, (title, more) in enumerate(
        [
            ("Lisbon Meetup", {"t": [["bitcoin"], ["meetup"]]}),
            ("Porto Dinner", {"price": None, "t": "food"}),
            ("Faro Walk", {"price": ["900", "SAT"], "location": "Lisbon Road, Faro"}),
            ("Évora Fado ¡Olé! 🎻", {"price": ["7000", "SAT"], "t": "müsic"}),
            ("Sintra Day", {"tier": [["GA", "8000", "SAT"], ["VIP", "90000", "SAT", "3"]]}),
        ]
    ):
        start = first + number * DAY
        await organizer.has_on_sale(title, **{"start": start, "end": start + 3600, **more})
    return first


async def titles(carol: Caller, query: str = "") -> list[str]:
    found = await carol.gets(f"/events{query}", signed=False)
    assert found.status == 200, found
    return [event["title"].split()[0] for event in found.body["events"]]


async def test_filters(carol: Caller, shop: int) -> None:
    assert await titles(carol) == ["Lisbon", "Porto", "Faro", "Évora", "Sintra"]
    for query, found in {
        "?words=LISBON": ["Lisbon", "Faro"],
        "?words=lisbon+meetup": ["Lisbon"],
        "?words=%C3%A9vora": ["Évora"],
        "?category=Food": ["Porto"],
        "?category=M%C3%9CSIC": ["Évora"],
        "?category=foo": [],
        "?words=%25": [],
        "?words=%F0%9F%8E%BB": ["Évora"],
        "?max_price_msat=0": ["Porto"],
        "?min_price_msat=1&max_price_msat=900000": ["Faro"],
        "?min_price_msat=90000000": ["Sintra"],
        "?min_price_msat=7000000&max_price_msat=8000000": ["Évora", "Sintra"],
        f"?from={shop + DAY}": ["Porto", "Faro", "Évora", "Sintra"],
        f"?from={shop + DAY}&to={shop + 2 * DAY}": ["Porto", "Faro"],
        f"?to={shop - 1}": [],
        f"?from={shop + 2 * DAY}&words=lisbon&limit=1": ["Faro"],
        "?unknown=1&words=": ["Lisbon", "Porto", "Faro", "Évora", "Sintra"],
    }.items():
        assert await titles(carol, query) == found, query


async def test_pages(carol: Caller, shop: int) -> None:
    for filters in ("", f"&from={shop}", "&min_price_msat=0"):
        seen: list[str] = []
        path = f"/events?limit=2{filters}"
        while True:
            page = (await carol.gets(path, signed=False)).body
            assert len(page["events"]) <= 2
            seen += [event["code"] for event in page["events"]]
            if page["next"] is None:
                break
            path = f"/events?limit=2{filters}&after={quote(page['next'])}"
        assert len(seen) == len(set(seen)) == 5


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=2.5",
        "limit=ten",
        "limit=99999999999999999999",
        "limit=%D9%A2",  # a digit, and not ours
        "min_price_msat=-1",
        "max_price_msat=free",
        "from=tomorrow",
        "to=1e9",
        "after=nonsense",
        "after=" + "1" * 500,
        "words=" + "x" * 201,
        "category=" + "x" * 101,
    ],
)
async def test_a_wrong_filter_is_named(carol: Caller, query: str) -> None:
    wrong = await carol.gets(f"/events?{query}", signed=False)
    assert (wrong.status, wrong.code) == (422, "bad-request")
    assert query.partition("=")[0] in wrong.body["detail"] or query.startswith("after=n")


async def test_one_event_by_id_and_by_code(carol: Caller, shop: int) -> None:
    by_code = await carol.gets("/events/sintra", signed=False)
    assert by_code.status == 200
    assert [tier["name"] for tier in by_code.body["tiers"]] == ["GA", "VIP"]
    assert by_code.body["organizer"] == carol.stage.organizer.pubkey
    by_id = await carol.gets(f"/events/{by_code.body['event_id']}", signed=False)
    assert by_id.body == by_code.body


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/events/nowhere", b"", 404, "unknown-event"),
        ("GET", "/events/%00", b"", 404, "unknown-event"),
        ("GET", "/events/%FF%FE", b"", 404, "unknown-event"),
        ("GET", "/events/a%2Fb", b"", 404, "unknown-event"),
        ("GET", "/events/" + "x" * 301, b"", 422, "bad-request"),
        ("GET", "/nothing", b"", 404, "not-found"),
        ("GET", "/../../health", b"", 404, "not-found"),
        ("GET", "/events/a/b/c", b"", 404, "not-found"),
        ("DELETE", "/events", b"", 405, "wrong-method"),
        ("PATCH", "/orders", b"", 405, "wrong-method"),
        ("GET", "/validate", b"", 405, "wrong-method"),
        ("POST", "/validate", b"", 422, "bad-request"),
        ("POST", "/validate", b"[]", 400, "not-json"),
        ("POST", "/validate", b"{", 400, "not-json"),
        ("POST", "/validate", b'{"ticket": "\xff"}', 400, "not-json"),
        ("POST", "/validate", b'{"ticket": "\\ud800"}', 400, "not-json"),
        ("POST", "/validate", b'{"ticket": NaN}', 400, "not-json"),
        ("POST", "/validate", b'{"ticket": 7}', 422, "bad-request"),
        ("POST", "/validate", b'{"ticket": "' + b"x" * 2_001 + b'"}', 422, "bad-request"),
        ("POST", "/validate", b'{"ticket": "x", "event_id": []}', 422, "bad-request"),
        ("POST", "/validate", b"[" * 10_000, 400, "not-json"),
        ("POST", "/validate", b"x" * (MOST_BODY_BYTES + 1), 413, "too-large"),
        ("GET", "/problems/nonsense", b"", 404, "not-found"),
    ],
)
async def test_what_is_asked_wrongly(
    carol: Caller, method: str, path: str, body: bytes, status: int, code: str
) -> None:
    answer = await carol.sends(method, path, body, signed=False)
    assert (answer.status, answer.code) == (status, code)
    assert path not in answer.body["detail"]
    if status == 405:
        assert answer.headers["Allow"]


async def test_a_huge_body_is_not_read_to_its_end(carol: Caller) -> None:
    answer = await carol.sends("POST", "/orders", b"x" * 2_000_000)
    assert (answer.status, answer.code) == (413, "too-large")


@pytest.mark.parametrize(
    ("ticket", "reason"),
    [
        ("hello", "not-a-ticket"),
        ("TKT1:", "damaged"),
        ("TKT9:ABC", "unknown-version"),
        ("<script>alert(1)</script>", "not-a-ticket"),
        ("=cmd|' /C calc'!A0", "not-a-ticket"),
        ("TKT1:" + "A" * 188, "unknown-version"),
        ("ＴＫＴ１：ＡＢＣ", "not-a-ticket"),
        ("\u202eTKT1:\u0000", "not-a-ticket"),
        ("eyJhbGciOiJub25lIn0.e30.", "bad-signature"),
        ("a.b.c", "damaged"),
    ],
)
async def test_what_is_no_ticket(carol: Caller, ticket: str, reason: str) -> None:
    answer = await carol.posts("/validate", signed=False, ticket=ticket)
    assert answer.status == 200
    assert (answer.body["valid"], answer.body["reason"]) == (False, reason)
    assert "<" not in answer.body["message"]


async def test_every_code_is_explained(carol: Caller) -> None:
    for code, (status, meaning) in CODES.items():
        told = await carol.gets(f"/problems/{code}", signed=False)
        assert told.body == {"code": code, "status": status, "meaning": meaning}


async def test_a_page_elsewhere_may_ask(carol: Caller) -> None:
    asked = await carol.sends(
        "OPTIONS",
        "/orders",
        signed=False,
        Origin="https://shop.example",
        Access_Control_Request_Method="POST",
        Access_Control_Request_Headers="authorization,content-type",
    )
    assert asked.status == 204
    assert asked.headers["Access-Control-Allow-Origin"] == "*"
    assert "Authorization" in asked.headers["Access-Control-Allow-Headers"]
    assert "POST" in asked.headers["Access-Control-Allow-Methods"]
    assert "Access-Control-Allow-Credentials" not in asked.headers
    for path in ("/events", "/tickets", "/nothing"):
        answer = await carol.gets(path, signed=False, Origin="https://shop.example")
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert "Set-Cookie" not in answer.headers
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    plain = await carol.sends("OPTIONS", "/orders", signed=False)
    assert (plain.status, plain.code) == (405, "wrong-method")


async def test_what_is_public_may_be_kept_for_a_moment(carol: Caller, shop: int) -> None:
    for path in ("/events", "/events/sintra", "/openapi.json", "/problems/sold-out"):
        first = await carol.gets(path, signed=False)
        assert first.headers["Cache-Control"].startswith("public, max-age=")
        again = await carol.gets(path, signed=False, If_None_Match=first.headers["ETag"])
        assert (again.status, again.body) == (304, b"")
        old = await carol.gets(path, signed=False, If_None_Match='"other"')
        assert old.status == 200
    for path in ("/tickets", "/organizer/events", "/nothing", "/events/nowhere"):
        assert (await carol.gets(path)).headers["Cache-Control"] == "no-store"


async def test_a_head_is_a_get_without_its_body(carol: Caller, shop: int) -> None:
    for path in ("/events", "/tickets", "/openapi.json"):
        answer = await carol.sends("HEAD", path)
        assert (answer.status, answer.body) == (200, b""), path


async def test_a_bug_is_a_problem_too(
    stage: Stage, carol: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*args: object) -> None:
        raise RuntimeError("npub1secret")

    monkeypatch.setattr(stage.app.window, "ask", fails)
    answer = await carol.gets("/events", signed=False)
    assert (answer.status, answer.code) == (500, "broken")
    assert "secret" not in str(answer)


@pytest.mark.parametrize("down", ["down", "refuses_key"])
async def test_a_wallet_that_is_away_is_said(stage: Stage, down: str) -> None:
    operator = Caller(stage, stage.operator.keys)
    setattr(stage.wallet, down, True)
    answer = await operator.gets("/operator/balance")
    assert (answer.status, answer.code) == (503, "try-later")
    assert int(answer.headers["Retry-After"]) > 0


async def test_newcomers_who_only_look_leave_no_row(stage: Stage, carol: Caller) -> None:
    before = await stage.app.store.transaction(lambda tx: tx.row("SELECT count(*) FROM person"))
    for path in ("/tickets", "/orders/x", "/organizer/events", "/events"):
        await carol.gets(path)
    after = await stage.app.store.transaction(lambda tx: tx.row("SELECT count(*) FROM person"))
    assert before == after


@pytest.mark.choices(newcomers=1)
async def test_too_many_newcomers_are_asked_to_come_later(
    stage: Stage, organizer: Organizer
) -> None:
    await organizer.has_on_sale(stock=None)
    (event,) = (await Caller(stage).gets("/events", signed=False)).body["events"]
    wish = {"request_id": "r", "event_id": event["event_id"]}
    answers = [await Caller(stage).posts("/orders", **wish) for _ in range(12)]
    late = [one for one in answers if one.status == 503]
    assert late
    assert late[0].code == "try-later"
    assert [one for one in answers if one.status == 201]


async def over_http(stage: Stage, operator: Caller, name: str) -> None:
    mended = await operator.posts("/operator/stuck/retry", name=name)
    assert mended.body["retried"] == 1


async def by_message(stage: Stage, operator: Caller, name: str) -> None:
    await stage.operator.says("stuck")
    assert name in await stage.operator.hears("Put aside")
    await stage.operator.says("retry all")
    await stage.operator.hears("Tried again now: 1")


async def by_command(stage: Stage, operator: Caller, name: str) -> None:
    assert name in (await stage.app.engine.command("stuck")).text
    assert "Tried again now: 1" in (await stage.app.engine.command(f"retry {name}")).text


@pytest.mark.parametrize("retried", [over_http, by_message, by_command])
async def test_a_put_aside_letter_is_heard_again(
    stage: Stage,
    organizer: Organizer,
    monkeypatch: pytest.MonkeyPatch,
    retried: Callable[[Stage, Caller, str], Awaitable[None]],
) -> None:
    """A handler failed; it was mended; the operator has the letter read again."""
    from ticketbot import handlers
    from ticketbot.domain import command as c

    alice, operator = await stage.enters(), Caller(stage, stage.operator.keys)

    def fails(*args: object) -> None:
        raise RuntimeError("a bug")

    with monkeypatch.context() as bug:
        bug.setitem(handlers.COMMANDS, c.Thanks, fails)
        await alice.says("thanks")
        for _ in range(50):
            stuck = (await operator.gets("/operator/stuck")).body["stuck"]
            if stuck:
                break
    (row,) = stuck
    assert (row["kind"], row["name"].partition(":")[0]) == ("inbox", "inbox")
    await retried(stage, operator, row["name"])
    await alice.hears("You are welcome")
    assert (await operator.gets("/operator/stuck")).body["stuck"] == []


async def test_a_put_aside_message_is_sent_after_all(stage: Stage) -> None:
    """It failed three times and was put aside; the operator names it, and it goes out."""
    alice, operator = await stage.enters(), Caller(stage, stage.operator.keys)
    now = int(stage.clock())
    body = {"to": alice.pubkey, "via": "nip17", "at": now, "until": now + DAY, "text": "At last."}
    body["mould"] = (bytes(32).hex(), now)
    await stage.app.store.transaction(
        lambda tx: outbox.quarantine(tx, "message", "stuck:1", "bug", orjson.dumps(body), now)
    )
    (row,) = (await operator.gets("/operator/stuck")).body["stuck"]
    assert (row["name"], row["kind"], row["key"]) == ("put-aside:1", "message", "stuck:1")
    assert (await operator.posts("/operator/stuck/retry", name="put-aside:2")).status == 422
    assert (await operator.posts("/operator/stuck/retry", name="put-aside:1")).status == 200
    assert await alice.hears() == "At last."
    assert (await operator.gets("/operator/stuck")).body["stuck"] == []
