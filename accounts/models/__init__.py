"""People who sign in, how they may, and what is recorded about it."""

from .people import OFFICE_BUSINESS_ROLES, OFFICE_ROLES, SECOND_FACTOR_ROLES, PasswordRecord, Role, User
from .policy import BOUNDS, Bound, RoleNetworks, SignInPolicy
from .records import Alarm, SignInEvent

__all__ = [
    "BOUNDS",
    "OFFICE_BUSINESS_ROLES",
    "OFFICE_ROLES",
    "SECOND_FACTOR_ROLES",
    "Alarm",
    "Bound",
    "PasswordRecord",
    "Role",
    "RoleNetworks",
    "SignInEvent",
    "SignInPolicy",
    "User",
]
