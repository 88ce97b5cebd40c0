"""A throw-away installation to attack: doors that would only answer 429 or 403 stand open, and causes are shown.

The sign-in's limiter, the limits per address and the tokens against forged requests have tests of their own; with them a
scanner would learn how they refuse and nothing of what lies behind.
"""

from config.settings.embedded import *  # noqa: F403
from config.settings.embedded import MIDDLEWARE, PERMISSIONS_POLICY  # noqa: F401

MIDDLEWARE = [
    "benchmarks.security.watching.TallyMiddleware",
    *MIDDLEWARE,
    "benchmarks.security.watching.ShownCausesMiddleware",
]
AXES_ENABLED = False
TOKEN_GUESSES = 10**9
ACCOUNT_QUESTIONS = 10**9
JOIN_PAGES = 10**9
REAUTHENTICATION_SECONDS = 10**6
ACCOUNT_REAUTHENTICATION_TIMEOUT = REAUTHENTICATION_SECONDS
ROOT_URLCONF = "benchmarks.security.urls"
