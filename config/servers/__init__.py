"""The project's own PostgreSQL and Redis, for when DATABASE_URL / REDIS_URL name no others.

`endpoints(var_dir)` answers the addresses without starting anything, `attach(var_dir)` makes this
process a user of running servers, `detach(var_dir)` ends that. `python -m config.servers` is for people.
"""

from .errors import ServersError
from .layout import Endpoints
from .users import attach, detach, endpoints

__all__ = ["Endpoints", "ServersError", "attach", "detach", "endpoints"]
