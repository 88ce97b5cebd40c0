"""Whether an application needs an appointed expert: dated data (core.programme.DispatchTerms), by default it doesn't."""

import datetime as dt
from collections.abc import Iterator

from experts.appointment.models import Appointment
from experts.appointment.selectors import appointment_of_day
from experts.models import Expert
from rules.dates import fiscal_year
from rules.wording import day as day_text

from .obstacles import Obstacle


def unappointed(expert: Expert, day: dt.date) -> Iterator[Obstacle]:
    """Whether the expert has accepted the appointment of the day's fiscal year, and it has begun by then."""
    found = appointment_of_day(expert, day)
    if found is None:
        actual, next_step = (
            "委嘱の案内がまだありません",
            "事務局へ委嘱の案内を依頼するか、別の専門家を選んでください。",
        )
    elif found.state != Appointment.State.ACCEPTED:
        actual = f"承諾が済んでいません（{found.get_state_display()}）"
        next_step = "専門家に、専門家の画面の「委嘱」での手続きを依頼するか、別の専門家を選んでください。"
    elif found.first_day > day:
        actual = f"委嘱は {day_text(found.first_day)} からです"
        next_step = f"{day_text(found.first_day)} 以後の日にするか、別の専門家を選んでください。"
    else:
        return
    expected = f"{fiscal_year(day)}年度の委嘱を承諾した専門家"
    yield Obstacle("専門家の委嘱", expected, actual, next_step, field="expert")
