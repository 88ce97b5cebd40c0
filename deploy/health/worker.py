"""Whether this container's Celery worker takes messages, asked through the broker. Exit status 0 or 1."""

import socket
import sys

from config.celery import app

name = f"celery@{socket.gethostname()}"
if not app.control.ping(destination=[name], timeout=8):
    sys.exit(f"worker: {name} does not answer")
