#!/usr/bin/env bash
# Starts a replica of compose.yaml, and copies the server PRIMARY first if there is no copy yet.
set -euo pipefail

volume=/var/lib/postgresql/data
export PGDATA=$volume/replica

if [[ ! -e $PGDATA ]]; then
    PGPASSWORD=$(</run/secrets/database_password)
    export PGPASSWORD
    # The rename makes sure that an incomplete copy is never used.
    rm -rf "$volume/copy"
    pg_basebackup --pgdata="$volume/copy" --write-recovery-conf \
        --checkpoint=fast --wal-method=stream \
        --dbname="host=$PRIMARY user=ostrakon application_name=$PRIMARY-replica"
    mv "$volume/copy" "$PGDATA"
fi
exec "$@"
