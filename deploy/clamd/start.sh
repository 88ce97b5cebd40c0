#!/bin/sh
# Fetches the signatures, keeps them fresh, and scans. Without signatures clamd doesn't start: uploads wait.
set -eu
config=/etc/clamav
freshclam --config-file="$config/freshclam.conf" || echo 'the signatures could not be fetched; those kept are used' >&2
while sleep 7200; do
    freshclam --config-file="$config/freshclam.conf" || true
done &
exec clamd --config-file="$config/clamd.conf"
