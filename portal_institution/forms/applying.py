"""The application for a dispatch as an institution fills it in (C3, C4, C6)."""

import datetime as dt
from typing import Any

from django import forms

from accounts.models import User
from core import clock
from core.programme.models import CodeItem
from core.programme.selectors import code_items
from dispatch.models import Case
from dispatch.services import Application
from experts.models import Expert
from portal_institution.forms.approval import NO, OTHER, YES
from portal_institution.forms.fields import PlaceField
from rules import codes

# Which input an obstacle of the rules stands beside (dispatch.obstacles); the others stand in the summary alone.
FIELD_OF = {
    "planned_from": "day",
    "planned_to": "end",
    "latitude": "position",
    "longitude": "position",
}
_ANSWERS = [(NO, "いいえ"), (YES, "はい")]
# C4 in plain words: the question, and what follows from はい.
QUESTIONS = {
    "subsidised_labour": (
        "専門家の人件費に、国や自治体の補助が出ていますか",
        "「はい」のときは、謝金も旅費も支払われません（X01）。",
    ),
    "paid_by_institution": (
        "貴機関は、この支援について専門家に給与や謝金を支払いますか",
        "「はい」のときは、二重の支払になるため、この事業からは謝金も旅費も支払われません（X02）。",
    ),
    "member_of_institution": (
        "専門家は、貴機関の役員や職員など、貴機関に所属する人ですか",
        "「はい」のときは、謝金も旅費も支払われません（X03）。商工会、商工会議所、中央会、商店街振興組合連合会などは支払われます。",
    ),
    "requested_by_expert": (
        "この派遣は、専門家の側から頼まれたものですか",
        "「はい」のときは、謝金も旅費も支払われません（X04）。",
    ),
}


class _Time(forms.TimeInput):
    input_type = "time"


class _Day(forms.DateInput):
    input_type = "date"


def _time(label: str) -> forms.TimeField:
    return forms.TimeField(
        label=label,
        widget=_Time(format="%H:%M", attrs={"step": "300"}),
        error_messages={
            "required": f"{label}を入れてください。",
            "invalid": "時刻は 13:30 のように入れてください。",
        },
    )


class WhenForm(forms.Form):
    """Day and times of a visit in Japan."""

    day = forms.DateField(
        label="支援日",
        widget=_Day(format="%Y-%m-%d"),
        error_messages={"required": "支援日を入れてください。", "invalid": "支援日を選んでください。"},
    )
    start = _time("開始時刻")
    end = _time("終了時刻")

    def _moment(self, name: str) -> dt.datetime | None:
        day, time = self.cleaned_data.get("day"), self.cleaned_data.get(name)
        if day is None or time is None or not 2000 <= day.year < 2200:
            return None
        return clock.from_jst(dt.datetime.combine(day, time.replace(second=0, microsecond=0)))

    @property
    def planned_from(self) -> dt.datetime | None:
        """The start, as far as it is filled in."""
        return self._moment("start")

    @property
    def planned_to(self) -> dt.datetime | None:
        """The end, as far as it is filled in."""
        return self._moment("end")

    def clean_day(self) -> dt.date:
        """A day of this or the next century: a slip of the year is told at once."""
        day: dt.date = self.cleaned_data["day"]
        if not 2000 <= day.year < 2200:
            raise forms.ValidationError("年を確認してください。")
        return day

    def describe(self) -> None:
        """Ties each control to its help, its error and the obstacles beside it."""
        for name, field in self.fields.items():
            field.widget.attrs["aria-describedby"] = f"id_{name}_helptext id_{name}_error obstacles-{name}"


def choices_of(name: str, day: dt.date, said: str = "") -> list[tuple[str, str]]:
    """A dated list to choose from; what was said with an older list stays choosable."""
    names = code_items(name, day)
    if said and said not in names:
        names = [said, *names]
    return [("", "選んでください"), *((each, each) for each in names)]


