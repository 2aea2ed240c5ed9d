from datetime import timedelta

from domain.links import Links
from tests.web.browser import SETTINGS, Browser
from tests.world import World

OURS, OTHERS = Links(SETTINGS.keys), Links(["b" * 8 + "0123456789abcdefghijklmnop"])


async def test_only_who_has_the_keys_is_told_how_the_portal_sees_them(
    stranger: Browser, world: World
) -> None:
    async def seen(token: str) -> str | None:
        answer = await stranger.get("/sante", headers={"x-portal-question": token})
        assert (answer.status_code, answer.text) == (200, "ok")
        told: str | None = answer.headers.get("x-portal-seen")
        return told

    assert await seen(OURS.sign_question(world.now)) == "203.0.113.7 203.0.113.7"
    assert await seen(OTHERS.sign_question(world.now)) is None
    assert await seen(OURS.sign_question(world.now - timedelta(minutes=3))) is None
    assert await seen("") is None
