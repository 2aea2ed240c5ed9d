"""R103: what a closed account contained goes when the clinic's years are over, not before."""

from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from domain import audit, db, retention
from domain.accounts import sign_in_notices
from domain.messages import attachments
from jobs.forget_closed_accounts import forget_closed_accounts
from tests.domain import records
from tests.stores import MemoryStore
from tests.world import World

YEARS = 5
CLOSED_FOR = YEARS * timedelta(days=366)
DAY = timedelta(days=1)
EMPTIED = ("session", "draft", "receipt", "mail_preference", "registration", "terms_acceptance")


async def close(account: UUID, at: datetime) -> None:
    await db.fetch("UPDATE account SET disabled_at = {} WHERE id = {}", at, account)


@pytest.fixture
async def closed(world: World) -> World:
    """Alice wrote, was answered with a file, and came; years later she closed her account."""
    long_ago = world.now - CLOSED_FOR - 30 * DAY
    thread = await world.thread("Bonjour.", may_answer=True, at=long_ago)
    (first,) = await db.fetch("SELECT id FROM message")
    await world.message(
        thread,
        "Voici ma réponse.",
        account=world.alice_account,
        answers=first["id"],
        at=long_ago + DAY,
    )
    await world.attachment(first["id"], at=long_ago)
    await world.appointment(long_ago, reason="Toux depuis un mois")
    await close(world.alice_account, world.now - CLOSED_FOR - DAY)
    return world


async def account_of(world: World) -> dict[str, object]:
    (row,) = await db.fetch("SELECT * FROM account WHERE id = {}", world.alice_account)
    return row


async def test_nothing_goes_before_the_years_are_over(closed: World) -> None:
    await close(closed.alice_account, closed.now - CLOSED_FOR)
    assert await forget_closed_accounts(now=closed.now) == 0
    assert (await account_of(closed))["email"] == "alice@example.com"
    assert await records.count("message") == 2


async def test_then_the_account_names_nobody_and_its_words_are_gone(closed: World) -> None:
    assert await forget_closed_accounts(now=closed.now) == 1
    account = await account_of(closed)
    assert [account[name] for name in ("email", "password_hash", "totp_secret")] == ["", "", ""]
    for table in ("thread", "message", "attachment", *EMPTIED):
        of_charlie = 1 if table == "terms_acceptance" else 0
        assert await records.count(table) == of_charlie, table
    (visit,) = await db.fetch("SELECT reason, cancelled_at FROM appointment")
    assert visit == {"reason": "", "cancelled_at": None}
    assert await records.rows("SELECT id FROM proxy_grant WHERE withdrawn_at IS NULL") == [
        *await records.rows("SELECT id FROM proxy_grant WHERE account = {}", closed.charlie_account)
    ]


async def test_its_files_are_swept_after_it(closed: World) -> None:
    store = MemoryStore()
    (row,) = await db.fetch("SELECT stored_as FROM attachment")
    store.contents[row["stored_as"]] = b"%PDF-"
    await forget_closed_accounts(now=closed.now)
    await attachments.sweep(store, now=closed.now + DAY)
    assert store.contents == {}


async def test_it_happens_once_and_stands_in_a_whole_journal(closed: World) -> None:
    for _ in range(2):
        await forget_closed_accounts(now=closed.now)
    lines = await db.fetch("SELECT action FROM audit_line WHERE action LIKE {}", "%.forgotten")
    assert sorted(line["action"] for line in lines) == [
        "account.forgotten",
        "communications.forgotten",
    ]
    await audit.seal(now=closed.now + DAY)
    assert await audit.first_broken_seal() is None


async def test_what_another_may_still_read_stays(closed: World) -> None:
    other = await closed.account("proche@example.com")
    await closed.grant(other, closed.alice)
    await forget_closed_accounts(now=closed.now)
    assert (await account_of(closed))["email"] == ""
    assert await records.count("message") == 2
    (visit,) = await db.fetch("SELECT reason FROM appointment")
    assert visit["reason"] == "Toux depuis un mois"


async def test_a_thread_that_lived_on_stays_until_its_own_years_are_over(closed: World) -> None:
    recent = await closed.thread("Une suite.", at=closed.now - DAY)
    await forget_closed_accounts(now=closed.now)
    assert await records.rows("SELECT id FROM thread") == [{"id": recent}]
    await forget_closed_accounts(now=closed.now + CLOSED_FOR - DAY)
    assert await records.rows("SELECT id FROM thread") == [{"id": recent}]
    await forget_closed_accounts(now=closed.now + CLOSED_FOR)
    assert await records.count("thread") == 0


async def test_one_that_cannot_be_forgotten_keeps_none_of_the_others(
    closed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await close(closed.charlie_account, closed.now - CLOSED_FOR - 2 * DAY)
    forget = retention._forget

    async def fail(account: UUID, *rest: datetime) -> bool:
        if account == closed.charlie_account:
            raise RuntimeError("not this one")
        return await forget(account, *rest)

    monkeypatch.setattr(retention, "_forget", fail)
    with pytest.raises(RuntimeError, match="not this one"):
        await forget_closed_accounts(now=closed.now)
    assert (await account_of(closed))["email"] == ""
    assert await records.count("message") == 0


async def test_an_invitation_to_its_address_goes_with_it(closed: World) -> None:
    other = await closed.account("proche@example.com")
    await closed.grant(other, closed.alice)
    await db.fetch(
        "INSERT INTO invitation (id, patient, email, email_canonical, token_hash, code_hash,"
        " invited_at, invited_by, expires_at) VALUES ({}, {}, {}, {}, '', '', {}, '', {})",
        uuid4(),
        closed.alice,
        "Alice@example.com",
        "alice@example.com",
        closed.now - 3000 * DAY,
        closed.now - 2990 * DAY,
    )
    await forget_closed_accounts(now=closed.now)
    assert await records.count("invitation") == 0


async def test_an_account_opened_again_keeps_everything(closed: World) -> None:
    await db.fetch("UPDATE account SET disabled_at = NULL")
    assert await forget_closed_accounts(now=closed.now) == 0
    assert await records.count("message") == 2


async def test_its_address_may_be_used_again(closed: World) -> None:
    await forget_closed_accounts(now=closed.now)
    again = await closed.account("alice@example.com")
    assert await sign_in_notices.last_success(again) is None


async def test_an_installation_without_a_clinic_has_nothing_to_forget(database: object) -> None:
    assert await forget_closed_accounts(now=datetime.fromisoformat("2026-11-23T12:00:00Z")) == 0


async def test_a_child_whose_only_parent_left_is_forgotten_too(closed: World) -> None:
    child = await closed.patient("Zoé", "Gagnon", date(2020, 1, 22))
    await closed.grant(closed.alice_account, child)
    old = closed.now - CLOSED_FOR - 9 * DAY
    await closed.thread("Vaccins.", patient=child, at=old)
    await forget_closed_accounts(now=closed.now)
    assert await records.count("thread") == 0
