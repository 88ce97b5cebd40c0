"""What `manage.py check` says about this app's settings."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, register


@register(deploy=True)
def there_is_a_virus_scanner(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Uploads without a scanner are used at once: allowed, but nobody should believe otherwise. (check --deploy)"""
    if settings.CLAMD_ADDRESS:
        return []
    return [
        Info(
            "ウイルス検査が設定されていません（CLAMD_ADDRESS）。受け取った領収書は、検査なしで使えます。",
            hint="docs/running.md の「ウイルス検査」をご覧ください。",
            id="dispatch.I001",
        )
    ]


@register()
def the_scanners_address_is_one(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """An address nobody can answer at would let every upload wait for ever."""
    address = settings.CLAMD_ADDRESS
    host, _, port = address.rpartition(":")
    if not address or address.startswith("unix:/") or (host and port.isdigit() and 0 < int(port) < 65536):
        return []
    return [Error("CLAMD_ADDRESS は「ホスト名:ポート」か「unix:/パス」にしてください。", id="dispatch.E001")]
