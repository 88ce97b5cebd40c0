#!/bin/sh
# Makes every secret docker-compose.yml names, but the certificate, into deploy/secrets: random, and fitting together.
# Never overwrites: a password that is in use must be changed in the database too (docs/running.md).
set -eu
cd "$(dirname "$0")"
umask 077
random() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
replication() {
    backup="$(random)"
    printf '%s\n' "$backup" > secrets/postgres_backup_password
    printf '%s\n' "$(random)" > secrets/postgres_standby_password
    printf 'postgresql://dispatch_backup:%s@postgres:5432/dispatch\n' "$backup" > secrets/database_backup_url
    chmod 444 secrets/postgres_backup_password secrets/postgres_standby_password secrets/database_backup_url
}
# A set that was made before backups and standby had roles of their own gets theirs; nothing else is touched.
if [ -e secrets/secret_key ] && [ ! -e secrets/database_backup_url ]; then
    replication
    echo 'deploy/secrets に、控えと待機系のための秘密情報を加えました。docs/operations/upgrade.md の手順に進んでください。'
    exit 0
fi
if [ -e secrets/secret_key ]; then
    echo 'エラー: deploy/secrets は作成済みです。作り直す場合は docs/running.md の「秘密情報を替える」をご覧ください。' >&2
    exit 1
fi
mkdir -p secrets
owner="$(random)" app="$(random)" sealer="$(random)" redis="$(random)"
printf '%s\n' "$(random)$(random)" > secrets/secret_key
# 32 random bytes in URL-safe base64, one key a line, newest first
head -c 32 /dev/urandom | base64 | tr '+/' '-_' > secrets/field_keys
head -c 32 /dev/urandom | base64 | tr '+/' '-_' > secrets/fingerprint_key
printf '%s\n' "$(random)" > secrets/postgres_superuser_password
printf '%s\n' "$owner" > secrets/postgres_owner_password
printf '%s\n' "$app" > secrets/postgres_app_password
printf '%s\n' "$sealer" > secrets/postgres_sealer_password
printf '%s\n' "$(random)" > secrets/postgres_readonly_password
replication
printf 'postgresql://dispatch_owner:%s@postgres:5432/dispatch\n' "$owner" > secrets/database_owner_url
printf 'postgresql://dispatch_app:%s@postgres:5432/dispatch\n' "$app" > secrets/database_url
printf 'postgresql://dispatch_sealer:%s@postgres:5432/dispatch\n' "$sealer" > secrets/database_sealer_url
head -c 32 /dev/urandom | base64 | tr '+/' '-_' > secrets/audit_signing_key
printf 'redis://:%s@redis:6379/0\n' "$redis" > secrets/redis_url
printf 'requirepass %s\n' "$redis" > secrets/redis_password_line
# Each container mounts its own files alone and reads them as its own user. On this machine the folder keeps others out.
chmod 444 secrets/*
chmod 700 secrets
echo 'deploy/secrets を作りました。続けて tls_certificate と tls_private_key を置いてください。'
