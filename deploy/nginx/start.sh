#!/bin/sh
# Tells nginx the one host name it answers to, then becomes nginx. PUBLIC_HOST comes from docker-compose.yml.
set -eu
case "${PUBLIC_HOST:-}" in
    '' | *[!a-zA-Z0-9.-]* | .* | *. )
        echo "エラー: PUBLIC_HOST に公開するホスト名を設定してください（いまの値:「${PUBLIC_HOST:-}」）。" >&2
        exit 1
        ;;
esac
mkdir -p /tmp/nginx
printf 'server_name %s;\n' "$PUBLIC_HOST" | tr 'A-Z' 'a-z' > /tmp/nginx/server_name.conf
exec nginx -g 'daemon off;' "$@"
