"""What the walks did, counted: for the report, and to see that they reach what they are for."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Tally:
    """Counts over all walks of a session."""

    walks: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)

    @property
    def acts(self) -> int:
        """How many acts were tried."""
        return self.done.total() + self.refused.total()

    def as_dict(self) -> dict[str, Any]:
        """For a JSON file."""
        return {name: dict(sorted(counter.items())) for name, counter in vars(self).items()}
