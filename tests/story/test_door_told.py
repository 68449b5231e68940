"""What scanners tell later, what they are told to judge by, and what is counted of it all."""

from __future__ import annotations

import json

import aiohttp
import pytest

from tests.story.cast import HOUR, Organizer, Person, Stage
from tests.story.scanner import Json, Scanner, a_secret, free_tickets, id_of, opens_soon
from tests.story.test_protocol_document import of, shape
from ticketbot.domain.ticket import read_token


def told(token: str, nonce: str, at: int, **fields: object) -> Json:
    return {"ticket": token, "nonce": nonce, "at": at, **fields}


async def test_scans_without_a_network_are_facts(
    stage: Stage, scanner: Scanner, alice: Person
) -> None:
    """Two doors without a network let one ticket in: both are noted, the earlier one counts."""
    token, other = await free_tickets(alice, "lisbon 2")
    now = int(stage.clock())
    second = await scanner.tells(told(token, "gate-b-01", now - 60, gate="B"))
    assert [one["outcome"] for one in second] == ["admitted"]
    first = told(token, "gate-a-01", now - 300, gate="A")
    fine = told(other, "gate-a-02", now - 200, gate="A")
    results = await scanner.tells(first, fine)
    assert [one["outcome"] for one in results] == ["already-used", "admitted"]
    assert [one["conflict"] for one in results] == [True, False]
    assert (results[0]["entered_at"], results[0]["entered_gate"]) == (now - 300, "A")
    assert results[0]["state"] == "admitted"
    seen = await scanner.scans("check-in", token, gate="C")
    assert (seen["outcome"], seen["entered_gate"]) == ("already-used", "A")
    assert await scanner.tells(first, fine) == results
    assert (await scanner.gets("counts"))["total"]["inside"] == 2


async def test_an_entry_that_is_told_too_late_does_not_bring_a_returned_ticket_back(
    stage: Stage, organizer: Organizer, scanner: Scanner, alice: Person
) -> None:
    """docs/door.md: what was given back before stays given back; the scan is noted all the same."""
    (token,) = await free_tickets(alice, "lisbon 1")
    entered = int(stage.clock())
    stage.clock.forward(60)
    await organizer.says(f"give back lisbon {id_of(stage, token)} yes")
    await organizer.hears("is void")
    (late,) = await scanner.tells(told(token, "too-late-1", entered))
    assert (late["outcome"], late["conflict"], late["state"]) == ("void", True, "void")
    assert (await scanner.gets("counts"))["total"]["inside"] == 0


async def test_what_is_told_late_takes_nobody_out(
    stage: Stage, scanner: Scanner, alice: Person
) -> None:
    (token,) = await free_tickets(alice, "lisbon 1")
    now = int(stage.clock())
    assert (await scanner.scans("check-in", token))["outcome"] == "admitted"
    for kind in ("undo", "checkout"):
        (late,) = await scanner.tells(told(token, f"late-{kind}", now - 900, kind=kind))
        assert (late["outcome"], late["conflict"], late["state"]) == ("overtaken", True, "admitted")
    (gone,) = await scanner.tells(told(token, "left-later", now + 5, kind="checkout"))
    assert gone["outcome"] == "left"
    (before,) = await scanner.tells(told(token, "came-early", now - 900))
    assert (before["outcome"], before["state"]) == ("already-used", "out")


async def test_a_queue_with_rubbish_in_it(stage: Stage, scanner: Scanner, alice: Person) -> None:
    (token,) = await free_tickets(alice, "lisbon 1")
    now = int(stage.clock())
    results = await scanner.tells(
        7,
        {},
        told(token, "short", now),
        told(token, "nonce-0001", -1),
        told(token, "nonce-0001", True),  # type: ignore[arg-type]
        told(token, "nonce-0001", now, kind="steal"),
        told(token, "nonce-0001", now, kind=["check-in"]),
        {"ticket": token, "at": now},
        told("not a ticket", "nonce-0002", now),
        told(token, "nonce-0003", now + 10**6, gate="<script>"),
        told(token, "nonce-0003", now, kind="checkout"),
    )
    *wrong, rubbish, good, other = results
    assert [one["error"] for one in wrong] == ["bad-request"] * 8
    assert rubbish["outcome"] == "unreadable"
    assert (good["outcome"], good["gate"]) == ("admitted", "script")
    assert good["at"] <= int(stage.clock())
    assert other["error"] == "bad-request"


