"""What the office does with a roster of the agency: take it in, choose its lines, apply them, drop it (B2)."""

import datetime as dt
import hashlib
from collections.abc import Collection
from typing import BinaryIO

from django.db import IntegrityError

from accounts import services as accounts
from accounts.models import Role, User
from accounts.rights import require
from core import clock
from core.audit.acting import acting
from core.errors import DomainError
from core.jobs.progress import Progress
from institutions.account_names import free_name
from institutions.models import Institution, Member, Roster, RosterLine

from .difference import MAY_NOT_DISPATCH, compare
from .entries import take_over, texts_of
from .platforms import PlatformFault, check_platforms
from .reading import Row, read_roster

Outcome = RosterLine.Outcome
State = Roster.State
ACT = "handle_rosters"
CHOOSABLE = (Outcome.NEW, Outcome.CHANGED, Outcome.GONE)
_BATCH = 500


def take_roster(
    *, file: BinaryIO, name: str, kind: str, effective_on: dt.date, key: str, actor: User
) -> Roster:
    """Reads a file and keeps its difference to the register as a draft; the register itself isn't touched.

    New and changed lines are accepted to begin with, what is gone is not. The same `key` answers the first draft again.
    DomainError for a file that is no roster.
    """
    require(actor, ACT)
    if kind not in Roster.Kind.values:
        raise DomainError("名簿の種類を選んでください。")
    again = Roster.objects.filter(key=key, uploaded_by=actor).first()
    if again is not None:
        return again
    digest = hashlib.sha256()
    file.seek(0)
    while chunk := file.read(1 << 20):
        digest.update(chunk)
    file.seek(0)
    rows = read_roster(file, name)
    kept_name = name.replace("\0", "")[-200:]
    try:
        return _take(rows, kept_name, digest.hexdigest(), kind, effective_on, key, actor)
    except IntegrityError:
        # the same form, sent twice at once: the other one was faster
        again = Roster.objects.filter(key=key, uploaded_by=actor).first()
        if again is None:
            raise DomainError(
                "名簿を保存できませんでした。画面を開き直して、もう一度読み込んでください。"
            ) from None
        return again


def _take(
    rows: list[Row], name: str, sha256: str, kind: str, effective_on: dt.date, key: str, actor: User
) -> Roster:
    with acting(actor, "take_roster"):
        register = {entry.code: texts_of(entry) for entry in Institution.objects.all()}
        roster = Roster.objects.create(
            kind=kind,
            file_name=name,
            sha256=sha256,
            key=key,
            effective_on=effective_on,
            uploaded_by=actor,
            uploaded_at=clock.now(),
        )
        RosterLine.objects.bulk_create(
            (
                RosterLine(
                    roster=roster,
                    line=each.line,
                    code=each.code,
                    name=each.name,
                    outcome=each.outcome,
                    values=each.values,
                    before=each.before,
                    faults=[fault.as_json() for fault in each.faults],
                    notes=each.notes,
                    chief_name=each.chief_name,
                    chief_email=each.chief_email,
                    accepted=each.outcome in (Outcome.NEW, Outcome.CHANGED),
                )
                for each in compare(rows, register, kind, effective_on)
            ),
            batch_size=_BATCH,
        )
    return roster


def draft(roster: Roster, version: int) -> Roster:
    """The roster, locked, when it is still the draft that the page showed; DomainError when it isn't."""
    found = Roster.objects.select_for_update(of=("self",)).get(pk=roster.pk)
    if found.state != State.DRAFT:
        raise DomainError(
            f"この名簿は「{found.get_state_display()}」です。変更できません。画面を開き直して、いまの状態をご確認ください。"
        )
    if found.version != version:
        raise DomainError(
            "この名簿の採用する行が、別の画面で変わりました。画面を開き直して、いまの選択をご確認ください。"
        )
    return found


