"""The one way to tell people: tasks that wait for them, and mails queued with the act they tell about."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import connection, transaction
from django.db.models import Model
from django.utils import timezone

from core.audit.acting import Actor
from core.errors import DomainError
from core.jobs.waking import wake
from core.secrets import encrypt

from .models import Mail, Person, Task
from .rendering import one_line, render_mail


def object_key(thing: Model | str) -> str:
    """How tasks and mails name what they are about: `payments.payoutrun:12`; a text names itself."""
    return thing if isinstance(thing, str) else f"{thing._meta.label_lower}:{thing.pk}"


def open_task(
    *,
    code: str,
    object: Model | str,
    title: str,
    path: str,
    actor: Actor,
    person: Any = None,
    role: str = "",
    note: str = "",
) -> Task:
    """Lets something wait for one person or for everybody of one role.

    Announced again while it is open, it is the same task still: the database keeps one open task per code,
    object and recipient, also between two transactions at once.
    """
    if (person is None) == (not role):
        raise ValueError("a task is for a person or for a role")
    recipient = {"person": person} if person is not None else {"person": None, "role": role}
    matter = {"code": code, "object": object_key(object), "closed_at": None, **recipient}
    task = Task(
        code=code,
        object=object_key(object),
        title=title[:200],
        note=note[:200],
        path=path,
        person=person,
        role=role,
        opened_by_id=actor.pk,
    )
    return task if _is_new(task) else Task.objects.get(**matter)


def close_tasks(*, code: str, object: Model | str, actor: Actor, path: str = "") -> int:
    """Ends every open task of this code about this object, whoever it waited for; answers how many there were.

    With a `path` only those that lead there: one side's, where both sides wait for the same.
    """
    tasks = Task.objects.open().filter(code=code, object=object_key(object))
    if path:
        tasks = tasks.filter(path=path)
    return tasks.update(closed_at=timezone.now(), closed_by_id=actor.pk)


def waiting_for(user: Person) -> list[Task]:
    """What waits for this person, oldest first."""
    return list(Task.objects.visible_to(user).open().select_related("opened_by").order_by("opened_at", "pk"))


def queue_mail(
    *,
    to: str,
    template: str,
    context: dict[str, Any],
    key: str,
    actor: Actor,
    concerns: str = Mail.Concern.WORK,
    keeps_body: bool = True,
) -> Mail:
    """Queues one mail in the transaction of its act: rolled back with it, sent after it has committed.

    `key` says which mail it is (e.g. `notice:2026-11:E0001`): a second call with the same key changes nothing and
    answers the first one. `keeps_body=False` for texts with a one-time link: the text goes once it was sent.
    Refuses an address no mail can be sent to.
    """
    subject, body = render_mail(template, context)
    return queue_text(
        to=to,
        subject=subject,
        body=body,
        key=key,
        actor=actor,
        concerns=concerns,
        keeps_body=keeps_body,
        template=template,
    )


def queue_text(
    *,
    to: str,
    subject: str,
    body: str,
    key: str,
    actor: Actor,
    concerns: str,
    keeps_body: bool,
    template: str = "",
) -> Mail:
    """`queue_mail` for a text that was made elsewhere."""
    try:
        validate_email(to)
    except ValidationError as invalid:
        raise DomainError("メールアドレスの形式が正しくないため、メールを送れません。") from invalid
    mail = Mail(
        key=key,
        concerns=concerns,
        template=template,
        to=to,
        subject=one_line(subject),
        body_cipher=encrypt(body),
        keeps_body=keeps_body,
        next_at=timezone.now(),
        created_by_id=actor.pk,
    )
    is_new = _is_new(mail)
    wake_sender()
    return mail if is_new else Mail.objects.get(key=key)


def wake_sender() -> None:
    """Wakes the worker after the commit; once, however many mails a transaction queues: it takes whatever is due."""
    if all(waiting[1] is not _send_soon for waiting in connection.run_on_commit):
        transaction.on_commit(_send_soon)


def _send_soon() -> None:
    from .tasks import send_mails

    wake(send_mails)


def _is_new(row: Model) -> bool:
    """Inserts a row unless one of the same matter stands there already, and says whether it did. One statement:
    Django's own way to ignore conflicts doesn't answer the number of the row."""
    fields = [field for field in row._meta.concrete_fields if not field.primary_key]
    values = [field.get_db_prep_save(field.pre_save(row, True), connection) for field in fields]
    names = ", ".join(f'"{field.column}"' for field in fields)
    places = ", ".join(["%s"] * len(fields))
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO "{row._meta.db_table}" ({names}) VALUES ({places}) ON CONFLICT DO NOTHING RETURNING id',  # noqa: S608 names of our own columns
            values,
        )
        inserted = cursor.fetchone()
    if inserted is None:
        return False
    row.pk, row._state.adding, row._state.db = inserted[0], False, connection.alias
    return True


def notify(
    *,
    code: str,
    object: Model | str,
    title: str,
    path: str,
    actor: Actor,
    persons: Iterable[Any] = (),
    role: str = "",
    note: str = "",
    template: str = "",
    context: dict[str, Any] | None = None,
) -> list[Task]:
    """Opens a task for each person, and one for the role; with a template, mails whoever has an address.

    A mail belongs to its task: announced again while the task is open nothing is sent, after it was closed it is.
    The template gets `title`, `note`, `path`, `name` (of the person) and the given context.
    """
    tasks = []
    words = {"title": title, "note": note, "path": path, **(context or {})}
    with transaction.atomic():
        for person in persons:
            task = open_task(
                code=code, object=object, title=title, path=path, actor=actor, person=person, note=note
            )
            tasks.append(task)
            _mail(task, [person], template, words, actor)
        if role:
            task = open_task(
                code=code, object=object, title=title, path=path, actor=actor, role=role, note=note
            )
            tasks.append(task)
            if template:
                everybody = get_user_model().objects.filter(role=role, is_active=True).order_by("pk")
                _mail(task, everybody, template, words, actor)
    return tasks


def _mail(task: Task, people: Iterable[Any], template: str, words: dict[str, Any], actor: Actor) -> None:
    for person in people:
        if template and person.email and person.is_active:
            queue_mail(
                to=person.email,
                template=template,
                context={"name": person.get_full_name(), **words},
                key=f"task:{task.pk}:{person.pk}",
                actor=actor,
            )
