"""What of a renewal under way keeps two entries of one person from becoming one."""

from experts.merging import merge_obstacle
from experts.models import Expert

from .models import Ask, Campaign


@merge_obstacle
def answered_as_the_double_alone(kept: Expert, double: Expert) -> str:
    """An answer (or the office's exception) under the double that the entry that goes on doesn't have.

    Closing would end the registration of a person who asked to stay, or keep one who asked to leave. One query.
    """
    asks = {
        ask.expert_id: ask
        for ask in Ask.objects.filter(expert__in=(kept.pk, double.pk))
        .exclude(campaign__state=Campaign.State.CLOSED)
        .select_related("campaign")
    }
    goes_on, ends = asks.get(kept.pk), asks.get(double.pk)
    if goes_on is None or ends is None or not _is_settled(ends):
        return ""
    if _is_settled(goes_on) and _stays(goes_on) == _stays(ends):
        return ""
    return (
        f"{ends.campaign}で、{double.code} は「{_words(ends)}」、{kept.code} は「{_words(goes_on)}」です。"
        f"本人に確かめて {kept.code} の回答を「登録の更新」で記録してから統合するか、"
        "続く登録と終わる登録を入れ替えてください。"
    )


def _is_settled(ask: Ask) -> bool:
    return bool(ask.answer) or ask.is_exempt


def _stays(ask: Ask) -> bool:
    return ask.answer == Ask.Answer.RENEW or ask.is_exempt


def _words(ask: Ask) -> str:
    return "例外として継続" if ask.is_exempt else str(ask.get_answer_display())
