"""Who agreed to what."""

from collections.abc import Iterable

from .models import Agreement


def agreements_of(subject: str, code: str = "") -> list[Agreement]:
    """The agreements about one subject with their texts, the newest first. One query."""
    rows = Agreement.objects.filter(subject=subject).select_related("text")
    return list(rows.filter(text__code=code) if code else rows)


def agreed_subjects(subjects: Iterable[str], text_id: int) -> set[str]:
    """Which of the subjects have agreed to one version. One query."""
    return set(
        Agreement.objects.filter(text=text_id, subject__in=list(subjects)).values_list("subject", flat=True)
    )
