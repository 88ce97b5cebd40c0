#!/bin/sh
# Whether Redis answers somebody who knows the password. The password goes by the environment, not the command line.
set -eu
REDISCLI_AUTH="$(sed -n 's/^requirepass //p' "${1:-/run/secrets/redis_password_line}")"
export REDISCLI_AUTH
[ "$(redis-cli --no-auth-warning -p "${2:-6379}" ping)" = PONG ]
