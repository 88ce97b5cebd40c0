"""What stands in the way of an application or another date, sorted for the page that is being filled in."""

import datetime as dt
from dataclasses import dataclass, field

from django import forms

from accounts.models import User
from core import clock
from dispatch.models import Company, Dispatch
from dispatch.quota import Quota, dispatches_of_year, quota_of
from dispatch.services import Obstacle, ObstacleKind, check_application, missing_fields
from portal_institution.forms.applying import FIELD_OF, ApplicationForm


@dataclass(frozen=True, slots=True)
class Used:
    """A dispatch that counts for a client's limit; without a number when it is another institution's."""

    number: str
    on: dt.date
    took_place: bool


@dataclass(slots=True)
class Checks:
    """The obstacles by kind and by the input they stand beside, and what is still to be filled in."""

    obstacles: list[Obstacle]
    missing: list[Obstacle] = field(default_factory=list)
    # what is filled in, but can't be understood
    wrong: list[str] = field(default_factory=list)
    quota: Quota | None = None
    used: list[Used] = field(default_factory=list)

    def _of(self, kind: ObstacleKind) -> list[Obstacle]:
        return [each for each in self.obstacles if each.kind is kind]

    @property
    def blocks(self) -> list[Obstacle]:
        """What must be put right before it can be sent."""
        return self._of(ObstacleKind.BLOCK)

    @property
    def approvals(self) -> list[Obstacle]:
        """What the office must allow."""
        return self._of(ObstacleKind.APPROVAL)

    @property
    def warnings(self) -> list[Obstacle]:
        """What can be sent, but should be looked at."""
        return self._of(ObstacleKind.WARNING)

    @property
    def can_be_sent(self) -> bool:
        """Whether nothing stops it."""
        return not (self.blocks or self.missing or self.wrong)

    def beside(self, name: str) -> list[Obstacle]:
        """The obstacles of one input."""
        return [each for each in self.obstacles if input_of(each) == name]

    @property
    def needs(self) -> list[str]:
        """The reasons that a rule asks for now: limit_reason, lead_reason."""
        wanted = []
        if self.beside("limit_reason"):
            wanted.append("limit_reason")
        if any("急ぐ理由" in each.next_step for each in self.obstacles) or self.beside("lead_reason"):
            wanted.append("lead_reason")
        return wanted

    @property
    def refusals(self) -> int:
        """How many things are wrong, as against only missing."""
        return len(self.blocks) + len(self.wrong)

    @property
    def remaining(self) -> int:
        """How many things are wrong or missing."""
        return self.refusals + len(self.missing)

    @property
    def to_do(self) -> list[Obstacle]:
        """Everything that keeps it from being sent, what is only empty last."""
        return [*self.blocks, *self.missing]


def input_of(obstacle: Obstacle) -> str:
    """The input an obstacle stands beside; "" for none."""
    return FIELD_OF.get(obstacle.field, obstacle.field)


def _empty(label: str, name: str) -> Obstacle:
    doing = "答えてください" if label.endswith("か") else "入力してください"
    return Obstacle("未入力", label, "未入力", f"「{label}」に{doing}。", field=name)


def unread(form: forms.Form) -> tuple[list[str], dict[str, Obstacle]]:
    """What is typed and can't be understood, and the inputs that are still empty; of a form that was judged."""
    wrong = [f"{bound.label}：{error}" for bound in form if bound.data for error in bound.errors]
    empty = {
        bound.name: _empty(str(bound.label), bound.name) for bound in form if bound.errors and not bound.data
    }
    return wrong, empty


def checks_of(form: ApplicationForm, obstacles: list[Obstacle] | None = None) -> Checks:
    """The rules for an application as far as it is typed; inputs still empty are named, not scolded.

    `obstacles` are those a service has just found, where it has.
    """
    application = form.application()
    wrong, missing = unread(form)
    typed_badly = {bound.name for bound in form if bound.errors and bound.data}
    for each in missing_fields(application):
        name = input_of(each)
        if each.field in ("latitude", "longitude"):
            each = _empty("支援場所の位置", name)
        # the other ones the form itself asks for
        if each.field in ("case", "place", "position") and name not in typed_badly:
            missing.setdefault(name, each)
    quota, used = used_of(
        form.case.company, application.topic or form.case.topic, form.cleaned_data.get("day"), form.user
    )
    found = check_application(application) if obstacles is None else obstacles
    return Checks(found, list(missing.values()), wrong, quota, used)


def used_of(company: Company, topic: str, day: dt.date | None, user: User) -> tuple[Quota | None, list[Used]]:
    """What the client has left in the day's fiscal year and which dispatches it used; at most four queries."""
    quota = quota_of(company.pk, topic, day or clock.today())
    if quota is None:
        return None, []
    own = set(Dispatch.objects.visible_to(user).filter(company=company).values_list("pk", flat=True))
    return quota, [
        Used(
            row.number if row.pk in own else "",
            clock.jst(row.visited_from or row.planned_from).date(),
            row.visited_from is not None,
        )
        for row in dispatches_of_year(company.pk, quota.year).order_by("planned_from", "number")
    ]
