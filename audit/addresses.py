"""What pages lead to, as far as a few dozen of them go."""

import re
from collections import deque
from collections.abc import Iterator
from html import unescape
from urllib.parse import urlencode, urlsplit

from audit.portal import Demo

FAR_ENOUGH = 80
LINK = re.compile(r'(?:href|hx-get)="([^"]+)"')
FORM = re.compile(r"<form\b([^>]*)>(.*?)</form>", re.DOTALL)
ACTION = re.compile(r'action="([^"?]+)')
FIELD = re.compile(r'<(?:input|select)\b[^>]*\bname="([^"]+)"')
NUMBER = re.compile(r"[0-9a-f-]{36}")
LEADS_OUT = ("/deconnexion", "/static/")


def with_parameters(demo: Demo, begin: str, cookies: dict[str, str]) -> list[str]:
    """For each path the address with the most in its query."""
    found: dict[str, str] = {}
    seen, waiting = {begin}, deque([begin])
    with demo.browser() as browser:
        browser.cookies.update(cookies)
        while waiting and len(seen) < FAR_ENOUGH:
            for link in _leads_to(browser.get(waiting.popleft(), follow_redirects=True).text):
                url, shape = urlsplit(link), NUMBER.sub("…", link)
                if shape not in seen:
                    seen.add(shape)
                    waiting.append(link)
                path = NUMBER.sub("…", url.path)
                if len(url.query) > len(urlsplit(found.get(path, "")).query):
                    found[path] = f"{url.path}?{url.query}"
    return list(found.values())


def _leads_to(page: str) -> Iterator[str]:
    links = [unescape(each) for each in LINK.findall(page)]
    for attributes, inside in FORM.findall(page):
        if (action := ACTION.search(attributes)) and 'method="post"' not in attributes:
            fields = dict.fromkeys(FIELD.findall(inside), "a")
            links.append(f"{action[1]}?{urlencode(fields)}")
    for link in links:
        if link.startswith("/") and not any(each in link for each in LEADS_OUT):
            yield link
