"""What can be found that looks like fraud (reference of the programme's neighbour: invented visits, padded hours)."""

from . import people, places, reports, signatures, visits
from .registry import KINDS, PREPARING, Found, Kind, Window, prepares, signal
from .thresholds import Thresholds

__all__ = [
    "KINDS",
    "PREPARING",
    "Found",
    "Kind",
    "Thresholds",
    "Window",
    "people",
    "places",
    "prepares",
    "reports",
    "signal",
    "signatures",
    "visits",
]
