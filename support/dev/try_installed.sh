# In a bare Debian with the package installed: the peer runs as tidegate@.service would start it,
# says that it is ready, answers, and leaves. Prints which peer it is, by the state that it keeps.
set -euo pipefail

mkdir -p /run/tidegate/app-1 /var/lib/tidegate/app-1
chown nobody /run/tidegate/app-1 /var/lib/tidegate/app-1
cat >/etc/tidegate/app-1.toml <<'TOML'
name = "app-1"
state-file = "/var/lib/tidegate/app-1/state"
door = ["unix:/run/tidegate/app-1/door"]
TOML

command=$(sed -n 's/^ExecStart=//p' /lib/systemd/system/tidegate@.service | sed 's/%i/app-1/g')
# shellcheck disable=SC2086
env RUNTIME_DIRECTORY=/run/tidegate/app-1 setpriv --reuid=nobody --regid=nogroup --clear-groups \
  $command </dev/null >&2 &
peer=$!
for ((try = 0; try < 100; ++try)); do
  [[ ! -S /run/tidegate/app-1/door ]] || break
  sleep 0.1
done
{
  tidegate status --check
  tidegate doctor --config /etc/tidegate/app-1.toml
} >&2
tidegate status --json | sed -nE 's/^\{"origin":"([0-9a-f]{32})".*/\1/p'
kill -TERM "$peer"
wait "$peer"
[[ -s /var/lib/tidegate/app-1/state ]]
# As systemd does where the service has ended.
rm -r /run/tidegate
