"""What of an expert's dispatches keeps the entry from ending as the double of another one."""

from experts.merging import merge_obstacle
from experts.models import Expert

from .models import Dispatch
from .selectors import SETTLED

_NAMED = 5


@merge_obstacle
def open_dispatches(kept: Expert, double: Expert) -> str:
    """Dispatches for which something is still to be done or paid: their payee stays who agreed to them. One query."""
    numbers = list(
        Dispatch.objects.filter(expert=double)
        .exclude(status__in=SETTLED)
        .order_by("number")
        .values_list("number", flat=True)
    )
    if not numbers:
        return ""
    named = "、".join(numbers[:_NAMED]) + ("など" if len(numbers) > _NAMED else "")
    return (
        f"{double.code} には、終わっていない派遣が{len(numbers)}件あります（{named}）。"
        "支払が決まるか、取り消されてから統合するか、もう一方の登録へ統合してください。"
    )
