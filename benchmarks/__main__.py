"""`python -m benchmarks`: every measurement, one after the other, each a process of its own. `make bench` is `speed`."""

import subprocess
import sys

PARTS = (
    "speed",
    "close_month",
    "notices",
    "month_page",
    "pages",
    "lists",
    "expert_search",
    "history",
    "check_events",
    "signals",
    "renewal_mails",
    "letters",
)


def main() -> int:
    """Runs every part and prints what it prints; the exit status tells whether one of them failed."""
    failed = 0
    for part in PARTS:
        failed |= subprocess.run([sys.executable, "-m", f"benchmarks.{part}"], check=False).returncode
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
