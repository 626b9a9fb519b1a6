# Read by the image's entrypoint when a primary of compose.yaml is new: replicas may connect, with
# the same password.
echo 'host replication ostrakon all scram-sha-256' >>"$PGDATA/pg_hba.conf"
