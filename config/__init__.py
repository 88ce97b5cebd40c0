"""Settings, addresses and ways in. Loads the Celery application: tasks find it wherever Django runs."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
