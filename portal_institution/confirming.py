"""An application as it is read before it is sent."""

from dataclasses import dataclass

from core.ui.templatetags.ui import jdate
from portal_institution.forms.applying import QUESTIONS, ApplicationForm
from portal_institution.forms.approval import YES
from portal_institution.forms.fields import place_text
from portal_institution.matching import place_of


@dataclass(frozen=True, slots=True)
class Group:
    """Facts under one heading: (label, value)."""

    title: str
    facts: list[tuple[str, str]]


def facts_of(form: ApplicationForm) -> list[Group]:
    """Everything an application says, in words; of a form that can be sent."""
    said, application, expert = form.cleaned_data, form.application(), form.chosen
    assert expert is not None
    company = form.case.company
    when = f"{jdate(said['day'])} {said['start']:%H:%M}～{said['end']:%H:%M}"
    where = [
        ("支援場所", application.place),
        ("位置（緯度,経度）", place_text(application.latitude, application.longitude)),
    ]
    if not application.place:
        where = [("WEBにする理由", application.web_reason)]
    accompaniment = (
        "同行する" if application.accompanied else f"同行しない（{application.no_accompaniment_reason}）"
    )
    reasons = [
        (label, value)
        for label, value in (
            ("上限を超えて必要な理由", application.limit_reason.strip()),
            ("急ぐ理由", application.lead_reason.strip()),
        )
        if value
    ]
    return [
        Group(
            "支援先と専門家",
            [
                ("支援先", f"{company.name}（{company.code}）"),
                ("支援案件", form.case.code),
                ("経営課題", application.topic),
                ("専門家", f"{expert.name}（{expert.kana}）{expert.code} {place_of(expert)}"),
            ],
        ),
        Group(
            "日時と場所",
            [
                ("支援日時", when),
                ("実施方式", str(application.method)),
                *where,
                ("貴機関の同行", accompaniment),
            ],
        ),
        Group(
            "謝金の対象に関する確認",
            [
                (question, "はい" if said.get(name) == YES else "いいえ")
                for name, (question, _) in QUESTIONS.items()
            ],
        ),
        *([Group("事務局への申請理由", reasons)] if reasons else []),
    ]
