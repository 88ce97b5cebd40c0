"""The matrix of rights as a document people can read (docs/permissions.md)."""

from collections.abc import Iterator

from django.apps import apps

from .models import Role
from .rights import GENERAL, Reach, Right, field_groups, rights, title_of

SIGNS = {Reach.ALL: "○", Reach.OWN: "自", Reach.MASKED: "伏", Reach.NONE: "―"}

HEAD = """# 権限の一覧

誰が何をできるかの一覧です。`accounts/permissions.csv` と `accounts/field_groups.csv` から `manage.py print_permissions` で作ります。
画面・管理画面・サービス・テストは、すべて同じデータを使います。ここに無いことは、誰もできません。

- ○ すべての記録　自 自分（自機関）の記録だけ。他者の記録は、存在しないものとして扱います（404）
- 伏 下3桁だけ（全桁の閲覧は、理由を記録する別の操作）　― できない
- 停止中の利用者は、どの役割でも何もできません。スーパーユーザの印は、何の権限にもなりません。
- 承認は、作成者以外の承認者だけができます（データベースの制約でもあります）。
"""


def document() -> str:
    """The whole document in Markdown."""
    return "\n".join([HEAD, *_acts(), "", *_tables(), "", *_groups()]) + "\n"


def _header(first: str) -> Iterator[str]:
    yield f"| {first} | " + " | ".join(role.label for role in Role) + " |"
    yield "|---|" + "---|" * len(Role)


def _line(first: str, right: Right) -> str:
    return f"| {first} | " + " | ".join(SIGNS[right.of(role)] for role in Role) + " |"


def _acts() -> Iterator[str]:
    yield "## 操作"
    yield ""
    yield from _header("操作")
    for right in rights().values():
        if right.act not in GENERAL:
            yield _line(f"{right.title}（`{right.act}`）", right)


def _tables() -> Iterator[str]:
    yield "## 表と項目"
    yield ""
    yield "取込・作成・承認などの操作は、これに加えて上の「操作」の権限を必要とします。"
    yield ""
    yield from _header("表と項目")
    for right in rights().values():
        if right.act in GENERAL:
            yield _line(title_of(right), right)


def _groups() -> Iterator[str]:
    yield "## 項目のまとまり"
    yield ""
    yield "ここに無い項目は、表そのものの権限に従います。"
    yield ""
    yield "| 表 | まとまり | 項目 |"
    yield "|---|---|---|"
    for table, groups in field_groups().items():
        model = apps.get_model(table)
        for group in groups:
            names = "、".join(str(model._meta.get_field(name).verbose_name) for name in group.fields)  # type: ignore[union-attr]
            yield f"| {model._meta.verbose_name} | {group.title} | {names} |"
