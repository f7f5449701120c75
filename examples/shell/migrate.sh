#!/bin/bash
# Changes the schema, tells the mesh, and returns once every replica shows the change: a release
# that needs it would fail on those that are behind.
#
#     migrate.sh PRIMARY VERSION FILE.SQL [TIMEOUT]
#
# On this host runs: tidegate peer --primary PRIMARY ...
set -euo pipefail
primary=$1 version=$2 file=$3 timeout=${4:-5m}

# In one transaction: after an error nothing is changed, and nobody is told.
psql "$primary" --no-psqlrc --quiet --single-transaction --set ON_ERROR_STOP=1 --file "$file"

# Behind the commit, whose position comes back as a token. Without a receiver it is sent all the
# same: the token is for us.
token=$(tidegate pub "schema/$version" "$(<"$file")" --after-commit --allow-none --json |
  jq --exit-status --raw-output .token)

# It asks all members, each for the replica that it reads, and names those that are behind.
status=0
tidegate wait "$token" --everywhere --timeout "$timeout" || status=$?
case $status in
  0) echo "version $version is everywhere" ;;
  5) echo "some replica is behind; go on with: tidegate wait $token --everywhere" >&2 ;;
  6 | 7) echo "a failover has undone version $version, or may have: look, and start again" >&2 ;;
  *) echo "nobody can tell whether version $version is everywhere" >&2 ;;
esac
exit "$status"
