"""The text by which a client agrees to sharing its data (requirements C2, I1), in dated versions (core.agreements)."""

import datetime as dt

from core.agreements.models import TextCode, TextVersion
from core.agreements.services import current_text


def consent_text(day: dt.date) -> TextVersion:
    """The version that is asked with on a day: the latest one begun. Raises DomainError where there is none."""
    return current_text(TextCode.CLIENT_CONSENT, day)


def consent_text_of(version: str) -> TextVersion | None:
    """The version of that name; None for a name of elsewhere."""
    return TextVersion.objects.filter(code=TextCode.CLIENT_CONSENT, version=version).first()
