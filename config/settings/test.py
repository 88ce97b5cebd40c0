"""Tests: the embedded settings on a database of their own, with cheap password hashes."""

import os

from config.test_place import place

# a cluster of the tests' own, apart from the one people work with
if not os.environ.get("VAR_DIR"):
    os.environ["VAR_DIR"] = str(place())
os.environ.setdefault("EMBEDDED_FSYNC", "off")

from .embedded import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CELERY_TASK_ALWAYS_EAGER = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

# processes that a test starts count by themselves: what another test did can't lock them out
CACHES["default"]["KEY_PREFIX"] = os.environ.get("CACHE_KEY_PREFIX", "")  # noqa: F405
