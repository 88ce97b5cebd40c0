"""What other parts of the program do with appointments."""

from .answering import accept_letter, answer_conditions
from .issuing import issue_one, queue_issue
from .offering import offer_appointment, open_round, remind_waiting, send_again

__all__ = [
    "accept_letter",
    "answer_conditions",
    "issue_one",
    "offer_appointment",
    "open_round",
    "queue_issue",
    "remind_waiting",
    "send_again",
]
