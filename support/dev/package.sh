# ./dev package: the packages of Debian, built twice to see that they are the same bytes, and tried
# in a bare Debian; sourced by dev. No tests are run: ./dev test has done that, with servers.

command_package() {
  local argument once="" try="" folder=build-package
  for argument in "$@"; do
    case "$argument" in
      --once) once=yes ;;
      --try) try=yes ;;
      *) refuse "package does not know '$argument'; it takes --once, to build and compare" \
        "nothing, and --try, to install them in a bare Debian" ;;
    esac
  done
  [[ -z $try ]] || ((EUID == 0)) || refuse "--try makes a root folder of Debian; be root"
  install_packages "${package_packages[@]}"
  rm -rf "$folder"
  make_packages "$folder"
  if [[ -z $once ]]; then
    make_packages "$scratch/again"
    (cd "$folder" && sha256sum -- *.deb) >"$scratch/sums"
    (cd "$scratch/again" && sha256sum --quiet -c "$scratch/sums") ||
      die "the packages of a second build differ"
    say "a second build, in another folder, gave the same bytes"
  fi
  run lintian --fail-on error,warning "$folder"/*.changes
  run rpmspec -P packaging/rpm/tidegate.spec >/dev/null
  [[ -z $try ]] || try_packages "$folder"
  ls -l "$folder"/*.deb
}

# make_packages <folder>: of the files that git knows, as they are now.
make_packages() {
  local source=$1/tidegate
  mkdir -p "$source"
  git ls-files -z | xargs -0 cp --parents -t "$source"
  cp -r packaging/debian "$source/debian"
  say "building packages in $1, which takes minutes"
  # The Python of Debian, whichever else comes first here.
  local options="nocheck parallel=$(nproc)"
  run env -C "$source" PATH=/usr/sbin:/usr/bin:/sbin:/bin DEB_BUILD_OPTIONS="$options" \
    dpkg-buildpackage -b -us -uc >"$1/log" 2>&1 ||
    { tail -n 40 "$1/log" && die "the packages can't be built; the whole is in $1/log"; }
}

# try_packages <folder>: as a user would, but that there is no systemd: the peer is started as its
# unit would start it. A purge leaves nothing.
try_packages() {
  local root=$scratch/root
  run debootstrap --variant=minbase bookworm "$root" >"$scratch/debootstrap"
  in_root "$root" apt-get -qy update >/dev/null
  find_files "$root" >"$scratch/before"
  cp "$1"/tidegate_*.deb "$root/tmp"
  in_root "$root" bash -c 'apt-get -qy install --no-install-recommends /tmp/tidegate_*.deb' \
    >"$scratch/install"
  cp support/dev/try_installed.sh "$root/tmp"
  # In a network of its own: no peer of this host is met.
  run unshare --net bash -c 'ip link set lo up && exec chroot "$0" bash /tmp/try_installed.sh' \
    "$root"
  in_root "$root" apt-get -qy --autoremove purge tidegate >"$scratch/purge"
  find_files "$root" | diff "$scratch/before" - || die "a purge leaves files, or takes some"
  say "installed, tried and purged in a bare Debian"
}

in_root() { run env DEBIAN_FRONTEND=noninteractive chroot "$@"; }

# Not those that apt, dpkg and the linker write for themselves.
find_files() {
  (cd "$1" && find . -xdev ! -path './var/lib/dpkg/*' ! -path './var/cache/*' ! -path './tmp/*' \
    ! -path './var/log/*' ! -path './var/lib/apt/*' ! -path './etc/ld.so.cache' ! -path './dev/*' |
    sort)
}
