"""Errors that people meet. Services raise them; one handler per surface shows them."""


class DomainError(Exception):
    """A refusal a person can act on: the message says what, why and what next, in Japanese."""

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code

    def __str__(self) -> str:
        return self.message


class NotAllowed(DomainError):
    """The person has no right to do this."""
