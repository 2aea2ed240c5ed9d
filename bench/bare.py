"""What Litestar and Jinja alone can do: the slot page again and again, from memory.

`python -m bench.bare PORT`
"""

import asyncio
import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import uvicorn
from litestar import Litestar, Response, get
from litestar.enums import MediaType

from domain import db
from domain.config import Settings
from web.app import create_app
from web.gate import Gate
from web.rendering import Renderer


async def captured(app: Gate, url: str, cookie: str) -> Callable[[], str]:
    """The rendering of one real request, with its whole context."""
    calls = []
    render = Renderer.render

    def note(self: Renderer, template: str, language: str, zone: ZoneInfo, **context: Any) -> str:
        calls.append(partial(render, self, template, language, zone, **context))
        return render(self, template, language, zone, **context)

    Renderer.render = note  # type: ignore[method-assign]
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
    async with db.connected(), httpx.AsyncClient(transport=transport) as client:
        answer = await client.get(url, headers={"cookie": cookie})
    Renderer.render = render  # type: ignore[method-assign]
    assert answer.status_code == 200, answer
    return calls[0]


def create() -> Litestar:
    settings = Settings.from_env(os.environ)
    real = create_app(settings)
    url = settings.public_url + os.environ["BENCH_URL"]
    render = asyncio.run(captured(real, url, os.environ["BENCH_COOKIE"]))

    @get("/sante")
    async def health() -> str:
        return "ok"

    @get("/")
    async def page() -> Response[bytes]:
        return Response(render().encode(), media_type=MediaType.HTML)

    return Litestar(
        [health, page], compression_config=real.app.compression_config, openapi_config=None
    )


if __name__ == "__main__":
    # As `portal serve` does; it writes no log either way.
    uvicorn.run(
        create(), port=int(sys.argv[1]), access_log=False, log_config=None, server_header=False
    )