class ApplicationForm(WhenForm):
    """Everything an application needs. `application` answers it as far as it is filled in and understood."""

    expert = forms.CharField(
        max_length=20, label="専門家", error_messages={"required": "専門家を選んでください。"},
        widget=forms.HiddenInput,
    )  # fmt: skip
    topic = forms.ChoiceField(label="経営課題")
    method = forms.ChoiceField(
        label="実施方式",
        choices=[(codes.METHOD_FACE_TO_FACE, "対面"), (codes.METHOD_WEB, "WEB（オンライン）")],
        widget=forms.RadioSelect,
        error_messages={"required": "実施方式を選んでください。"},
    )
    web_reason = forms.ChoiceField(
        label="WEBにする理由", required=False, help_text="WEBで行うには、事務局の事前の承認が必要です。"
    )
    place = forms.CharField(
        label="支援場所",
        max_length=500,
        required=False,
        help_text="建物名や階まで入れると、専門家が迷いません。",
    )
    position = PlaceField(label="支援場所の位置（緯度,経度）", required=False)
    accompanied = forms.ChoiceField(
        label="貴機関の同行",
        choices=[(YES, "同行する"), (NO, "同行しない")],
        widget=forms.RadioSelect,
        help_text="原則として、貴機関の職員が同行します。",
        error_messages={"required": "同行するかどうかを選んでください。"},
    )
    absence = forms.ChoiceField(label="同行しない理由", required=False)
    absence_detail = forms.CharField(
        label="理由の補足",
        max_length=500,
        required=False,
        help_text="「その他」を選んだときは、必ず入れてください。",
    )
    limit_reason = forms.CharField(
        label="上限を超えて派遣が必要な理由", max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="事務局が読んで判断します。",
    )  # fmt: skip
    lead_reason = forms.CharField(
        label="急ぐ理由", max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="事務局が読んで判断します。",
    )  # fmt: skip

    def __init__(self, *args: Any, case: Case, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.case, self.user = case, user
        self.chosen: Expert | None = None
        today = clock.today()
        for name, (question, consequence) in QUESTIONS.items():
            self.fields[name] = forms.ChoiceField(
                label=question, choices=_ANSWERS, widget=forms.RadioSelect, help_text=consequence,
                error_messages={"required": "「いいえ」か「はい」を選んでください。"},
            )  # fmt: skip
        for name, listed in (
            ("web_reason", CodeItem.List.WEB_REASON),
            ("absence", CodeItem.List.ABSENCE_REASON),
            ("topic", CodeItem.List.TOPIC),
        ):
            said = case.topic if name == "topic" else str(self[name].value() or "")
            self.fields[name].choices = choices_of(listed, today, said)  # type: ignore[attr-defined]
        self.describe()

    def clean_expert(self) -> str:
        """Somebody of the register."""
        code = self.cleaned_data["expert"]
        self.chosen = Expert.objects.visible_to(self.user).filter(code=code).first()
        if self.chosen is None:
            raise forms.ValidationError("その専門家は見つかりません。探し直してください。")
        return str(code)

    def clean(self) -> dict[str, Any]:
        """What belongs to a choice must be there."""
        said = super().clean() or {}
        if said.get("accompanied") == NO:
            if not said.get("absence"):
                self.add_error("absence", "同行しない理由を選んでください。")
            elif said["absence"] == OTHER and not said.get("absence_detail", "").strip():
                self.add_error("absence_detail", "「その他」の内容を入れてください。")
        return said

    def application(self) -> Application:
        """The application so far; call `is_valid` before."""
        said = self.cleaned_data
        face_to_face = said.get("method") != codes.METHOD_WEB
        latitude, longitude = said.get("position") or (None, None)
        reason = "：".join(
            part for part in (said.get("absence", ""), said.get("absence_detail", "").strip()) if part
        )
        return Application(
            case=self.case,
            expert=self.chosen,
            topic=said.get("topic", ""),
            method=said.get("method", ""),
            planned_from=self.planned_from,
            planned_to=self.planned_to,
            place=said.get("place", "").strip() if face_to_face else "",
            latitude=latitude if face_to_face else None,
            longitude=longitude if face_to_face else None,
            accompanied=said.get("accompanied") == YES,
            no_accompaniment_reason=reason if said.get("accompanied") == NO else "",
            subsidised_labour=said.get("subsidised_labour") == YES,
            paid_by_institution=said.get("paid_by_institution") == YES,
            member_of_institution=said.get("member_of_institution") == YES,
            requested_by_expert=said.get("requested_by_expert") == YES,
            web_reason="" if face_to_face else said.get("web_reason", ""),
            limit_reason=said.get("limit_reason", ""),
            lead_reason=said.get("lead_reason", ""),
        )
