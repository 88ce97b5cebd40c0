"""What the history says across transactions that really commit."""

from accounts.models import Role
from accounts.services import create_user
from core.audit.acting import SYSTEM, acting
from core.audit.models import Change
from core.programme.models import CodeItem


def test_the_act_is_forgotten_when_its_transaction_has_ended(fresh_database: object) -> None:
    user = create_user(username="tanaka", role=Role.OFFICE_OPERATOR, actor=SYSTEM)
    with acting(user, "rename_topic"):
        CodeItem.objects.filter(name="創業").update(position=50)
    CodeItem.objects.filter(name="創業").update(position=51)
    last = Change.objects.order_by("id").last()
    assert last is not None
    assert (last.actor_id, last.actor_name, last.action) == (None, "", "")
