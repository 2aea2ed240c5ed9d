"""Connections whose request never begins: the server alone would wait for ever, and keep it all."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_WITHIN = 20.0
"""Seconds, from the first byte (or the connection) to the end of the headers."""
LARGEST_HEAD = 65_536


class Connection(HttpToolsProtocol):
    """Closed when the head of a request is too long or too slow; bodies have limits elsewhere."""

    _timer: asyncio.TimerHandle | None = None
    _received = 0
    _is_in_message = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_here()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._timer is None and not self._is_in_message and not self._is_answering():
            self._expect_head()  # an empty line begins none, and has ended the keep-alive's timer
        if self._timer is not None:
            self._received += len(data)
            if self._received > LARGEST_HEAD:
                self.transport.close()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_in_message = True
        if self._timer is None:
            self._expect_head()

    def on_headers_complete(self) -> None:
        self._head_is_here()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._is_in_message = False
        super().on_message_complete()

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _expect_head(self) -> None:
        self._received = 0
        self._timer = self.loop.call_later(HEAD_WITHIN, self._close)

    def _head_is_here(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _close(self) -> None:
        self._timer = None
        self.shutdown()  # after the answer that is under way, if one is
