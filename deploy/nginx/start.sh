#!/bin/sh
# Tells nginx the one host name it answers to and where the application is, then becomes nginx. PUBLIC_HOST comes from docker-compose.yml.
set -eu
case "${PUBLIC_HOST:-}" in
    '' | *[!a-zA-Z0-9.-]* | .* | *. )
        echo "エラー: PUBLIC_HOST に公開するホスト名を設定してください（いまの値:「${PUBLIC_HOST:-}」）。" >&2
        exit 1
        ;;
esac
made="${MADE_DIR:-/tmp/nginx}"
mkdir -p "$made"
host="$(printf '%s' "$PUBLIC_HOST" | tr 'A-Z' 'a-z')"
printf 'server_name %s;\n' "$host" > "$made/server_name.conf"
printf 'map "" $public_host { default %s; }\n' "$host" > "$made/public_host.conf"
# Addresses behind which many people of the office work together: they get more room in the limits.
: > "$made/shared_networks.conf"
for network in $(printf '%s' "${SHARED_NETWORKS:-}" | tr ',' ' '); do
    case "$network" in
        *[!0-9a-fA-F.:/]* | 0.0.0.0/0 | ::/0 )
            echo "エラー: SHARED_NETWORKS の「$network」は使えません。203.0.113.7/32 のように、事務局の建物の接続元を書いてください。" >&2
            exit 1
            ;;
    esac
    printf '%s 1;\n' "$network" >> "$made/shared_networks.conf"
done
# From 1.27.3 on nginx asks again and again where `web` is, so processes may come and go; an older one asks when it
# starts (after --scale: docker compose restart proxy).
version="$(nginx -v 2>&1 | sed -n 's#^nginx version: nginx/\([0-9]*\)\.\([0-9]*\)\.\([0-9]*\).*#\1 \2 \3#p')"
resolver="$(sed -n 's/^nameserver[[:space:]]*\([0-9.]*\)$/\1/p' "${RESOLV_CONF:-/etc/resolv.conf}" | head -n 1)"
# shellcheck disable=SC2086 - three numbers
number="$(printf '%d%03d%03d' ${version:-0 0 0})"
if [ "$number" -ge 1027003 ] && [ -n "$resolver" ]; then
    printf 'resolver %s valid=5s ipv6=off;\nserver web:8000 resolve max_fails=2 fail_timeout=3s;\n' "$resolver" > "$made/upstream.conf"
else
    printf 'server web:8000 max_fails=2 fail_timeout=3s;\n' > "$made/upstream.conf"
fi
exec nginx -g 'daemon off;' "$@"
