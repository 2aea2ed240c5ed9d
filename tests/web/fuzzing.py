"""Requests that no page of ours makes: a working one of each route, altered at a few places."""

from dataclasses import dataclass, field
from random import Random
from urllib.parse import parse_qsl, quote, urlsplit
from uuid import UUID

from tests.web.routes import ROUTES, STAFF, Route, Scene
from tests.web.staff.scene import StaffScene

ODD = (
    *("", " ", "\0", "a\0b", "'", '"', "\\", "%", "%00", "\t", "\n", "\r\nX-Evil: 1", "\ufeff"),
    *("' OR 1=1 --", "'; DROP TABLE patient; --", "_%", "*", "<script>alert(1)</script>"),
    *("{{7*7}}", "{% include 'x' %}", "{0.__class__}", "%s%n%x", "${jndi:x}", "../../etc/passwd"),
    *("é", "e\u0301", "\u202e", "\ud800", "𝒳", "ı", "\u2028", "\u200d" * 50, "＜", "K"),
    *("-1", "0", "1", "٣", "１２", "1e309", "NaN", "0x10", "9" * 400, str(2**63), "-" + "9" * 30),
    *("2026-02-30", "0000-00-00", "0001-01-01", "9999-12-31", "99999-01-01", "2026-11-23T10:00"),
    *("2026-W48", "2026-11", "23/11/2026", "24:60", "true", "null", "[]", "{}", "oui", "non"),
    *("00000000-0000-0000-0000-000000000000", "{00000000-0000-0000-0000-000000000000}", "moi"),
    *("//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "?", "#"),
    *("x" * 300, "x" * 5_000, "é" * 20_000, "a," * 5_000, "+1 514 555 0142", "a@b", "@", "a@é.ca"),
)
NAMES = (
    *("patient", "creneau", "type", "lieu", "specialite", "intervenant", "moment", "jour", "motif"),
    *("semaine", "avant", "apres", "q", "de", "du", "au", "suivant", "ouvert", "tous", "etat"),
    *("vue", "membre", "genre", "issue", "sans", "journal", "a", "cle", "version", "role", "id"),
    *("_csrf_token", "fichiers", "x[]", "x.y", "é", "", "page", "langue", "texte", "equipe"),
)
HEADERS = (
    *(("hx-request", "true"), ("hx-boosted", "true"), ("hx-history-restore-request", "true")),
    *(("range", "bytes=0-"), ("range", "bytes=-0"), ("range", "bytes=9-1,4-"), ("range", "é")),
    *(("if-none-match", '"x"'), ("if-none-match", "*"), ("if-range", "x"), ("expect", "x")),
    *(("accept", "text/plain"), ("accept-encoding", "x;q=9,br;q=a"), ("accept-language", "\xff")),
    *(("x-forwarded-for", "x, ::1, 999.1"), ("x-request-id", "a b"), ("user-agent", "\xff" * 999)),
    *(("cookie", "a=b; =; ;;__Host-session"), ("cookie", "__Host-session=\xff; __Host-staff=\x7f")),
    *(
        (
            "cookie",
            "__Host-known=a.b; __Host-text=a.b; __Host-form=a.b; __Host-step=a.b; __Host-link=a",
        ),
    ),
    *(("cookie", "__Host-language=" + "x" * 3000), ("content-type", "text/html; charset=x")),
    *(("content-type", "multipart/form-data"), ("content-type", "application/json")),
    *(("content-type", "application/x-www-form-urlencoded; charset=utf-16"), ("referer", "\xff")),
    *(("transfer-encoding", "x"), ("content-encoding", "gzip"), ("sec-purpose", "prefetch")),
)
BODIES = (
    *(b"", b"&&&===", b"%%%=%ff", b"\xff\xfe\0", b"{}", b'{"a": [1]}', b"[" * 5_000, b"a=" * 2_000),
    *(b"--x\r\n", b'--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n'),
    b'--x\r\ncontent-disposition: form-data; name="a"; filename="../a"\r\n\r\n%PDF\r\n--x-',
)
LONGEST = 15_000
"""Of an address: a longer one leaves no program."""
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "é")
PARTS = "multipart/form-data; boundary=x"


@dataclass
class Odd:
    method: str
    path: str
    query: list[tuple[str, str]] = field(default_factory=list)
    form: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | None = None
    headers: list[tuple[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.path}?{_encoded(self.query)[:LONGEST]}" if self.query else self.path

    @property
    def content(self) -> bytes:
        return _encoded(self.form).encode() if self.body is None else self.body

    def __str__(self) -> str:
        told = f"{self.method} {self.url} {self.headers} {self.content!r}"
        return told if len(told) < 600 else f"{told[:300]} … {told[-300:]}"


class Fuzzer:
    def __init__(self, seed: int, scene: Scene | StaffScene, others: list[UUID]) -> None:
        self._random = Random(seed)
        self._scene = scene
        self._routes = STAFF if isinstance(scene, StaffScene) else ROUTES
        self._values = [*ODD, *map(str, others), *(str(id).upper() for id in others)]

    def request(self) -> Odd:
        """One of the scene's side, altered at one to three places."""
        route = self._random.choice(self._routes)
        url = urlsplit(self._scene.url(route))
        data = list(self._scene.data(route).items())
        made = Odd(route.method, url.path, parse_qsl(url.query), data)
        for _ in range(self._random.randint(1, 3)):
            self._alter(made, route)
        return made

    def _alter(self, made: Odd, route: Route) -> None:
        draw = self._random
        match draw.choice(["path", "query", "query", "form", "form", "header", "body", "method"]):
            case "path":
                self._alter_path(made)
            case "query":
                self._alter_pairs(made.query)
            case "form" if route.method == "POST":
                self._alter_pairs(made.form)
            case "body" if route.method == "POST":
                made.body = draw.choice(BODIES)
                made.headers.append(("content-type", draw.choice([PARTS, "", "x/y"])))
            case "method" if draw.random() < 0.3:
                made.method = draw.choice(METHODS[:-1])
            case _:
                made.headers.append(draw.choice(HEADERS))

    def _alter_path(self, made: Odd) -> None:
        parts = made.path.split("/")
        place = self._random.randrange(1, len(parts)) if len(parts) > 1 else 0
        value = self._random.choice(self._values)
        parts[place] = quote(value, safe="", errors="surrogatepass")[:3_000]
        if self._random.random() < 0.2:
            parts.insert(place, self._random.choice(["", ".", "..", "%2e%2e", "%2f", "%5c"]))
        made.path = "/".join(parts) or "/"

    def _alter_pairs(self, pairs: list[tuple[str, str]]) -> None:
        draw, value = self._random, self._random.choice(self._values)
        change = draw.choice(["value", "value", "value", "value", "add", "twice", "gone"])
        place = draw.randrange(len(pairs)) if pairs else -1
        if place < 0 or change == "add":
            pairs.append((draw.choice(NAMES), value))
        elif change == "value":
            pairs[place] = (pairs[place][0], value)
        elif change == "twice":
            pairs.append((pairs[place][0], value))
        else:
            del pairs[place]


def _encoded(pairs: list[tuple[str, str]]) -> str:
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in pairs)


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")