def choose_lines(
    *, roster: Roster, shown: Collection[int], accepted: Collection[int], version: int, actor: User
) -> Roster:
    """Of the lines `shown` (ids), accepts those in `accepted` and no others. Lines of other rosters are left alone."""
    require(actor, ACT)
    with acting(actor, "choose_roster_lines"):
        found = draft(roster, version)
        lines = found.lines.filter(pk__in=list(shown), outcome__in=CHOOSABLE)
        wanted = set(accepted)
        lines.filter(pk__in=wanted, accepted=False).update(accepted=True)
        lines.exclude(pk__in=wanted).filter(accepted=True).update(accepted=False)
        return _next_version(found)


def choose_all(*, roster: Roster, outcome: str, accept: bool, version: int, actor: User) -> Roster:
    """Accepts every line of an outcome, or none of them."""
    require(actor, ACT)
    if outcome not in CHOOSABLE:
        raise DomainError("採用できるのは、新規・変更・名簿にない機関の行です。")
    with acting(actor, "choose_roster_lines"):
        found = draft(roster, version)
        found.lines.filter(outcome=outcome).exclude(accepted=accept).update(accepted=accept)
        return _next_version(found)


def _next_version(roster: Roster) -> Roster:
    roster.version += 1
    roster.save(update_fields=["version"])
    return roster


def drop_roster(*, roster: Roster, version: int, actor: User) -> Roster:
    """Ends a draft without applying anything."""
    require(actor, ACT)
    with acting(actor, "drop_roster"):
        return _end(draft(roster, version), State.DROPPED, actor)


def _end(roster: Roster, state: str, actor: User) -> Roster:
    roster.state, roster.ended_by, roster.ended_at = state, actor, clock.now()
    roster.save(update_fields=["state", "ended_by", "ended_at"])
    return roster


def platform_faults(roster: Roster) -> list[PlatformFault]:
    """The rules that platforms wouldn't meet once the accepted lines are applied. Two queries."""
    entries = {entry.code: texts_of(entry) for entry in Institution.objects.all()}
    return _platform_faults(roster, list(roster.lines.filter(accepted=True)), entries)


def _platform_faults(
    roster: Roster, lines: list[RosterLine], entries: dict[str, dict[str, str]]
) -> list[PlatformFault]:
    after = dict(entries)
    for line in lines:
        changed = Institution(code=line.code)
        take_over(changed, {**entries.get(line.code, {}), **line.values})
        changed.valid_until = _last_day(roster) if line.outcome == Outcome.GONE else None
        after[line.code] = texts_of(changed)
    return check_platforms(entries.values(), after.values())


def _last_day(roster: Roster) -> dt.date:
    """What the new roster no longer has was valid until the day before it."""
    return roster.effective_on - dt.timedelta(days=1)


def apply_roster(*, roster: Roster, version: int, actor: User, progress: Progress | None = None) -> Roster:
    """Applies the accepted lines, all or none, and ends the draft. Applied already: answers it as it is.

    New institutions that may dispatch and have an address get their chief's account, whose one-time link goes by mail.
    What is gone is not deleted: its validity ends the day before. DomainError when a bad platform would come about, when
    somebody changed one of the institutions since the comparison, or when no line is accepted.
    """
    require(actor, ACT)
    try:
        return _apply(roster, version, actor, progress or Progress())
    except IntegrityError:
        raise DomainError(
            "反映している間に、ほかの人が同じ機関または利用者を登録しました。何も反映していません。"
            "もう一度反映し、同じ案内が出るときは、名簿を読み込み直してください。"
        ) from None


def _apply(roster: Roster, version: int, actor: User, progress: Progress) -> Roster:
    with acting(actor, "apply_roster", f"名簿 {roster.pk}（{roster.file_name}）"):
        now = Roster.objects.select_for_update(of=("self",)).get(pk=roster.pk)
        if now.state == State.APPLIED:
            return now
        found = draft(roster, version)
        lines = list(found.lines.filter(accepted=True).order_by("line", "code"))
        if not lines:
            raise DomainError("採用する行がありません。反映する行を選ぶか、名簿を取り下げてください。")
        progress.report(0, len(lines), "登録との違いを確かめています")
        stored = _unchanged_since(lines)
        entries = {entry.code: texts_of(entry) for entry in Institution.objects.all()}
        blocking = [fault for fault in _platform_faults(found, lines, entries) if fault.blocks]
        if blocking:
            named = " ".join(
                f"{fault.name}（{fault.platform}）の{fault.rule}: 期待 {fault.expected}、実際 {fault.actual}。"
                for fault in blocking[:5]
            )
            raise DomainError(
                f"地域プラットフォームの要件を満たさなくなるため、反映できません。{named}"
                "採用する行を選び直すか、名簿を出した中小企業庁へお問い合わせください。"
            )
        _write(found, lines, stored)
        _invite_chiefs(lines, actor, progress)
        return _end(found, State.APPLIED, actor)


