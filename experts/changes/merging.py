"""What of the requests to change two entries keeps them from becoming one."""

from experts.merging import merge_obstacle
from experts.models import Expert

from .models import ChangeRequest

_NAMED = 5


@merge_obstacle
def open_changes(kept: Expert, double: Expert) -> str:
    """Requests that somebody still has to do something about: of the double nobody could make them any more, of the
    entry that goes on they were asked over values the merge may change. One query."""
    numbers = [
        row.number
        for row in ChangeRequest.objects.open()
        .filter(expert__in=(kept.pk, double.pk))
        .order_by("asked_at", "pk")
    ]
    if not numbers:
        return ""
    named = "、".join(numbers[:_NAMED]) + ("など" if len(numbers) > _NAMED else "")
    return (
        f"終わっていない登録内容の変更申請が{len(numbers)}件あります（{named}）。"
        "「登録内容の変更」の画面で、反映するか「反映しない」にしてから統合してください。"
    )
