"""The ticket's page in a real browser, on a phone-sized screen."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Literal, NamedTuple

import pytest
import pytest_asyncio
import zxingcpp
from PIL import Image
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from tests.real.browser import PHONE, chromium
from ticketbot.domain.ticket import LAST_MOMENT, Claims, TicketKey, ticket_link
from ticketbot.metrics import Metrics
from ticketbot.web.app import make_app, serve

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEY = TicketKey.from_bytes(bytes(range(32)))
CLAIMS = Claims("aebagbafaydqqcik", bytes(8), bytes(16), 1_798_761_600, LAST_MOMENT, bytes(8), 3)
TOKEN = KEY.sign(CLAIMS)
CODE = "AEBA-GBAF-AYDQ-QCIK"
START = 1_803_927_600  # 2027-03-01 19:00 in Lisbon


class SmallDesk:
    bot_name = "Lisbon Tickets"
    bot_npub = "npub180cvv07tjdrrgpa0j7j7tmnyl2yr6yr7l8j4s3evf6u64th6gkwsyjh6w6"
    ticket_public_key = KEY.public

    async def health(self) -> tuple[bool, dict[str, object]]:
        return True, {}

    async def ticket_page(self, _capability: str) -> bytes | None:
        return None

    async def calendar_file(self, _capability: str) -> bytes | None:
        return None

    async def ticket_token(self, _capability: str) -> str | None:
        return None


class Visit(NamedTuple):
    """One tab on the page, and every complaint of the browser about it."""

    page: Page
    url: str
    complaints: list[str]

    async def opens(self, address: str) -> None:
        await self.page.goto("about:blank")
        await self.page.goto(address)

    async def sees(self, name: str, text: str) -> None:
        await expect(self.page.locator(name)).to_have_text(text)

    async def scans(self) -> str:
        """What a scanner reads from the screen; `no code` when there is none."""
        picture = Image.open(io.BytesIO(await self.page.screenshot(animations="disabled")))
        assert picture.size == (PHONE["width"], PHONE["height"])
        codes = zxingcpp.read_barcodes(picture)
        return codes[0].text if codes else "no code"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def url() -> AsyncIterator[str]:
    async with serve(make_app(SmallDesk(), Metrics()), "127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def phone(browser: Browser) -> AsyncIterator[BrowserContext]:
    context = await browser.new_context(viewport=PHONE, locale="en-GB", timezone_id="Asia/Tokyo")
    yield context
    await context.close()


@pytest_asyncio.fixture(loop_scope="module")
async def visit(phone: BrowserContext, url: str) -> AsyncIterator[Visit]:
    page = await phone.new_page()
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        complaints.append(f"{message.type}: {message.text}")

    page.on("console", note)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
    yield Visit(page, url, complaints)
    await page.close()
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_page_shows_a_code_that_scans_to_the_same_token(
    visit: Visit, scheme: Literal["light", "dark"]
) -> None:
    await visit.page.emulate_media(color_scheme=scheme)
    await visit.opens(ticket_link(visit.url, TOKEN))
    await visit.sees("#state", "Genuine")
    assert await visit.scans() == TOKEN
    await visit.sees("#code", CODE)
    await visit.sees("#version", "3")
    await visit.sees("#title", "Your ticket")
    await visit.sees("#expires", "7 Feb 2106")
    await expect(visit.page.locator("#when")).to_be_hidden()


async def test_the_link_tells_the_event_in_its_own_time_zone(visit: Visit) -> None:
    link = ticket_link(visit.url, TOKEN, "Meetup & Música", START, "Europe/Lisbon", "Rua A, 1")
    await visit.opens(link)
    await visit.sees("#state", "Genuine")
    await visit.sees("#title", "Meetup & Música")
    await visit.sees("#when", "Mon, 1 March 2027 · 19:00 WET")
    await visit.sees("#where", "Rua A, 1")
    assert await visit.scans() == TOKEN
    assert await visit.page.title() == "Meetup & Música"


@pytest.mark.parametrize(
    ("start", "zone", "shown"),
    [
        ("2027-03-01", "", "Mon, 1 March 2027"),
        (START, "", "Tue, 2 March 2027 · 04:00 GMT+9"),
        (START, "Atlantis/Capital", "Mon, 1 March 2027 · 19:00 UTC"),
        ("2027-99-99", "", ""),
        ("tomorrow", "", ""),
        (99_999_999_999_999, "", ""),
    ],
)
async def test_odd_times_are_shown_or_left_out(
    visit: Visit, start: int | str, zone: str, shown: str
) -> None:
    await visit.opens(ticket_link(visit.url, TOKEN, "Meetup", start, zone))
    await visit.sees("#state", "Genuine")
    await visit.sees("#when", shown)


async def test_markup_in_the_link_is_only_text(visit: Visit) -> None:
    evil = "<img src=x onerror=alert(1)><script>alert(2)</script>\"'&lt;"
    await visit.opens(ticket_link(visit.url, TOKEN, evil, START, evil, evil))
    await visit.sees("#state", "Genuine")
    await visit.sees("#title", evil)
    await visit.sees("#where", evil)
    assert await visit.page.locator("img, .stub script").count() == 0


async def test_characters_that_reorder_text_are_dropped(visit: Visit) -> None:
    await visit.opens(
        f"{visit.url}/t#{TOKEN}&e=VIP%E2%80%AEtcelloc&p=%00%07here&w=%zz&__proto__=x&&="
    )
    await visit.sees("#state", "Genuine")
    await visit.sees("#title", "VIP tcelloc")
    await visit.sees("#where", "here")


FORGED = TicketKey.from_bytes(b"\7" * 32).sign(CLAIMS)
OLD = KEY.sign(CLAIMS._replace(expires_at=1_700_000_000))


@pytest.mark.parametrize(
    ("token", "title", "sentence"),
    [
        (FORGED, "Not genuine", "its signature is wrong"),
        (TOKEN[:60] + "ABC" + TOKEN[63:], "Not genuine", "its signature is wrong"),
        (TOKEN[:-2], "Damaged", "Open the link again"),
        (TOKEN[:-1] + "7", "Damaged", "Open the link again"),
        (TOKEN[:50] + "%" + TOKEN[50:], "Damaged", "Open the link again"),
        ("TKT9:AAAA", "Unknown kind", "cannot read"),
        ("hello", "No ticket here", "carries no ticket"),
        ("", "No ticket here", "arrives as a message"),
    ],
)
async def test_a_bad_ticket_gets_a_sentence_and_no_code(
    visit: Visit, token: str, title: str, sentence: str
) -> None:
    await visit.opens(ticket_link(visit.url, token, "Meetup", START))
    await visit.sees("#title", title)
    await expect(visit.page.locator("#sentence")).to_contain_text(sentence)
    await expect(visit.page.locator("#qr")).to_be_hidden()
    assert await visit.scans() == "no code"


async def test_an_expired_ticket_says_so(visit: Visit) -> None:
    await visit.opens(ticket_link(visit.url, OLD))
    await visit.sees("#state", "Expired")


@pytest.mark.parametrize("locale", ["es-ES", "es-419"])
async def test_who_reads_spanish_gets_the_page_in_spanish(
    browser: Browser, url: str, locale: str
) -> None:
    """Every sentence of it, and dates as they are written there."""
    context = await browser.new_context(viewport=PHONE, locale=locale)
    page = await context.new_page()
    await page.goto(ticket_link(url, TOKEN, "Noche de fado", START, "Europe/Lisbon", "Rua A, 1"))
    await expect(page.locator("#state")).to_have_text("Auténtica")
    await expect(page.locator("#when")).to_contain_text("marzo")
    await expect(page.locator("#sentence")).to_have_text(
        "Firmada por Lisbon Tickets. Si ya se usó, lo sabe la puerta."
    )
    english = {"When", "Where", "Valid until", "Version", "Print"}
    assert not english & set((await page.locator("body").inner_text()).splitlines())
    assert (await page.locator("html").get_attribute("lang") or "").startswith("es")
    assert await page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    for token, title in ((OLD, "Caducada"), (FORGED, "No es auténtica"), ("", "Aquí no hay")):
        await page.goto("about:blank")
        await page.goto(ticket_link(url, token))
        name = "#state" if token == OLD else "#title"
        await expect(page.locator(name)).to_contain_text(title)
    await context.close()


async def test_who_reads_neither_gets_english(browser: Browser, url: str) -> None:
    context = await browser.new_context(viewport=PHONE, locale="de-DE")
    page = await context.new_page()
    await page.goto(ticket_link(url, TOKEN))
    await expect(page.locator("#state")).to_have_text("Genuine")
    await context.close()


async def test_a_broken_up_lower_case_token_is_mended(visit: Visit) -> None:
    await visit.opens(f"{visit.url}/t#{TOKEN[:80].lower()}%0A{TOKEN[80:].lower()}")
    await visit.sees("#state", "Genuine")
    assert await visit.scans() == TOKEN


async def test_another_link_in_the_same_tab_shows_the_other_ticket(visit: Visit) -> None:
    other = KEY.sign(CLAIMS._replace(ticket_id="a" * 16))
    await visit.opens(ticket_link(visit.url, FORGED))
    await visit.sees("#title", "Not genuine")
    await visit.page.goto(ticket_link(visit.url, other))
    await visit.sees("#code", "AAAA-AAAA-AAAA-AAAA")
    await visit.sees("#title", "Your ticket")
    assert await visit.scans() == other


async def test_a_browser_that_cannot_check_says_so(visit: Visit) -> None:
    await visit.page.add_init_script("delete Crypto.prototype.subtle")
    await visit.opens(ticket_link(visit.url, TOKEN))
    await visit.sees("#state", "Not checked")
    assert await visit.scans() == TOKEN


async def test_everything_fits_one_screen(visit: Visit) -> None:
    await visit.opens(ticket_link(visit.url, TOKEN, "Lisbon Meetup", START, "UTC", "Rua A"))
    await visit.sees("#state", "Genuine")
    box = await visit.page.locator(".pass").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < PHONE["height"]
    assert await visit.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


async def test_a_printed_ticket_scans_and_has_no_button(visit: Visit) -> None:
    await visit.opens(ticket_link(visit.url, TOKEN))
    await visit.sees("#state", "Genuine")
    await visit.page.emulate_media(media="print")
    await expect(visit.page.locator("#print")).to_be_hidden()
    assert await visit.scans() == TOKEN


async def test_the_front_page_names_the_bot_and_needs_no_script(visit: Visit) -> None:
    await visit.opens(f"{visit.url}/")
    await visit.sees("h1", SmallDesk.bot_name)
    assert await visit.scans() == f"nostr:{SmallDesk.bot_npub}"
    links = visit.page.locator("a")
    assert await links.count() == 1
    assert await links.get_attribute("href") == f"nostr:{SmallDesk.bot_npub}"


async def test_the_ticket_never_reaches_the_server(visit: Visit) -> None:
    asked: list[str] = []
    visit.page.context.on("request", lambda request: asked.append(request.url.partition("#")[0]))
    await visit.opens(ticket_link(visit.url, TOKEN, "Secret Meetup"))
    await visit.sees("#state", "Genuine")
    assert asked
    assert not [address for address in asked if "TKT1" in address or "Secret" in address]
    assert {address.split("/")[2] for address in asked} == {visit.url.split("/")[2]}


async def test_a_door_without_network_still_gets_its_code(browser: Browser) -> None:
    context = await browser.new_context(viewport=PHONE)
    page = await context.new_page()
    async with serve(make_app(SmallDesk(), Metrics()), "127.0.0.1", 0) as port:
        link = ticket_link(f"http://127.0.0.1:{port}", TOKEN)
        await page.goto(link)
        await expect(page.locator("#state")).to_have_text("Genuine")
        ready = page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        assert await asyncio.wait_for(ready, 10)
    await page.goto("about:blank")
    await page.goto(link)
    await expect(page.locator("#state")).to_have_text("Genuine")
    await expect(page.locator("#code")).to_have_text(CODE)
    kept = await page.evaluate(
        "caches.keys().then(async ([name]) => (await (await caches.open(name)).keys())"
        ".map((request) => request.url))"
    )
    assert len(kept) == 4
    assert not [address for address in kept if "TKT1" in address]
    await context.close()
