"""A mail server that takes everything and keeps nothing: `python -m bench.sink PORT`."""

import asyncio
import sys
from typing import Any

from aiosmtpd.smtp import SMTP


class Sink:
    async def handle_DATA(self, *_: Any) -> str:
        return "250 taken"


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(Sink(), hostname="sink"), "127.0.0.1", port
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
