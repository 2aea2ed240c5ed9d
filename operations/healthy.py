"""Asks the server in this container whether it works: `python -m operations.healthy`."""

import os
import sys
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

PATIENCE = 4


def main(port: int = 8000) -> int:
    host = urlsplit(os.environ.get("PUBLIC_URL", "")).netloc
    try:
        with closing(HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as connection:
            connection.request("GET", "/sante", headers={"Host": host})
            return 0 if connection.getresponse().status == 200 else 1
    except (OSError, HTTPException):
        return 1


if __name__ == "__main__":
    sys.exit(main())
