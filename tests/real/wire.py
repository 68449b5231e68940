"""A wire between a client and a server on loopback that can be cut at a chosen moment."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Literal

Fault = Literal["none", "lose-answers", "cut-after-request", "refuse", "freeze"]


class Wire:
    """Forwards bytes from `url` to a server's port.

    `fault` says what happens to connections from now on: `lose-answers` lets the server
    answer and then closes without handing the answer on; `cut-after-request` closes both
    sides as soon as the request was sent; `refuse` closes at once; `freeze` stays open
    and silent.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.fault: Fault = "none"
        self.url = ""

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self.cut()
            await self._server.wait_closed()

    def cut(self) -> None:
        """Breaks every connection there is now."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.fault == "refuse":
            writer.transport.abort()
            return
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._port)
        ends = {writer, server_writer}
        self._writers |= ends
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._copy(reader, server_writer, ends, asking=True))
                group.create_task(self._copy(server_reader, writer, ends, asking=False))
        finally:
            self._writers -= ends

    async def _copy(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        ends: set[asyncio.StreamWriter],
        *,
        asking: bool,
    ) -> None:
        """Copies one direction; when it is over, both ends are."""
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65_536):
                if not asking and self.fault == "lose-answers":
                    break
                if self.fault != "freeze":
                    writer.write(data)
                    await writer.drain()
                if asking and self.fault == "cut-after-request":
                    break
        for end in ends:
            end.transport.abort()
