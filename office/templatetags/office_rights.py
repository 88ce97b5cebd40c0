"""Rights in templates: what a person may not do isn't offered."""

from django import template

from accounts.models import User
from accounts.rights import may

register = template.Library()


@register.filter(name="may")
def may_do(user: object, act: str) -> bool:
    """Whether the signed-in person may do a named act: {% if user|may:"see_history" %}."""
    return isinstance(user, User) and may(user, act).allowed
