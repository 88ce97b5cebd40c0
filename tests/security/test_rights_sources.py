"""Views and admin pages find records through `visible_to` alone: read from their source."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib import admin

from core.adminsite.matrix import ByMatrix

BASE = Path(__file__).resolve().parent.parent.parent
# What a queryset may begin with, in a module that answers requests.
ALLOWED = {"visible_to", "none", "model"}
# Apps whose rows are the office's, an institution's, an expert's. Accounts themselves are all an administrator's:
# their screens ask for `manage_users` and the like.
BUSINESS = {
    "institutions",
    "experts",
    "dispatch",
    "payments",
    "surveys",
    "exchange",
    "jobs",
    "notify",
    "audit",
}
MANAGERS = {"objects", "_default_manager", "_base_manager"}


def modules() -> list[Path]:
    """Everything that answers requests."""
    found = [
        *(BASE / "office" / "views").rglob("*.py"),
        *(BASE / "portal_expert" / "views").rglob("*.py"),
        *(BASE / "portal_institution" / "views").rglob("*.py"),
        BASE / "portal_institution" / "access.py",
        BASE / "office" / "access.py",
    ]
    for pattern in (
        "*/admin.py",
        "core/*/admin.py",
        "core/*/adminpages.py",
        "core/adminsite/*.py",
        "*/api.py",
    ):
        found += BASE.glob(pattern)
    return sorted(path for path in found if ".venv" not in path.parts and "build" not in path.parts)


def business_models() -> set[str]:
    """The classes whose rows are somebody's."""
    return {model.__name__ for model in apps.get_models() if model._meta.app_label in BUSINESS}


def starts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and text of each queryset that begins with something else than what the person may see."""
    models = business_models()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute):
            manager = node.value
            of_ours = not isinstance(manager.value, ast.Name) or manager.value.id in models
            if manager.attr in MANAGERS and of_ours and node.attr not in ALLOWED:
                yield node.lineno, ast.unparse(node)
        if isinstance(node, ast.Call):
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            first = node.args[0] if node.args else None
            if called.endswith("_or_404") and isinstance(first, ast.Name) and first.id in models:
                yield node.lineno, ast.unparse(node)
            if called in ("raw", "cursor") and not isinstance(node.func, ast.Name):
                yield node.lineno, ast.unparse(node)


# Places that ask the database directly, each with its reason.
REASONS = {
    ("office/views/people.py", "Change.objects.filter"): "the changes of an account, for its administrator",
    (
        "office/views/sign_in_policy.py",
        "Change.objects.filter",
    ): "the changes of the policy, for administrators",
    ("office/views/front.py", "connection.cursor()"): "the health check asks for nothing",
    ("office/views/signal_terms.py", "SignalTerms.objects.order_by"): "thresholds, for whoever may set them",
    ("office/views/inquiries.py", "Task.objects.open"): "whether somebody of the office has read an answer",
    ("office/views/signals.py", "Job.objects.filter"): "whether a look is under way: a yes or no, no record",
    ("core/programme/admin.py", "connection.cursor()"): "whether a rule set is used: a yes or no, no record",
}


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(BASE)))
def test_a_view_starts_from_what_the_person_may_see(path: Path) -> None:
    name = str(path.relative_to(BASE))
    found = [
        (line, text)
        for line, text in starts(ast.parse(path.read_text(encoding="utf-8")))
        if (name, text) not in REASONS
    ]
    assert found == [], f"{name}: begin with visible_to(user)"


def test_the_reading_of_sources_finds_what_it_looks_for() -> None:
    bad = """
a = Dispatch.objects.all()
b = Expert.objects.filter(code="E1")
c = get_object_or_404(Job, pk=1)
d = Dispatch._default_manager.get(pk=1)
e = connection.cursor()
"""
    good = """
a = Dispatch.objects.visible_to(user).filter(number="D1")
b = get_object_or_404(Job.objects.visible_to(user), pk=1)
c = Institution.objects.none()
"""
    assert len(list(starts(ast.parse(bad)))) == 5
    assert list(starts(ast.parse(good))) == []


def test_every_page_of_the_admin_follows_the_matrix() -> None:
    for page in admin.site._registry.values():
        assert isinstance(page, ByMatrix), page
        for name in ("has_view_permission", "has_add_permission", "has_delete_permission"):
            assert getattr(type(page), name) is getattr(ByMatrix, name), (page, name)
