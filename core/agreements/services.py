"""Publishing texts and agreeing to them."""

import datetime as dt
import hashlib
import re
from pathlib import Path
from typing import Any, Final

from django.db import IntegrityError, transaction

from core import clock
from core.audit.acting import Actor, acting
from core.errors import DomainError, FieldErrors

from .models import Agreement, TextCode, TextVersion

_FIRST: Final = Path(__file__).with_name("first")
FIRST_VERSION: Final = "2021-1"
FIRST_DAY: Final = dt.date(2021, 4, 1)

PUBLISH: Final = "publish_text"
_VERSION: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z.\-]{0,19}")
_MOST_LETTERS: Final = 50_000
_AGENT_LETTERS: Final = 200


def checksum(code: str, version: str, title: str, body: str) -> str:
    """SHA-256 (hex) of a version's words, as `TextVersion.sha256` keeps it."""
    return hashlib.sha256("\n".join((code, version, title, body)).encode()).hexdigest()


def load_first_texts(*, actor: Actor) -> bool:
    """Adds the first version of every text that has none yet; answers whether anything was added."""
    added = False
    with acting(actor, "setup"):
        there = set(TextVersion.objects.values_list("code", flat=True))
        for code in TextCode:
            if code in there:
                continue
            body = (_FIRST / f"{code}.txt").read_text(encoding="utf-8").strip()
            TextVersion.objects.create(
                code=code,
                version=FIRST_VERSION,
                title=code.label,
                body=body,
                valid_from=FIRST_DAY,
                sha256=checksum(code, FIRST_VERSION, code.label, body),
                published_by_id=actor.pk,
            )
            added = True
    return added


def current_text(code: str, on: dt.date | None = None) -> TextVersion:
    """The version in force on a day (None: today). Raises DomainError where there is none yet."""
    found = TextVersion.objects.in_force(code, on or clock.today()).first()
    if found is None:
        raise DomainError(
            f"「{TextCode(code).label}」の文がまだ登録されていません。事務局の管理者へご連絡ください。",
            code="no_text",
        )
    return found


def shown_text(code: str, version: str) -> TextVersion:
    """The version a form says it showed. Raises DomainError when it is unknown, or no longer the one in force."""
    text = current_text(code)
    if text.version != version:
        raise DomainError(
            f"{text.title}が新しくなりました。新しい内容を読んで、もう一度確認してください。",
            code="newer_text",
        )
    return text


def publish_text(
    *, code: str, version: str, title: str, body: str, valid_from: dt.date, actor: Actor
) -> TextVersion:
    """Adds a version that is asked with from a day on. Raises FieldErrors.

    It begins in the future or today, and later than every version there is: what was shown is never changed.
    """
    require_publisher(actor)
    version, title, body = version.strip(), title.strip(), body.replace("\r\n", "\n").strip()
    problems: dict[str, str] = {}
    if code not in TextCode.values:
        problems["code"] = "種類を選んでください。"
    if not _VERSION.fullmatch(version):
        problems["version"] = (
            "版は、半角の英数字・ピリオド・ハイフンで20文字以内にしてください（例：2027-1）。"
        )
    if not title:
        problems["title"] = "表題を入力してください。"
    elif len(title) > 100:
        problems["title"] = "表題は100文字以内にしてください。"
    if not body:
        problems["body"] = "本文を入力してください。"
    elif len(body) > _MOST_LETTERS:
        problems["body"] = f"本文は{_MOST_LETTERS:,}文字以内にしてください（いまは{len(body):,}文字）。"
    if valid_from < clock.today():
        problems["valid_from"] = (
            "適用開始日は今日以降にしてください。過ぎた日の同意は、その時の文に対するものです。"
        )
    with acting(actor, PUBLISH):
        newest = TextVersion.objects.filter(code=code).order_by("-valid_from").first()
        if newest is not None and valid_from <= newest.valid_from:
            problems.setdefault(
                "valid_from",
                f"適用開始日は、いま最も新しい版（{newest.version}）の"
                f"{newest.valid_from.year}年{newest.valid_from.month}月{newest.valid_from.day}日より後にしてください。",
            )
        if newest is not None and (newest.title, newest.body) == (title, body):
            problems.setdefault(
                "body", f"いまの版（{newest.version}）と同じ内容です。変更してから登録してください。"
            )
        if TextVersion.objects.filter(code=code, version=version).exists():
            problems.setdefault("version", "この版は既にあります。別の版名にしてください。")
        if problems:
            raise FieldErrors(problems)
        try:
            with transaction.atomic():
                return TextVersion.objects.create(
                    code=code,
                    version=version,
                    title=title,
                    body=body,
                    valid_from=valid_from,
                    sha256=checksum(code, version, title, body),
                    published_by_id=actor.pk,
                )
        except IntegrityError:
            # somebody published at the same moment
            raise FieldErrors({"version": "同じ版が、いま登録されました。一覧を確かめてください。"}) from None


def require_publisher(actor: Any) -> None:
    """Raises DomainError unless the actor may publish; the system may."""
    may = getattr(actor, "may", None)
    if may is not None and not (answer := may(PUBLISH)).allowed:
        raise DomainError(answer.reason, code="not_allowed")


def agree(
    *,
    text: TextVersion,
    subject: str,
    name: str,
    actor: Actor,
    address: str | None = None,
    user_agent: str = "",
) -> Agreement:
    """Records a yes to one version, once per subject: said again, the first record stays and is answered.

    `actor` is the person, or SYSTEM where somebody without an account agrees by a personal link.
    """
    name = name.strip()
    if not name:
        raise DomainError("同意した人の氏名がありません。氏名を入力してください。", code="name")
    with acting(actor, "agree"):
        found, _ = Agreement.objects.get_or_create(
            text=text,
            subject=subject,
            defaults={
                "name": name[:200],
                "user_id": actor.pk,
                "agreed_at": clock.now(),
                "address": address or None,
                "user_agent": user_agent[:_AGENT_LETTERS],
            },
        )
    return found
