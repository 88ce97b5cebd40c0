#!/bin/bash
# The roles that may read the stream of changes: one for backups, one for a standby. Runs when the cluster is made, and
# again whenever it is started by hand: `docker compose exec postgres bash /docker-entrypoint-initdb.d/20-replication.sh`
# (for a cluster that was made without them, or after a password was changed).
set -euo pipefail
secrets="${SECRETS_DIR:-/run/secrets}"
: "${PGPASSWORD:=$(cat "$secrets/postgres_superuser_password")}"
backup_password="$(cat "$secrets/postgres_backup_password")"
standby_password="$(cat "$secrets/postgres_standby_password")"
export PGPASSWORD backup_password standby_password

psql --no-psqlrc --quiet --tuples-only --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname dispatch <<'SQL'
\getenv backup_password backup_password
\getenv standby_password standby_password
SET log_statement = 'none';
SET log_min_error_statement = 'panic';
SET password_encryption = 'scram-sha-256';

SELECT format('CREATE ROLE %I', name) FROM (VALUES ('dispatch_backup'), ('dispatch_standby')) wanted(name)
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted.name) \gexec
ALTER ROLE dispatch_backup LOGIN REPLICATION NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS
    CONNECTION LIMIT 5 PASSWORD :'backup_password';
ALTER ROLE dispatch_standby LOGIN REPLICATION NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS
    CONNECTION LIMIT 3 PASSWORD :'standby_password';
-- Backups end a piece of log each minute (core/backup/taking.py). No table can be read with this role.
GRANT CONNECT ON DATABASE dispatch TO dispatch_backup;
GRANT EXECUTE ON FUNCTION pg_switch_wal() TO dispatch_backup;
SQL
