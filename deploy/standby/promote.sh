#!/bin/bash
# Makes this standby the primary. Before: the old primary must be stopped for good, or both take writes.
#   docker compose --file deploy/standby/docker-compose.yml exec standby bash /etc/postgresql/promote.sh
set -euo pipefail
: "${PGDATA:?}"
if [ ! -e "$PGDATA/standby.signal" ]; then
    echo 'このデータベースは、すでに待機系ではありません。何も変えていません。' >&2
    exit 1
fi
pg_ctl promote --pgdata "$PGDATA" --wait --timeout 60
echo '待機系を本番にしました。docs/operations/scale-out.md の「切り替えた後」に進んでください。'
