"""What of the appointments of two entries keeps them from becoming one."""

from core import clock
from experts.merging import merge_obstacle
from experts.models import Expert
from rules.dates import fiscal_year

from .models import Appointment

State = Appointment.State
# The person has said yes; without a counterpart that yes would end with the double.
_AGREED = (State.AGREED, State.ISSUED, State.ACCEPTED)


@merge_obstacle
def appointed_as_the_double_alone(kept: Expert, double: Expert) -> str:
    """A year, this one or a later one, for which the person agreed as the double and not as the entry that goes on.

    An offer without an answer keeps nothing: the other entry has, or can get, its own. One query.
    """
    rows = Appointment.objects.filter(
        expert__in=(kept.pk, double.pk), round__fiscal_year__gte=fiscal_year(clock.today()), state__in=_AGREED
    ).values_list("expert", "round__fiscal_year")
    years = {pk: {year for owner, year in rows if owner == pk} for pk in (kept.pk, double.pk)}
    alone = sorted(years[double.pk] - years[kept.pk])
    if not alone:
        return ""
    named = "・".join(f"{year}年度" for year in alone)
    return (
        f"{named}の委嘱に同意しているのは {double.code} だけです。"
        f"このまま統合すると {kept.code} は委嘱を受けていないことになります。"
        f"{kept.code} で委嘱の案内への同意を得てから統合するか、続く登録と終わる登録を入れ替えてください。"
    )
