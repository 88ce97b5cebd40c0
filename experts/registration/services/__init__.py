"""What people do to registrations: docs/registration.md."""

from .approving import DuplicatesChanged, approve, duplicates_of
from .certificates import (
    add_certificate,
    limits,
    open_certificate,
    open_own_certificate,
    remove_certificate,
)
from .deciding import account_in_full, last_submission, pass_to_office, return_fields
from .entering import (
    TEXTS,
    EntryConflict,
    EntryRefused,
    check_entry,
    entry_hints,
    kinds_of,
    save_entry,
    submit,
)
from .inviting import recommend, registration_by_token, send_invitation_again, withdraw
from .steps import LinkUnusable, StaleRegistration, seen_token

__all__ = [
    "TEXTS",
    "DuplicatesChanged",
    "EntryConflict",
    "EntryRefused",
    "LinkUnusable",
    "StaleRegistration",
    "account_in_full",
    "add_certificate",
    "approve",
    "check_entry",
    "duplicates_of",
    "entry_hints",
    "kinds_of",
    "last_submission",
    "limits",
    "open_certificate",
    "open_own_certificate",
    "pass_to_office",
    "recommend",
    "registration_by_token",
    "remove_certificate",
    "return_fields",
    "save_entry",
    "seen_token",
    "send_invitation_again",
    "submit",
    "withdraw",
]
