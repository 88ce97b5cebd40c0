"""Whether beat still ticks: it writes its schedule at least every three minutes. Exit status 0 or 1."""

import sys
import time
from pathlib import Path

SILENT_SECONDS = 600

schedule = Path(sys.argv[1])
# the database behind the file may add an ending of its own
written = [file.stat().st_mtime for file in schedule.parent.glob(f"{schedule.name}*")]
if not written:
    sys.exit(f"beat: no schedule at {schedule}")
if time.time() - max(written) > SILENT_SECONDS:
    sys.exit(f"beat: silent for {time.time() - max(written):.0f} s")
