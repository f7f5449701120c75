# The packages of Debian that the commands of ./dev need, and their installation; sourced by it.

build_packages=(
  g++ meson ninja-build pkg-config python3
  cppzmq-dev doctest-dev libbenchmark-dev libboost-dev libcli11-dev libmsgpack-cxx-dev
  libncurses-dev libpq-dev libsodium-dev libspdlog-dev libssl-dev libsystemd-dev
  libtomlplusplus-dev libzmq3-dev nlohmann-json3-dev
)
run_packages=(
  iproute2 jq libnet-stomp-perl mandoc nftables openssl pgbouncer postgresql-15 python3-psycopg2
  python3-stomp python3-websocket
)
buildbot_packages=(buildbot buildbot-worker python3-psycopg2)
# Of Buildbot's own tests, which Debian does not package.
buildbot_test_packages=(git python3-mock python3-parameterized python3-treq python3-txrequests)
bench_packages=(
  gnuplot-nox valgrind
  libhiredis-dev libmosquitto-dev libnats-dev librabbitmq-dev
)
fuzz_packages=(clang libclang-rt-14-dev llvm)
model_packages=(gcc python3 spin)
lint_packages=(clang-format clang-tidy)
package_packages=(
  "${build_packages[@]}" debhelper debootstrap dh-python dpkg-dev git iproute2
  libfmt-dev lintian pybuild-plugin-pyproject python3-all python3-setuptools rpm
)

# install_packages <packages>: installs those that are missing.
install_packages() {
  local package missing=()
  command -v dpkg-query >/dev/null || die "this is not Debian; install by hand what '$0' names"
  for package in "$@"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
      missing+=("$package")
  done
  ((${#missing[@]} > 0)) || return 0

  say "installing ${missing[*]}"
  if ((EUID != 0)) && ! command -v sudo >/dev/null; then
    die "packages are missing, and you are neither root nor have sudo; as root, run:" \
      "apt-get install ${missing[*]}"
  fi
  [[ " ${missing[*]} " != *" postgresql-15 "* ]] || keep_postgresql_quiet
  [[ " ${missing[*]} " != *" pgbouncer "* ]] || keep_pgbouncer_quiet
  as_root apt-get -q update || say "some package lists can't be fetched; trying with what is there"
  as_root env DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 \
    apt-get -qy -o Dpkg::Options::=--force-confold -o Dpkg::Use-Pty=0 \
    install --no-install-recommends "${missing[@]}"
}

# Debian starts a server as soon as PostgreSQL is installed. The tests need only the programs.
keep_postgresql_quiet() {
  local folder=/etc/postgresql-common
  [[ ! -e $folder ]] || return 0
  say "PostgreSQL is new on this machine: no server will be started, no cluster be created" \
    "(create_main_cluster = false in $folder/createcluster.conf)"
  as_root mkdir -p "$folder"
  printf '%s\n' '# Written before PostgreSQL was installed for the tests of tidegate.' \
    'create_main_cluster = false' | as_root tee "$folder/createcluster.conf" >/dev/null
}

# The same of the pooler: a service that is masked before it is installed is not started.
keep_pgbouncer_quiet() {
  local unit=/etc/systemd/system/pgbouncer.service
  [[ -d ${unit%/*} && ! -e $unit && ! -L $unit ]] || return 0
  say "pgbouncer is new on this machine: its service is masked (systemctl unmask pgbouncer)"
  as_root ln -s /dev/null "$unit"
}

as_root() {
  if ((EUID == 0)); then run "$@"; else run sudo "$@"; fi
}
