"""Registrations of experts: recommendation, what the person typed, certificates, what was sent back."""

from .certificates import Certificate, CertificateQuerySet
from .registrations import Entry, FieldReturn, Registration, RegistrationQuerySet, Submission

__all__ = [
    "Certificate",
    "CertificateQuerySet",
    "Entry",
    "FieldReturn",
    "Registration",
    "RegistrationQuerySet",
    "Submission",
]
