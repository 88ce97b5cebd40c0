"""How a state looks: tone and sign per stored value. The word itself comes from the model's choices."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Look:
    """Tone (info, success, warning, error, solid, quiet or empty) and icon of a chip."""

    tone: str
    icon: str


NEUTRAL = Look("", "")

# One table for dispatches, runs and jobs: equal values mean equal looks.
STATUS_LOOKS: dict[str, Look] = {
    "draft": Look("", "pencil"),
    # dispatch
    "applied": Look("", "document"),
    "accepted": Look("info", "check"),
    "confirmed": Look("info", "check"),
    "visited": Look("info", "clock"),
    "reported": Look("info", "document"),
    "approved": Look("info", "check"),
    "verified": Look("success", "check"),
    "scheduled": Look("success", "clock"),
    "paid": Look("success", "check-circle"),
    "declined": Look("quiet", "minus"),
    "cancelled": Look("quiet", "minus"),
    "ineligible": Look("quiet", "ban"),
    # payout run
    "computed": Look("info", "play"),
    "exported": Look("success", "download"),
    "transferred": Look("success", "check-circle"),
    "closed": Look("quiet", "lock"),
    "dropped": Look("quiet", "minus"),
    # job
    "queued": Look("", "clock"),
    "running": Look("info", "play"),
    "done": Look("success", "check"),
    "failed": Look("error", "cross-circle"),
    # mail
    "sending": Look("info", "play"),
    "sent": Look("success", "check"),
    "unsure": Look("warning", "alert"),
}

# 区分 of findings (rules.md §5), and the payable rest.
FINDING_LOOKS: dict[str, Look] = {
    "支払可": Look("success", "check"),
    "保留": Look("warning", "pause"),
    "対象外": Look("quiet", "ban"),
    "未了": Look("", "clock"),
    "要確認": Look("info", "search"),
}
