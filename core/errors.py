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


class FieldErrors(DomainError):
    """Several fields can't be taken: `by_field` says of each why."""

    def __init__(self, by_field: dict[str, str]) -> None:
        self.by_field = by_field
        super().__init__("、".join(f"{field}: {why}" for field, why in by_field.items()), code="fields")
