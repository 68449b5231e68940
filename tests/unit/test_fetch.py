"""Documents from strangers' servers: nothing leads inside, nothing is too long or too slow."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.unit.strangers import SocksProxy, certificate, serving
from tests.unit.strangers_web import INSIDE, OUTSIDE, Names, Servers, listening
from ticketbot import fetch
from ticketbot.domain.addresses import is_public
from ticketbot.errors import Retry
from ticketbot.fetch import LONGEST_BODY, Fetcher, NotThere


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """127.0.0.2 plays the public internet; every other address is what it is."""
    names = Names()
    monkeypatch.setattr(socket, "getaddrinfo", names.getaddrinfo)
    monkeypatch.setattr(fetch, "is_public", lambda ip: ip == OUTSIDE or is_public(ip))
    return names


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("tls") / "web.pem", "pay.example.com", INSIDE)


@pytest.fixture
async def servers(names: Names, authority: Path) -> AsyncIterator[Servers]:
    names.known["pay.example.com"] = [[OUTSIDE]]
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(authority)
    servers = Servers()
    async with listening(OUTSIDE, 0, servers.outside, tls) as port:
        async with listening(INSIDE, port, servers.inside, tls):
            servers.port = port
            yield servers


@pytest.fixture
async def fetcher(authority: Path) -> AsyncIterator[Fetcher]:
    fetcher = Fetcher(tls=ssl.create_default_context(cafile=authority), patience=0.6)
    yield fetcher
    await fetcher.close()


async def test_a_public_server_is_asked(servers: Servers, fetcher: Fetcher) -> None:
    assert await fetcher.get(servers.url + "?for=b%20b", amount="5") == (200, b"fine")
    assert servers.asked == ["/offer?for=b+b&amount=5"]


@pytest.mark.parametrize(
    "url",
    [
        "http://pay.example.com:PORT/x",
        "https://127.0.0.1:PORT/x",
        "https://127.0.0.2:PORT/x",
        "https://[::1]:PORT/x",
        "https://[::ffff:127.0.0.1]:PORT/x",
        "https://[::ffff:7f00:1]:PORT/x",
        "https://[::127.0.0.1]:PORT/x",
        "https://[64:ff9b::7f00:1]:PORT/x",
        "https://[2002:7f00:1::]:PORT/x",
        "https://[fe80::1%25lo]:PORT/x",
        "https://127.1:PORT/x",
        "https://127.0.1:PORT/x",
        "https://2130706433:PORT/x",
        "https://0x7f000001:PORT/x",
        "https://0x7f.0.0.1:PORT/x",
        "https://0177.0.0.1:PORT/x",
        "https://0:PORT/x",
        "https://169.254.169.254/latest/meta-data",
        "https://[fd00:ec2::254]/latest/meta-data",
        "https://10.0.0.1/x",
        "https://172.16.0.1/x",
        "https://192.168.1.1/x",
        "https://100.64.0.1/x",
        "https://localhost:PORT/x",
        "https://x.localhost:PORT/x",
        "https://printer.local/x",
        "https://metadata.google.internal/x",
        "https://intranet/x",
        "https://pay.example.com.:PORT/x",
        "https://user@pay.example.com:PORT/x",
        "https://user:pass@pay.example.com:PORT/x",
        "https://:@pay.example.com:PORT/x",
        "https://pay.example.com@127.0.0.1:PORT/x",
        "https://127.0.0.1:PORT\\@pay.example.com/x",
        "https://pay.example.com:PORT\\@127.0.0.1/x",
        "https://pay.example.com:99999/x",
        "https://pay.example.com:0/x",
        "https://pay.example.com:x/x",
        "https://pay.example.com:PORT/ x",
        "https://pay.example.com:PORT/x\r\nHost: inside",
        "https://pay.example.com:PORT/\u00e9",
        "https://\uff11\uff12\uff17.0.0.1:PORT/x",
        "https://pay.example.com:PORT/" + "x" * 3_000,
        "https://abcdefgh.onion/x",
        "http://abcdefgh.onion/x",
        "//pay.example.com:PORT/x",
        "pay.example.com:PORT/x",
        "https:///x",
        "https://[::1",
        "ftp://pay.example.com/x",
        "file:///etc/passwd",
        "gopher://pay.example.com:PORT/x",
        "",
    ],
)
async def test_what_strangers_may_not_name(
    servers: Servers, names: Names, fetcher: Fetcher, url: str
) -> None:
    with pytest.raises(NotThere) as raised:
        await fetcher.get(url.replace("PORT", str(servers.port)))

    assert (servers.asked, servers.reached_inside, names.asked) == ([], [], [])
    assert not url or url not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://pay.example.com:PORT/#@127.0.0.1",
        "https://pay.example.com:PORT?@127.0.0.1/x",
        "https://@pay.example.com:PORT/x",
        "HTTPS://PAY.example.com:PORT/%2e%2e/x",
    ],
)
async def test_what_only_looks_odd(servers: Servers, fetcher: Fetcher, url: str) -> None:
    assert (await fetcher.get(url.replace("PORT", str(servers.port)))).body == b"fine"
    assert servers.reached_inside == []


@pytest.mark.parametrize(
    "found",
    [
        [INSIDE],
        [OUTSIDE, INSIDE],
        [INSIDE, OUTSIDE],
        ["::1"],
        ["::ffff:127.0.0.1"],
        [OUTSIDE, "169.254.169.254"],
        ["10.0.0.1"],
        ["fd00::1"],
        ["0.0.0.0"],
        [],
    ],
    ids=str,
)
async def test_a_name_that_leads_inside(
    servers: Servers, names: Names, fetcher: Fetcher, found: list[str]
) -> None:
    names.known["pay.example.com"] = [found]
    with pytest.raises(NotThere):
        await fetcher.get(servers.url)
    assert (servers.asked, servers.reached_inside) == ([], [])


async def test_a_name_that_leads_inside_the_second_time(
    servers: Servers, names: Names, fetcher: Fetcher
) -> None:
    """DNS rebinding: what is dialled is what was checked, and it is checked every time."""
    names.known["pay.example.com"] = [[OUTSIDE], [INSIDE], [OUTSIDE]]
    assert (await fetcher.get(servers.url)).body == b"fine"
    with pytest.raises(NotThere, match="private"):
        await fetcher.get(servers.url)
    assert (await fetcher.get(servers.url)).body == b"fine"
    assert names.asked == ["pay.example.com"] * 3, "nothing is dialled that was not looked up"
    assert servers.reached_inside == []


async def test_control_without_the_resolver_the_inside_is_reached(
    servers: Servers, names: Names, authority: Path
) -> None:
    names.known["pay.example.com"] = [[INSIDE]]
    fetcher = Fetcher(allow_private=True, tls=ssl.create_default_context(cafile=authority))
    assert (await fetcher.get(servers.url)).body == b"a secret"
    await fetcher.close()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("where", ["https://127.0.0.1:{port}/x", "/elsewhere", ""])
async def test_a_redirection_is_not_followed(
    servers: Servers, fetcher: Fetcher, status: int, where: str
) -> None:
    async def elsewhere(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers={"Location": where.format(port=servers.port)})

    servers.answer = elsewhere
    with pytest.raises(NotThere):
        await fetcher.get(servers.url)
    assert (servers.asked, servers.reached_inside) == (["/offer"], [])


@pytest.mark.parametrize(("size", "fits"), [(LONGEST_BODY, True), (LONGEST_BODY + 1, False)])
async def test_what_is_longer_than_anybody_needs(
    servers: Servers, fetcher: Fetcher, size: int, fits: bool
) -> None:
    async def long(request: web.Request) -> web.StreamResponse:
        return web.Response(body=b"x" * size)

    servers.answer = long
    if fits:
        assert len((await fetcher.get(servers.url)).body) == size
    else:
        with pytest.raises(NotThere):
            await fetcher.get(servers.url)


async def test_ten_megabytes_without_a_length_are_not_read(
    servers: Servers, fetcher: Fetcher
) -> None:
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            for _ in range(160):
                await response.write(b"x" * 65_536)
                sent += 65_536
        return response

    servers.answer = endless
    with pytest.raises(NotThere):
        await fetcher.get(servers.url)
    assert sent < 10_000_000


async def test_a_compressed_answer_stays_small(servers: Servers, fetcher: Fetcher) -> None:
    async def bomb(request: web.Request) -> web.StreamResponse:
        assert request.headers["Accept-Encoding"] == "identity"
        response = web.Response(body=b"x" * 10_000_000)
        response.enable_compression(web.ContentCoding.gzip)
        return response

    servers.answer = bomb
    answer = await fetcher.get(servers.url)
    assert len(answer.body) < LONGEST_BODY
    assert answer.body[:2] == b"\x1f\x8b"


async def test_a_drip_is_no_answer(servers: Servers, fetcher: Fetcher) -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                await response.write(b" ")
                await asyncio.sleep(0.05)
        return response

    servers.answer = drip
    with pytest.raises(Retry, match=r"within 0\.6 s"):
        await fetcher.get(servers.url)


async def test_silence_is_no_answer(fetcher: Fetcher, names: Names) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    names.known["pay.example.com"] = [[OUTSIDE]]
    async with serving(silent, OUTSIDE) as port:
        with pytest.raises(Retry, match="within"):
            await fetcher.get(f"https://pay.example.com:{port}/")


async def test_nobody_there_is_no_answer(fetcher: Fetcher, names: Names) -> None:
    names.known["pay.example.com"] = [[OUTSIDE]]
    with pytest.raises(Retry, match="no answer") as raised:
        await fetcher.get("https://pay.example.com:9/secret-path")
    assert "example" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


@pytest.mark.parametrize("error", [socket.EAI_AGAIN, socket.EAI_FAIL])
async def test_a_name_server_in_trouble(
    fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    def getaddrinfo(*_: Any, **more: Any) -> list[Any]:
        raise socket.gaierror(error, "in trouble")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(Retry):
        await fetcher.get("https://pay.example.com/")


async def test_a_name_that_does_not_exist(fetcher: Fetcher, names: Names) -> None:
    with pytest.raises(NotThere):
        await fetcher.get("https://no.example.com/")


async def test_a_name_that_no_name_server_could_be_asked_for(fetcher: Fetcher) -> None:
    with pytest.raises(NotThere):
        await fetcher.get(f"https://{'x' * 64}.example.com/")


async def test_a_certificate_for_another_name(
    servers: Servers, names: Names, fetcher: Fetcher
) -> None:
    names.known["other.example.com"] = [[OUTSIDE]]
    with pytest.raises(Retry):
        await fetcher.get(f"https://other.example.com:{servers.port}/")
    assert servers.asked == []


async def test_no_cookie_is_kept_and_no_proxy_of_the_environment_used(
    servers: Servers, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    async def sweet(request: web.Request) -> web.StreamResponse:
        response = web.Response(text=request.headers.get("Cookie", "none"))
        response.set_cookie("who", "you")
        return response

    servers.answer = sweet
    assert [(await fetcher.get(servers.url)).body for _ in range(2)] == [b"none"] * 2


async def test_through_a_proxy_no_name_is_looked_up(
    servers: Servers, names: Names, authority: Path
) -> None:
    """And no address is dialled that a stranger could name: the proxy would do it for them."""
    proxy = SocksProxy(servers.port)
    tls = ssl.create_default_context(cafile=authority)
    async with serving(proxy.serve) as port:
        fetcher = Fetcher(proxy=f"socks5h://127.0.0.1:{port}", tls=tls)
        assert (await fetcher.get("https://pay.example.com/x")).body == b"a secret"
        for url in ("https://10.0.0.1/x", "https://localhost/x", "http://pay.example.com/"):
            with pytest.raises(NotThere):
                await fetcher.get(url)
        await fetcher.close()
    assert proxy.asked == [("pay.example.com", 443)]
    assert names.asked == []


async def test_a_hidden_service_is_asked_over_http(names: Names) -> None:
    async def hidden(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")

    async with serving(hidden) as there, serving(SocksProxy(there).serve) as port:
        fetcher = Fetcher(proxy=f"socks5h://127.0.0.1:{port}")
        assert not fetcher.is_secure("abcdefgh.onion")
        assert await fetcher.get("http://abcdefgh.onion/x") == (200, b"hi")
        await fetcher.close()


async def test_a_proxy_that_is_down_is_no_answer() -> None:
    fetcher = Fetcher(proxy="socks5h://127.0.0.1:9")
    with pytest.raises(Retry):
        await fetcher.get("https://pay.example.com/x")
    await fetcher.close()


@pytest.mark.parametrize(
    ("host", "private", "secure"),
    [
        ("example.com", False, True),
        ("127.0.0.1:80", False, True),
        ("example.com", True, True),
        ("127.0.0.1:80", True, False),
        ("localhost:80", True, False),
        ("x.onion", False, False),
        ("example.com:999999", True, True),
    ],
)
def test_who_is_asked_over_https(host: str, private: bool, secure: bool) -> None:
    assert Fetcher(allow_private=private).is_secure(host) == secure
