"""The matrix of rights as a document people can read (docs/permissions.md)."""

from collections.abc import Iterator

from django.apps import apps

from core.database import roles
from core.database.addresses import SEALER_ROLE

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
    parts = [HEAD, *_acts(), "", *_tables(), "", *_groups(), "", *_database()]
    return "\n".join(parts) + "\n"


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
            names = "、".join(str(model._meta.get_field(name).verbose_name) for name in group.fields)
            yield f"| {model._meta.verbose_name} | {group.title} | {names} |"


def _database() -> Iterator[str]:
    yield "## データベースのロール"
    yield ""
    yield "画面の権限の後ろに、データベース自身の権限があります（`core/database/roles.py`、docs/adr/0002）。"
    yield ""
    yield "- アプリケーション: 業務の表の SELECT・INSERT・UPDATE。構造の変更、一時表、TRUNCATE はできません。"
    yield f"  - DELETE もできる表: {_listed(roles.DELETABLE)}、取込の作業領域 `{roles.DELETABLE_PREFIX}…`"
    yield f"  - INSERT と SELECT だけの表: {_listed(roles.APPEND_ONLY)}"
    resealed = "、".join(f"`{name}.{column}`" for name, column in roles.RESEALED.items())
    yield f"  - そのうち、鍵を替えるときに暗号文だけを置き換えられる列（内容は変えられない）: {resealed}"
    yield f"  - SELECT だけの表: {_listed(roles.READ_ONLY)}"
    sealer = "、".join(f"`{name}`（{rights}）" for name, rights in roles.SEALER_RIGHTS.items())
    yield f"- 封印（`{SEALER_ROLE}`）: {sealer}"
    yield f"- 閲覧専用（`{roles.READONLY_ROLE}`）: 次の表の SELECT だけ。ここに無い表は読めません。"
    for name, kept in roles.READABLE.items():
        yield f"  - `{name}`" + (f"（読めない列: {_listed(kept)}）" if kept else "")


def _listed(names: tuple[str, ...]) -> str:
    return "、".join(f"`{name}`" for name in names)
