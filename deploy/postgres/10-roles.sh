#!/bin/bash
# Runs once, when the cluster is made: the roles of docs/adr/0002-database-roles.md, each with a password from a
# secret file, and the database. Rights on tables are granted by `manage.py setup` after every migration.
set -euo pipefail
secrets="${SECRETS_DIR:-/run/secrets}"

owner_password="$(cat "$secrets/postgres_owner_password")"
app_password="$(cat "$secrets/postgres_app_password")"
sealer_password="$(cat "$secrets/postgres_sealer_password")"
readonly_password="$(cat "$secrets/postgres_readonly_password")"
# psql reads them from its environment (\getenv), so they appear on no command line
export owner_password app_password sealer_password readonly_password

psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
\getenv owner_password owner_password
\getenv app_password app_password
\getenv sealer_password sealer_password
\getenv readonly_password readonly_password
-- neither statement nor password may reach the server's log
SET log_statement = 'none';
SET log_min_error_statement = 'panic';
SET password_encryption = 'scram-sha-256';

CREATE ROLE dispatch_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
    PASSWORD :'owner_password';
CREATE ROLE dispatch_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
    PASSWORD :'app_password';
CREATE ROLE dispatch_sealer LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
    CONNECTION LIMIT 2 PASSWORD :'sealer_password';
CREATE ROLE dispatch_readonly LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
    CONNECTION LIMIT 10 PASSWORD :'readonly_password';
ALTER ROLE dispatch_readonly SET default_transaction_read_only = on;
ALTER ROLE dispatch_readonly SET statement_timeout = '5min';
-- a forgotten transaction must not hold locks and old rows for hours
ALTER ROLE dispatch_app SET idle_in_transaction_session_timeout = '10min';

CREATE DATABASE dispatch OWNER dispatch_owner;
REVOKE ALL ON DATABASE dispatch FROM PUBLIC;
GRANT CONNECT ON DATABASE dispatch TO dispatch_owner, dispatch_app, dispatch_sealer, dispatch_readonly;
REVOKE ALL ON DATABASE postgres FROM PUBLIC;
REVOKE ALL ON DATABASE template1 FROM PUBLIC;
SQL
