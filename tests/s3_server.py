"""A bucket on this machine: as much of S3 as the portal asks for, in memory."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from domain import clock

PAGE = 3
"""So many names a page: a listing is never in one piece."""
RANGE = re.compile(r"bytes=(\d+)-(\d+)")
HTTP_DATE = "%a, %d %b %Y %H:%M:%S GMT"


@dataclass
class Bucket:
    url: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    since: dict[str, datetime] = field(default_factory=dict)
    signed_by: set[str] = field(default_factory=set)
    is_broken: bool = False


@contextmanager
def s3_server() -> Iterator[Bucket]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        bucket = Bucket(url=f"http://127.0.0.1:{server.server_port}")
        server.bucket = bucket  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield bucket
        finally:
            server.shutdown()
            thread.join()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    @property
    def bucket(self) -> Bucket:
        return self.server.bucket  # type: ignore[no-any-return]

    @property
    def key(self) -> str:
        return unquote(urlsplit(self.path).path)

    def do_PUT(self) -> None:
        self.bucket.objects[self.key] = self.body()
        self.bucket.since[self.key] = clock.now()
        self.answer(200, ETag='"1"')

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        if "list-type" in query:
            self.answer(200, listing(self.bucket, query))
        elif self.key in self.bucket.objects:
            since = self.bucket.since[self.key].strftime(HTTP_DATE)
            content, told = self.bucket.objects[self.key], {"Last-Modified": since, "ETag": '"1"'}
            if asked := RANGE.fullmatch(self.headers.get("range", "")):
                first, last = int(asked[1]), min(int(asked[2]), len(content) - 1)
                told["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
                self.answer(206, content[first : last + 1], **told)
            else:
                self.answer(200, content, **told)
        else:
            self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")

    def do_POST(self) -> None:
        """Several are deleted at once; here each of them always is."""
        keys = re.findall(r"<Key>(.*?)</Key>", self.body().decode())
        for key in keys:
            self.bucket.objects.pop(f"{self.key}/{key}", None)
        done = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in keys)
        self.answer(200, f"<DeleteResult>{done}</DeleteResult>".encode())

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers["content-length"]))

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        signed = self.headers.get("authorization", "")
        self.bucket.signed_by.add(signed.partition("Credential=")[2].partition("/")[0])
        self.send_response(500 if self.bucket.is_broken else status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def listing(bucket: Bucket, query: dict[str, list[str]]) -> bytes:
    prefix = query.get("prefix", [""])[0]
    after = query.get("continuation-token", [""])[0]
    of = {path.split("/", 2)[2]: path for path in bucket.objects}
    keys = [key for key in sorted(of) if key.startswith(prefix) and key > after]
    page, is_cut = keys[:PAGE], len(keys) > PAGE
    contents = "".join(
        f"<Contents><Key>{key}</Key><Size>{len(bucket.objects[of[key]])}</Size>"
        f"<LastModified>{bucket.since[of[key]]:%Y-%m-%dT%H:%M:%S.000Z}</LastModified>"
        '<ETag>"1"</ETag></Contents>'
        for key in page
    )
    more = f"<NextContinuationToken>{page[-1]}</NextContinuationToken>" if is_cut else ""
    return (
        "<ListBucketResult>"
        f"<IsTruncated>{str(is_cut).lower()}</IsTruncated>{contents}{more}</ListBucketResult>"
    ).encode()