def _unchanged_since(lines: list[RosterLine]) -> dict[str, Institution]:
    """The entries the lines are about, locked. DomainError when one isn't as it was when it was compared."""
    codes = [line.code for line in lines]
    stored = {
        entry.code: entry
        for entry in Institution.objects.select_for_update().filter(code__in=codes).order_by("code")
    }
    stale = [
        line for line in lines if (texts_of(stored[line.code]) if line.code in stored else {}) != line.before
    ]
    if stale:
        named = "、".join(f"{line.code} {line.name}" for line in stale[:5])
        more = f" ほか{len(stale) - 5}機関" if len(stale) > 5 else ""
        raise DomainError(
            f"比べた後に、ほかの人が機関の登録を変えました: {named}{more}。"
            "この名簿を取り下げ、同じファイルをもう一度読み込んで、差をご確認ください。"
        )
    return stored


def _write(roster: Roster, lines: list[RosterLine], stored: dict[str, Institution]) -> None:
    new: list[Institution] = []
    changed: list[Institution] = []
    for line in lines:
        entry = stored.get(line.code) or Institution()
        take_over(entry, line.values)
        entry.valid_until = _last_day(roster) if line.outcome == Outcome.GONE else None
        entry.updated_at = clock.now()
        line.institution = entry
        (changed if entry.pk else new).append(entry)
    Institution.objects.bulk_create(new, batch_size=_BATCH)
    fields = [field.name for field in Institution._meta.concrete_fields if not field.primary_key]
    Institution.objects.bulk_update(
        changed, [name for name in fields if name not in ("code", "created_at")], batch_size=_BATCH
    )
    RosterLine.objects.bulk_update(lines, ["institution"], batch_size=_BATCH)


def _invite_chiefs(lines: list[RosterLine], actor: User, progress: Progress) -> None:
    """An account for each institution that may apply from now on: a new one, or a member that may dispatch only now."""
    may_now = [line for line in lines if line.institution is not None and _begins(line, line.institution)]
    known = set(
        Member.objects.filter(institution__in=[line.institution for line in may_now]).values_list(
            "institution", flat=True
        )
    )
    before = len(lines) - len(may_now)
    for number, line in enumerate(may_now):
        progress.report(before + number, len(lines), "新しい機関の責任者を登録しています")
        entry = line.institution
        assert entry is not None
        email = line.chief_email or entry.email
        if email and entry.pk not in known:
            _add_chief(
                entry, name=line.chief_name or f"{entry.name} 責任者", email=email, line=line, actor=actor
            )


def _begins(line: RosterLine, entry: Institution) -> bool:
    if entry.kind == MAY_NOT_DISPATCH or line.outcome == Outcome.GONE:
        return False
    return line.outcome == Outcome.NEW or line.before.get("機関区分") == MAY_NOT_DISPATCH


def _add_chief(entry: Institution, *, name: str, email: str, line: RosterLine, actor: User) -> None:
    try:
        user = accounts.create_user(
            username=free_name(entry.code),
            role=Role.INSTITUTION_CHIEF,
            email=email,
            display_name=name[:150],
            actor=actor,
        )
    except DomainError as refusal:
        raise DomainError(
            f"名簿の{line.line}行目（{entry.code} {entry.name}）の責任者を登録できません。{refusal} "
            "この行を採用から外すか、名簿を直してもう一度読み込んでください。"
        ) from refusal
    Member.objects.create(user=user, institution=entry)
    accounts.invite(user=user, actor=actor)
