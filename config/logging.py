"""Log lines: one JSON object each, on stderr, without personal data.

Log ids, never texts: no filter recognises a name. What others log (Django, packages, gunicorn) may quote what a person
typed, so of their lines only the fixed sentence is kept; exceptions keep their kind and place, not their message, which
quotes values (a unique constraint names the row). What remains is scrubbed by key and by pattern.
"""

import logging
import logging.config
import re
from typing import Any

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

HIDDEN = "［非表示］"
# Keys whose values are personal or secret, whatever they look like.
_HIDDEN_KEY = re.compile(
    r"name|kana|mail|phone|tel|fax|address|account|holder|birth|token|password|passwd|secret|cookie|authorization|csrf"
    r"|session|signature|subject|body|title|note|text|query|search|reason|comment|url|link|氏名|住所|電話|口座",
    re.I,
)
_PATTERNS = (
    re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+"),
    # behind these paths a token opens something
    re.compile(r"(?<=/set-password/)\S+|(?<=/renew/)\S+|(?<=/[cry]/)\S+"),
    re.compile(r"\b(?=[A-Za-z0-9_-]*[A-Za-z])(?=[A-Za-z0-9_-]*\d)[A-Za-z0-9_-]{24,}"),
    re.compile(r"(?<![\w-])0\d{1,4}[-(（ー－\s]?\d{1,4}[-)）ー－\s]?\d{3,4}(?![\w-])"),
    re.compile(r"(?<![0-9A-Za-z])\d{7,}(?![0-9A-Za-z])"),
)
_PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[-#0 +]*\d*(?:\.\d+)?[a-zA-Z]")
_WARNING = re.compile(r"[^\n:]+:\d+: \w+")
# Loggers of ours: they log ids.
_OURS = frozenset(
    {"core", "accounts", "institutions", "experts", "dispatch", "payments", "surveys", "office", "config"}
)
# Their sentences are about processes and tasks, whose arguments are ids.
_ABOUT_PROCESSES = frozenset({"celery", "kombu"})
# Kinds of exceptions whose message speaks of the program, not of data.
_TELLING = (ImportError, NameError, AttributeError, RecursionError, MemoryError)
_KEPT_KEYS = frozenset({"timestamp", "level", "logger", "route", "method", "request_id"})
_FRAMES = 15


def scrub_text(text: str) -> str:
    """The text with whatever looks like an address, a number of somebody or a token taken out."""
    for pattern in _PATTERNS:
        text = pattern.sub(HIDDEN, text)
    return text


def scrub(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """The last step before a line is written."""
    for key, value in event.items():
        if key not in _KEPT_KEYS:
            event[key] = _scrubbed(key, value)
    return event


def _scrubbed(key: str, value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value if not (_HIDDEN_KEY.search(key) and value) else HIDDEN
    if _HIDDEN_KEY.search(key):
        return HIDDEN
    if isinstance(value, dict):
        return {str(inner): _scrubbed(str(inner), one) for inner, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_scrubbed("", one) for one in value]
    return scrub_text(str(value))


def fixed_sentence(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Of a line of somebody else's only what stands in the program text."""
    record: logging.LogRecord | None = event.get("_record")
    if record is None:
        return event
    top = record.name.partition(".")[0]
    told_about_itself = top == "gunicorn" and record.levelno <= logging.INFO
    if top in _OURS or top in _ABOUT_PROCESSES or told_about_itself:
        return event
    if top == "py":  # a warning quotes values
        told = _WARNING.match(str(event["event"]))
        event["event"] = told.group() if told else "warning"
    elif top == "django" and hasattr(record, "status_code"):
        event["event"] = f"answered {record.status_code}"
    elif record.name.startswith("django.security"):
        event["event"] = "refused as suspicious"
    else:
        event["event"] = _PLACEHOLDER.sub("…", str(record.msg))
    return event


def where_it_broke(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """An exception as kinds and places; its message only where it speaks of the program."""
    given = event.pop("exc_info", None)
    event.pop("stack_info", None)
    error = given[1] if isinstance(given, tuple) else given
    if not isinstance(error, BaseException):
        return event
    chain: list[dict[str, Any]] = []
    while error is not None and len(chain) < 5:
        chain.append(_told(error))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    event["exception"] = chain
    return event


def _told(error: BaseException) -> dict[str, Any]:
    kind = type(error)
    told: dict[str, Any] = {"kind": f"{kind.__module__}.{kind.__qualname__}"}
    if isinstance(error, _TELLING):
        told["says"] = str(error)
    diagnosis = getattr(error, "diag", None)  # psycopg: which rule was broken, without the values
    if diagnosis is not None:
        told["sqlstate"] = diagnosis.sqlstate
        told["constraint"] = diagnosis.constraint_name
    places = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    told["at"] = places[-_FRAMES:]
    return told


def request_context(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """The id that history rows and the answer's header carry, too."""
    from core.audit.acting import request_id

    if current := request_id.get():
        event.setdefault("request_id", current)
    return event


_SHARED: list[Processor] = [
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def json_formatter(with_request: bool = True) -> logging.Formatter:
    """What turns every line into scrubbed JSON."""
    context: list[Processor] = [request_context] if with_request else []
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*_SHARED, *context, fixed_sentence],
        processors=[
            where_it_broke,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            scrub,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )


SETTINGS: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "config.logging.json_formatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        **{name: {"level": "INFO"} for name in sorted(_OURS | _ABOUT_PROCESSES)},
        # Django's own handlers would mail or print what ours leaves out
        "django": {"handlers": [], "level": "WARNING", "propagate": True},
        "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
    },
}


def configure(settings: dict[str, Any]) -> None:
    """Django's LOGGING_CONFIG: the standard library and structlog write the same lines to the same place."""
    logging.config.dictConfig(settings)
    logging.captureWarnings(True)
    structlog.configure(
        processors=[
            *_SHARED,
            request_context,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
