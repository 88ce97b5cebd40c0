"""What a bank file refuses."""

from __future__ import annotations


class ZenginError(ValueError):
    """Something the bank file cannot hold; the message is Japanese and names the field or the character."""


class ZenginNameError(ZenginError):
    """A name with a character the bank refuses; `position` is 1-based in the text as given."""

    def __init__(self, message: str, position: int, character: str) -> None:
        super().__init__(message)
        self.position = position
        self.character = character
