"""Whether the web process answers, the way the proxy would ask it. Exit status 0 or 1."""

import http.client
import os
import sys

port = int(os.environ.get("WEB_BIND", "0.0.0.0:8000").rpartition(":")[2])
host = os.environ.get("ALLOWED_HOSTS", "").split(",")[0].strip()
connection = http.client.HTTPConnection("127.0.0.1", port, timeout=8)
try:
    connection.request("GET", "/healthz", headers={"Host": host, "X-Forwarded-Proto": "https"})
    status = connection.getresponse().status
except OSError as error:
    sys.exit(f"web: {error}")
if status != 200:
    sys.exit(f"web: HTTP {status}")
