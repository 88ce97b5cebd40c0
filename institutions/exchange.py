"""institutions.csv (exchange.md §1)."""

from core.exchange.cells import Choice, Code, Date, Text
from core.exchange.registry import Column, Identifier, Table, register
from core.japan.prefectures import BY_CODE
from rules import codes

from .models import Institution

INSTITUTIONS = register(
    Table(
        name="institutions",
        order=2,
        model=Institution,
        key=("機関コード",),
        columns=(
            Column("機関コード", Identifier(), "code", required=True),
            Column("機関名", Text(200), "name", required=True),
            Column("機関区分", Choice(codes.INSTITUTION_KINDS), "kind", required=True),
            Column(
                "都道府県コード",
                Choice(tuple(BY_CODE), "01 から 47 までの都道府県コードではありません。"),
                "prefecture_code",
                required=True,
            ),
            Column("所在地", Text(500), "address"),
            Column("電話番号", Text(50), "phone"),
            Column("メールアドレス", Text(254), "email"),
            Column("認定支援機関番号", Code(), "certification_number"),
            Column("認定有効期限", Date(), "certified_until"),
            Column("地域PFコード", Code(), "platform_code"),
            Column("地域PF名", Text(200), "platform_name"),
            Column("地域PF役割", Choice(codes.PLATFORM_ROLES), "platform_role"),
        ),
    )
)
