# The image's entrypoint runs this when it initializes a primary of compose.yaml: replicas may connect,
# with the same password.
echo 'host replication ostrakon all scram-sha-256' >>"$PGDATA/pg_hba.conf"
