"""News about a dispatch end when the person has seen the dispatch."""

from typing import TYPE_CHECKING

from core import clock
from core.notify.models import Task
from core.notify.services import object_key

from ..models import Dispatch
from .telling import NEWS

if TYPE_CHECKING:
    from accounts.models import User


def close_news(*, dispatch: Dispatch, person: "User") -> int:
    """Ends this person's own news about the dispatch; others keep theirs. Answers how many there were. One query."""
    return (
        Task.objects.open()
        .filter(person=person, code=NEWS, object=object_key(dispatch))
        .update(closed_at=clock.now(), closed_by_id=person.pk)
    )