@pytest.mark.parametrize("scans", [None, [], {}, "x", [1] * 501])
async def test_a_queue_that_is_none(scanner: Scanner, scans: object) -> None:
    assert (await scanner.sends("scans", {"scans": scans}))["code"] == "bad-request"


async def test_a_queue_is_as_long_as_a_door_is_without_a_network(
    stage: Stage, scanner: Scanner, alice: Person
) -> None:
    tokens = await free_tickets(alice)
    now = int(stage.clock())
    scans = [told(tokens[n % 10], f"nonce-{n:04}", now - 500 + n) for n in range(500)]
    results = await scanner.tells(*scans)
    assert [one["outcome"] for one in results].count("admitted") == 10
    assert await scanner.tells(*scans) == results
    assert (await scanner.sends("scans", {"scans": ["x" * 600_000]}))["code"] == "too-large"


# lists and counts


async def test_the_list_is_enough_to_judge_and_names_nobody(
    stage: Stage, scanner: Scanner, alice: Person
) -> None:
    token, _ = await free_tickets(alice, "lisbon 2")
    listed = await scanner.gets("list")
    etag = scanner.headers["ETag"]
    (key,) = listed["keys"]
    claims = read_token(token, bytes.fromhex(key["public_key"]))
    assert claims.event.hex() == listed["event_hash"]
    assert listed["opens"] == listed["start"] - 6 * HOUR
    assert listed["ends"] == listed["end"]
    assert (listed["void"], listed["versions"]) == ([], {})
    assert alice.pubkey not in json.dumps(listed)
    assert await scanner.gets("list", **{"If-None-Match": etag}) == {}
    assert scanner.status == 304
    await scanner.scans("check-in", token)
    await scanner.gets("list", **{"If-None-Match": etag})
    assert scanner.status == 304
    assert (await scanner.gets("list?used=1"))["used"] == [claims.ticket_id]


async def test_counts_by_tier_and_gate(
    stage: Stage, organizer: Organizer, http: aiohttp.ClientSession, alice: Person
) -> None:
    await opens_soon(organizer, tier=[["VIP", "0", "SAT", "5"], ["Stalls", "0", "SAT"]])
    scanner = Scanner(http, await a_secret(organizer))
    vip = await free_tickets(alice, "lisbon vip 2")
    stalls = await free_tickets(alice, "lisbon stalls 3")
    for token, gate in zip([*vip, *stalls], "AABBB", strict=True):
        await scanner.scans("check-in", token, gate=gate)
    await scanner.scans("checkout", stalls[0], gate="A")
    await scanner.scans("undo", stalls[1], gate="C")
    counts = await scanner.gets("counts")
    assert counts["total"] == {"admitted": 4, "inside": 3, "left": 1, "sold": 5}
    assert counts["by_tier"] == {
        "Stalls": {"admitted": 2, "inside": 1, "left": 1, "sold": 3},
        "VIP": {"admitted": 2, "inside": 2, "left": 0, "sold": 2},
    }
    assert counts["by_gate"] == {
        "A": {"admitted": 2, "returned": 0, "left": 1},
        "B": {"admitted": 2, "returned": 0, "left": 0},
    }


async def test_answers_are_as_the_document_prints_them(
    stage: Stage, scanner: Scanner, alice: Person
) -> None:
    counts = await scanner.gets("counts")
    assert [shape(counts)] == [shape(one) for one in of("counted")]
    (token,) = await free_tickets(alice, "lisbon 1")
    seen = await scanner.scans("check-in", token, gate="B")
    assert [shape(seen)] == [shape(one) for one in of("seen")]
    assert [shape(await scanner.gets("list"))] == [shape(one) for one in of("checklist")]
