#!/bin/bash
# The standby: copies the primary when there is nothing here yet, then follows it, read-only, until it is promoted.
# PRIMARY_HOST, PRIMARY_PORT (5432), SLOT (standby1), PRIMARY_SSLMODE (verify-full), PRIMARY_CA; PGDATA. What else is
# given goes to PostgreSQL.
set -euo pipefail
: "${PRIMARY_HOST:?PRIMARY_HOST に本番のデータベースの場所を設定してください。}" "${PGDATA:?}"
slot="${SLOT:-standby1}"
PGPASSWORD="$(cat "${SECRETS_DIR:-/run/secrets}/postgres_standby_password")"
export PGPASSWORD
to_primary="host=$PRIMARY_HOST port=${PRIMARY_PORT:-5432} user=dispatch_standby sslmode=${PRIMARY_SSLMODE:-verify-full}"
if [ -n "${PRIMARY_CA:-}" ]; then to_primary="$to_primary sslrootcert=$PRIMARY_CA"; fi

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    # The slot keeps the log until this standby has it. It may be there from an earlier try.
    pg_receivewal --dbname "$to_primary" --slot "$slot" --create-slot --if-not-exists
    # Whole or not at all: a copy that was cut off is thrown away at the next start.
    rm -rf "$PGDATA.copying"
    # -R writes standby.signal and the address of the primary beside the data
    pg_basebackup --dbname "$to_primary" --pgdata "$PGDATA.copying" --write-recovery-conf --slot "$slot" \
        --wal-method stream --checkpoint fast --no-password
    mkdir -p "$PGDATA"
    rmdir "$PGDATA"
    mv "$PGDATA.copying" "$PGDATA"
    chmod 700 "$PGDATA"
fi
unset PGPASSWORD
exec postgres -D "$PGDATA" "$@"
