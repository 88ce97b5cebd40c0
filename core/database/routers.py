"""`owner` is the same database as `default`, spoken to by the role that may change its structure."""

from typing import Any


class OneDatabaseRouter:
    """All reads and writes of the application go through its own role; only migrations use the owner's."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        instance = hints.get("instance")
        # a migration's objects stay with the connection that migrates
        return (instance is not None and instance._state.db) or "default"

    db_for_write = db_for_read

    def allow_relation(self, obj1: Any, obj2: Any, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return db == "owner"
