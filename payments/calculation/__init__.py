"""A run's result: facts streamed out of PostgreSQL, the rules applied expert by expert."""

from .expert_results import Calculation, ExpertResult
from .facts import Account, Scope

__all__ = ["Account", "Calculation", "ExpertResult", "Scope"]
