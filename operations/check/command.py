"""`portal check` looks at everything it can, and fails if something is wrong."""

import argparse
import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from email import message_from_bytes
from email.message import Message
from pathlib import Path

from domain import clock
from domain.config import BadConfiguration, Settings
from domain.messages.files import store_of
from operations.check import (
    configuration,
    database,
    lookups,
    machine,
    mail_records,
    mail_server,
    proxy,
)
from operations.check.finding import Finding, State
from operations.check.mail_records import Lookup

WIDTH = 19


def check(options: argparse.Namespace) -> int:
    return asyncio.run(_check(options))


async def _check(options: argparse.Namespace) -> int:
    found = []
    async for finding in _findings(options):
        found.append(finding)
        _print(finding)
    wrong = sum(finding.state is State.WRONG for finding in found)
    doubtful = sum(finding.state is State.DOUBTFUL for finding in found)
    print(f"{len(found)} findings: {wrong} wrong, {doubtful} to look at")
    return 1 if wrong else 0


def _print(finding: Finding) -> None:
    print(f"{finding.state:<5} {finding.subject:<{WIDTH}} {finding.told}")
    if finding.advice:
        print(f"{'':<5} {'':<{WIDTH}} → {finding.advice}", flush=True)


async def _findings(options: argparse.Namespace) -> AsyncIterator[Finding]:
    try:
        settings = Settings.from_env(os.environ)
    except BadConfiguration as problem:
        yield Finding.wrong("configuration", str(problem), "correct it, then check again")
        return
    for finding in configuration.findings(settings, os.environ):
        yield finding
    async for finding in _of_machine(settings):
        yield finding
    async for finding in database.findings():
        yield finding
    yield await mail_server.finding(settings)
    for finding in _of_mail(options, settings):
        yield finding
    if options.without_proxy:
        yield Finding.unknown("proxy", "not asked")
    else:
        for finding in await asyncio.to_thread(list, proxy.findings(settings, clock.now())):
            yield finding


async def _of_machine(settings: Settings) -> AsyncIterator[Finding]:
    for finding in machine.findings(settings):
        yield finding
    yield await machine.clock()
    if settings.documents_url or settings.data_dir.is_dir():
        yield await machine.store(store_of(settings))


def _of_mail(options: argparse.Namespace, settings: Settings) -> Iterator[Finding]:
    lookup = _lookup(options)
    if lookup is None:
        yield Finding.unknown(
            "mail DNS", "not looked up", "--dns asks a resolver, --dns-file reads a file"
        )
        return
    domain = settings.mail_from.rpartition("@")[2].lower()
    mail = _mail(options.signed_mail)
    signed = mail_records.signatures(mail) if mail else []
    selector = options.dkim_selector or next((each.selector for each in signed), None)
    try:
        yield mail_records.spf(domain, options.sent_by, lookup)
        yield mail_records.dmarc(domain, lookup)
        if selector:
            yield mail_records.dkim_key(domain, selector, lookup)
        else:
            yield Finding.unknown("DKIM key", "not looked up", "say --dkim-selector NAME")
        if mail:
            yield from mail_records.signed(mail, domain, lookup)
    except lookups.CannotLookUp as problem:
        yield Finding.unknown("mail DNS", f"no answer: {problem}", "ask again, or use --dns-file")


def _lookup(options: argparse.Namespace) -> Lookup | None:
    if options.dns_file:
        return lookups.from_text(options.dns_file.read_text())
    return lookups.resolve if options.dns else None


def _mail(path: Path | None) -> Message | None:
    return message_from_bytes(path.read_bytes()) if path else None
