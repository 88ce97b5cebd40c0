"""The registrations of an institution: the list, and whose turn it is."""

from django.db.models import Q, QuerySet

from accounts.models import User
from core import clock
from core.ui.lists import containing
from experts.registration.models import Registration
from experts.registration.states import CHECKING, CLOSED, ENTERING, State

TURNS = (("us", "当機関"), ("person", "本人"), ("expired", "本人（リンクの期限切れ）"), ("office", "事務局"))
STATES = State.choices


def registrations(user: User, *, words: str = "", state: str = "", turn: str = "") -> QuerySet[Registration]:
    """Those of the person's institution with these words, in this state, waiting for this side. One query."""
    rows = Registration.objects.visible_to(user).select_related("recommended_by", "expert")
    if words:
        columns = ("number", "candidate_name", "name", "kana", "candidate_email")
        rows = rows.filter(containing(words, *columns))
    if state in State.values:
        rows = rows.filter(state=state)
    dead = Q(state__in=ENTERING) & (Q(expires_at__lte=clock.now()) | Q(token_hash=""))
    match turn:
        case "us":
            rows = rows.filter(state=State.INSTITUTION)
        case "office":
            rows = rows.filter(state=State.OFFICE)
        case "expired":
            rows = rows.filter(dead)
        case "person":
            rows = rows.filter(~dead, state__in=ENTERING)
    return rows


def turn_of(row: Registration) -> str:
    """Whom a registration waits for, in words; "" when it is over."""
    if row.state in CLOSED:
        return ""
    if row.state in CHECKING:
        return "当機関の確認" if row.state == State.INSTITUTION else "事務局の確認"
    if row.is_expired:
        return "登録案内の再送（リンクの期限切れ）"
    return "本人の修正" if row.state == State.RETURNED else "本人の入力"
