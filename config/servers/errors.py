"""What can go wrong with the project's own servers."""


class ServersError(Exception):
    """The servers cannot run here; the message says why and what to do, in Japanese."""
