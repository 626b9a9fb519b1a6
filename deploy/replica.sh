#!/usr/bin/env bash
# Starts a replica of compose.yaml: copies the server PRIMARY when there is no copy yet.
set -euo pipefail

volume=/var/lib/postgresql/data
export PGDATA=$volume/replica

if [[ ! -e $PGDATA ]]; then
    PGPASSWORD=$(</run/secrets/database_password)
    export PGPASSWORD
    # A copy that is not whole never gets the name of one.
    rm -rf "$volume/copy"
    pg_basebackup --pgdata="$volume/copy" --write-recovery-conf \
        --checkpoint=fast --wal-method=stream \
        --dbname="host=$PRIMARY user=ostrakon application_name=$PRIMARY-replica"
    mv "$volume/copy" "$PGDATA"
fi
exec "$@"
