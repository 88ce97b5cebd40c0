"""What every environment has in common."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import environ
from celery.schedules import crontab

from config import logging as log_lines

env = environ.Env()

BASE_DIR = Path(__file__).resolve().parent.parent.parent
VAR_DIR = Path(os.environ.get("VAR_DIR") or BASE_DIR / "var").resolve()

INSTALLED_APPS = [
    "core.ui",
    "core.adminsite.apps.OfficeAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "import_export",
    "rest_framework",
    "drf_spectacular",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "axes",
    "core.database",
    "core.audit",
    "core.backup",
    "core.jobs",
    "core.metrics",
    "core.notify",
    "core.programme",
    "core.banks",
    "core.exchange",
    "core.exports",
    "core.agreements",
    "accounts",
    "institutions",
    "experts",
    "experts.appointment",
    "experts.registration",
    "experts.changes",
    "experts.renewal",
    "dispatch",
    "payments",
    "portal_expert",
    "portal_institution",
    "surveys",
    "office",
]

MIDDLEWARE = [
    # outermost, so that redirects, static files and errors have the headers, too
    "core.web.headers.SecurityHeadersMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "core.audit.middleware.RequestIdMiddleware",
    "core.web.request_log.RequestLogMiddleware",
    "core.web.headers.PersonalPagesMiddleware",
    "core.web.refusals.BrokenTextMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.StandingSignInMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "core.web.refusals.TokenGuessMiddleware",
    "core.ui.middleware.DomainErrorMiddleware",
    # last: it turns a locked sign-in into its answer
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "core.ui.context.product",
            ],
            "builtins": ["core.ui.templatetags.ui"],
        },
    },
]

AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
# The first one is asked first and stops everybody who is locked; every way in goes through it.
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "accounts.validators.PolicyLengthValidator"},
    {"NAME": "accounts.validators.PolicyClassesValidator"},
    {"NAME": "accounts.validators.PolicyReuseValidator"},
]
# How long a link for a first password works; one for a forgotten password works for less (accounts/links.py).
PASSWORD_RESET_TIMEOUT = 3 * 24 * 60 * 60
RESET_LINK_SECONDS = 60 * 60
# A dangerous act needs a password or code given this recently.
REAUTHENTICATION_SECONDS = 15 * 60

# Sign-in: allauth leads through password and second factor; nobody signs up; axes is the one limiter.
ACCOUNT_ADAPTER = "accounts.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_FORMS = {"login": "accounts.forms.SignInForm"}
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_RATE_LIMITS = False
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = REAUTHENTICATION_SECONDS
MFA_ADAPTER = "accounts.adapters.SecondFactorAdapter"
MFA_FORMS = {
    "authenticate": "accounts.forms.CodeForm",
    "activate_totp": "accounts.forms.EnrolForm",
}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_RATE_LIMITS = False
# a clock may be half a minute off either way; a code works once all the same
MFA_TOTP_TOLERANCE = 1
MFA_RECOVERY_CODES_SHOW_ONCE = True
# Whether the roles of accounts.models.SECOND_FACTOR_ROLES reach nothing before they have a second factor.
MFA_REQUIRED = True

AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = "accounts.limiter.failure_limit"
AXES_COOLOFF_TIME = "accounts.limiter.lock_time"
AXES_USERNAME_CALLABLE = "accounts.limiter.counted_name"
AXES_CLIENT_IP_CALLABLE = "core.client_address.address_of"
AXES_LOCKOUT_CALLABLE = "accounts.limiter.locked_response"
AXES_RESET_ON_SUCCESS = True
# a lock lasts as long as the policy says, however often the door is tried meanwhile
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
# our own record of sign-ins says more (accounts.models.SignInEvent)
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
AXES_SENSITIVE_PARAMETERS = [
    "username",
    "ip_address",
    "code",
    "old_password",
    "new_password1",
    "new_password2",
    "csrfmiddlewaretoken",
]

# Networks whose X-Forwarded-For is believed (core/client_address.py).
TRUSTED_PROXIES: list[str] = []
# Who gets the readings of the machine (core/metrics/views.py): this machine and private networks.
METRICS_NETWORKS = ["127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"]

LANGUAGE_CODE = "ja"
TIME_ZONE = "Asia/Tokyo"
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
# The manuals that the product shows, and their pictures.
MANUAL_DIR = BASE_DIR / "docs" / "manual"
STATICFILES_DIRS: list[Path | tuple[str, Path]] = [BASE_DIR / "static", ("manual", MANUAL_DIR / "pictures")]
STATIC_ROOT = VAR_DIR / "static"
# What runs export to; written by the worker, read by the web process.
EXPORT_DIR = VAR_DIR / "exports"
# What was taken out waits there for so long, encrypted; then it is deleted (core/exports).
EXPORT_KEEP_HOURS = env.int("EXPORT_KEEP_HOURS", default=24)
# Whether `close_month` may be given maker and checker on one command line (not in production).
ALLOW_BATCH_CLOSE = False
# What was uploaded waits here for the worker.
UPLOAD_DIR = VAR_DIR / "uploads"

# Receipts and other evidence, encrypted, for as long as the dispatches themselves (dispatch/receipt_files.py).
EVIDENCE_DIR = VAR_DIR / "evidence"
# How much a receipt may be: bytes of a file, files of a dispatch, pixels (phones make 50 million), pages of a PDF;
# and the longest side it is kept with.
RECEIPT_MOST_BYTES = 10 * 1024 * 1024
RECEIPT_MOST_FILES = 30
RECEIPT_MOST_PIXELS = 52_000_000
RECEIPT_MOST_PAGES = 20
RECEIPT_LONGEST_EDGE = 2400
# The virus scanner (clamd): host:port or unix:/path. Empty: there is none, and files can be used at once.
CLAMD_ADDRESS = env.str("CLAMD_ADDRESS", default="")
CLAMD_TIMEOUT_SECONDS = 5
# What was clean is scanned once more after so long, by newer signatures.
RECEIPT_SCAN_AGAIN_AFTER = timedelta(days=30)

# Backups (docs/operations/backup.md): where they lie, best on another disk; whether beat makes them by itself; for a
# PostgreSQL that isn't the project's own a role that may replicate, the folder its finished log comes to, its programs.
BACKUP_DIR = Path(env.str("BACKUP_DIR", default="") or VAR_DIR / "backup")
BACKUP_SCHEDULED = bool(env.str("BACKUP_DIR", default=""))
DATABASE_BACKUP_URL = env.str("DATABASE_BACKUP_URL", default="")
BACKUP_LOG_DIR = env.str("BACKUP_LOG_DIR", default="")
POSTGRES_BIN = env.str("POSTGRES_BIN", default="")

# The server's certificate (not its key), to be warned before it ends; empty where it can't be read.
TLS_CERTIFICATE_FILE = env.str("TLS_CERTIFICATE_FILE", default="")

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASE_ROUTERS = ["core.database.routers.OneDatabaseRouter"]
SILENCED_SYSTEM_CHECKS: list[str] = []

# An import may be large, but never without bound.
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_HANDLERS = [
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "core.files.receiving.EncryptedUploadHandler",
]
IMPORT_MAX_BYTES = 200 * 1024 * 1024

# History leaves the database after so many days, and only into signed files; never below 31 (core/audit/retention.py).
AUDIT_RETENTION_DAYS = env.int("AUDIT_RETENTION_DAYS", default=400)
# Signed files of history by month, the key that signs them (after it, retired ones), the last head of the chain seen here.
AUDIT_DIR = VAR_DIR / "audit"
# Each 32 random bytes in URL-safe base64; without one nothing can be signed or archived here.
AUDIT_SIGNING_KEY = ""

# Every mail, also Django's and other packages', goes into the queue (core/notify); the worker sends it by MAIL_TRANSPORT.
EMAIL_BACKEND = "core.notify.backend.QueueBackend"
MAIL_TRANSPORT = "core.notify.backend.FolderBackend"
MAIL_FOLDER = VAR_DIR / "mail"
# Whether a mail with a one-time link may be read on the screen (only where mails go to a folder).
MAIL_READABLE = False
# A certificate authority of the mail server's own; empty: those the system trusts.
MAIL_CA_FILE = ""
DEFAULT_FROM_EMAIL = "専門家派遣 事務局 <office@localhost>"
# Where undeliverable mail comes back to; empty: the sender.
MAIL_BOUNCE_ADDRESS = ""
EMAIL_TIMEOUT = 20
# Links in mails start with this, whatever address a request came by.
PUBLIC_ORIGIN = env.str("PUBLIC_ORIGIN", default="http://127.0.0.1:8000")

X_FRAME_OPTIONS = "DENY"
# What a page may ask the browser for: nothing. A page that needs the position says so itself.
PERMISSIONS_POLICY = (
    "accelerometer=(), camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"
)
# After so many links with tokens that open nothing, an address waits ten minutes.
TOKEN_GUESSES = 20
# So many questions of the account fields while they are typed, of one person in ten minutes.
ACCOUNT_QUESTIONS = 600
# So many times an address may ask for the public page in ten minutes (it follows what is typed).
JOIN_PAGES = 300
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
# our scripts take the token from the page
CSRF_COOKIE_HTTPONLY = True
# the longest the policy can allow; accounts.middleware ends sessions earlier
SESSION_COOKIE_AGE = 24 * 60 * 60
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

# A page waits for the cache no longer than this; without an answer it goes on (core/web/cache.py).
CACHE_PATIENCE: dict[str, Any] = {"OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 2}}

CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 2 * 60 * 60
# Longer than the longest job: an unacknowledged message must not be run a second time beside the first.
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3 * 60 * 60, "socket_connect_timeout": 3}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# for as long as it takes
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TIMEZONE = "Asia/Tokyo"
CELERY_BEAT_SCHEDULER = "config.beat.Scheduler"
CELERY_BEAT_SCHEDULE = {
    "sweep-jobs": {"task": "core.jobs.tasks.sweep_jobs", "schedule": 15.0},
    "watch-system": {"task": "core.metrics.tasks.watch_system", "schedule": 60.0},
    "note-backups": {"task": "core.metrics.tasks.note_backups", "schedule": 60.0},
    "note-heartbeat": {"task": "core.jobs.tasks.note_heartbeat", "schedule": 60.0},
    "send-mails": {"task": "core.notify.tasks.send_mails", "schedule": 30.0},
    "sweep-mails": {"task": "core.notify.tasks.sweep_mails", "schedule": 60.0},
    "seal-audit": {"task": "core.audit.tasks.seal_audit", "schedule": 60.0},
    "verify-audit": {"task": "core.audit.tasks.verify_audit", "schedule": crontab(hour=2, minute=30)},
    "keep-audit": {"task": "core.audit.tasks.keep_audit", "schedule": crontab(hour=3, minute=30)},
    "collect-for-backup": {"task": "core.backup.tasks.collect_for_backup", "schedule": 60.0},
    "back-up": {"task": "core.backup.tasks.back_up", "schedule": crontab(minute=40)},
    "verify-backups": {"task": "core.backup.tasks.verify_backups", "schedule": crontab(hour=5, minute=10)},
    "watch-backups": {"task": "core.backup.tasks.watch_backups", "schedule": crontab(minute="*/15")},
    "expire-exports": {"task": "core.exports.tasks.expire_exports", "schedule": 10 * 60.0},
    "expire-run-files": {"task": "payments.tasks.expire_run_files", "schedule": 10 * 60.0},
    "sweep-uploads": {"task": "office.tasks.sweep_uploads", "schedule": crontab(hour=4, minute=0)},
    "check-when-stale": {"task": "payments.tasks.check_when_stale", "schedule": 60.0},
    "scan-receipts": {"task": "dispatch.tasks.scan_receipts", "schedule": 60.0},
    "scan-receipts-again": {
        "task": "dispatch.tasks.scan_receipts_again",
        "schedule": crontab(hour=1, minute=20),
    },
    "sweep-receipts": {"task": "dispatch.tasks.sweep_receipts", "schedule": crontab(hour=4, minute=20)},
    "scan-certificates": {"task": "experts.registration.tasks.scan_certificates", "schedule": 60.0},
    "sweep-certificates": {
        "task": "experts.registration.tasks.sweep_certificates",
        "schedule": crontab(hour=4, minute=25),
    },
    "remind-registrations": {
        "task": "experts.registration.tasks.remind_registrations",
        "schedule": crontab(minute=25),
    },
    "look-for-signals": {"task": "dispatch.tasks.look_each_night", "schedule": crontab(hour=1, minute=30)},
    "remind-overdue": {"task": "dispatch.tasks.remind_overdue", "schedule": crontab(minute=10)},
    # on the day after an old operator's last one
    "stop-operators": {
        "task": "institutions.tasks.stop_operators",
        "schedule": crontab(minute=5),
    },
    # in the hours in which people read their mail
    "remind-renewals": {
        "task": "experts.renewal.tasks.remind_renewals",
        "schedule": crontab(minute=15, hour="9-17"),
    },
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "専門家派遣 事務局システム API",
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
}
# A phone whose clock is further off than this gets its events marked; they are kept all the same.
CHECK_EVENT_CLOCK_TOLERANCE_SECONDS = 300

IMPORT_EXPORT_USE_TRANSACTIONS = True
IMPORT_EXPORT_SKIP_ADMIN_LOG = True

PRODUCT_NAME = "専門家派遣 事務局システム"
ENVIRONMENT_LABEL = ""

LOGGING_CONFIG = "config.logging.configure"
LOGGING = log_lines.SETTINGS
