#!/bin/sh
# Shows everybody that the service stops for planned work, and until when; or ends it.
#   docker compose exec proxy sh /etc/nginx/maintenance.sh on "2026年11月22日（日） 2:00"
#   docker compose exec proxy sh /etc/nginx/maintenance.sh off
set -eu
folder="${MAINTENANCE_DIR:-/var/cache/nginx/maintenance}"
template="$(dirname "$0")/errors/503.html"
case "${1:-}" in
    on)
        until="$(printf '%s' "${2:-}" | tr -d '\n' | sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g; s/[\\/&]/\\&/g')"
        [ -n "$until" ] || { echo 'エラー: 終わる予定を書いてください（例: on "2026年11月22日（日） 2:00"）。' >&2; exit 1; }
        mkdir -p "$folder/errors"
        # whole or not at all: nginx looks at each request whether the file is there
        sed "s/@until@/$until/" "$template" > "$folder/errors/503.new"
        mv "$folder/errors/503.new" "$folder/errors/503.html"
        echo "保守の画面を表示しています（終了予定 $2）。"
        ;;
    off)
        rm -f "$folder/errors/503.html"
        echo '保守の画面を終わりました。'
        ;;
    *)
        echo '使い方: maintenance.sh on 終わる予定 | off' >&2
        exit 1
        ;;
esac
