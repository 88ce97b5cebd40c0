"""What tests of backups share."""

from backup_place import made_once, place

__all__ = ["made_once", "place"]
