"""Clients, cases, dispatches and everything that belongs to a dispatch."""

from .cases import Case, ConsultationNote, Draft
from .dispatches import (
    Assessment,
    CheckEvent,
    Company,
    CompanyQuerySet,
    Declaration,
    Dispatch,
    DispatchQuerySet,
    Finding,
    OfDispatchQuerySet,
    Status,
    StatusChange,
    TravelLine,
    VisitBasis,
)
from .escalations import Escalation
from .findings import EndedFinding, FindingReview
from .receipts import Receipt, ReceiptQuerySet
from .signals import (
    ReportSketch,
    ReviewSignal,
    SignalDecision,
    SignalTerms,
    SignatureSketch,
)
from .work import (
    ApprovalRequest,
    Attestation,
    AttestationLink,
    Correction,
    DispatchApplication,
    Inquiry,
    Reminder,
    Waiver,
)

__all__ = [
    "ApprovalRequest",
    "Assessment",
    "Attestation",
    "AttestationLink",
    "Case",
    "CheckEvent",
    "Company",
    "CompanyQuerySet",
    "ConsultationNote",
    "Correction",
    "Declaration",
    "Dispatch",
    "DispatchApplication",
    "DispatchQuerySet",
    "Draft",
    "EndedFinding",
    "Escalation",
    "Finding",
    "FindingReview",
    "Inquiry",
    "OfDispatchQuerySet",
    "Receipt",
    "ReceiptQuerySet",
    "Reminder",
    "ReportSketch",
    "ReviewSignal",
    "SignalDecision",
    "SignalTerms",
    "SignatureSketch",
    "Status",
    "StatusChange",
    "TravelLine",
    "VisitBasis",
    "Waiver",
]
