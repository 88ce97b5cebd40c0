"""Whether the last good backup is young enough and the log is kept (docs/operations/backup.md). Exit status 0 or 1."""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")
django.setup()

from core import clock  # noqa: E402 - needs the settings
from core.backup.cluster import own_repository  # noqa: E402
from core.backup.watching import standing  # noqa: E402

if problems := standing(own_repository(), clock.now()).problems:
    sys.exit("backup: " + " ".join(problems))
