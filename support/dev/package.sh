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
    # Compiled once more, too: a cache would be compared with itself.
    CCACHE_DISABLE=1 make_packages "$scratch/again"
    (cd "$folder" && sha256sum -- *.deb) >"$scratch/sums"
    (cd "$scratch/again" && sha256sum --quiet -c "$scratch/sums") ||
      die "the packages of a second build differ"
    say "a second build, in another folder, gave the same bytes"
  fi
  run lintian --fail-on error,warning "$folder"/*.changes
  run rpmspec -P packaging/rpm/tidegate.spec >/dev/null
  [[ -z $try ]] || try_packages "$folder"
  [[ -n $once ]] || record "package" "the same bytes twice${try:+, installed, upgraded and purged}"
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
# unit would start it. An upgrade keeps its state, a removal leaves that and the settings, and a
# purge leaves nothing.
try_packages() {
  local root=$scratch/root left
  run debootstrap --variant=minbase bookworm "$root" >"$scratch/debootstrap"
  in_root "$root" apt-get -qy update >/dev/null
  find_files "$root" >"$scratch/before"
  cp support/dev/try_installed.sh "$root/tmp"
  cp "$1"/tidegate_*.deb "$root/tmp/new.deb"
  make_former "$root/tmp/new.deb" "$root/tmp/former.deb"

  install_in "$root" /tmp/former.deb
  try_installed "$root" >"$scratch/life"
  install_in "$root" /tmp/new.deb
  in_root "$root" dpkg-query -W tidegate
  try_installed "$root" | diff "$scratch/life" - || die "an upgrade changes who a peer is"
  say "installed, tried and upgraded: the same peer, $(<"$scratch/life")"

  in_root "$root" apt-get -qy -o Dpkg::Use-Pty=0 --autoremove remove tidegate >"$scratch/remove"
  left=$(find_files "$root" | diff "$scratch/before" - | grep -vE '^[0-9,]+a[0-9,]+$') || true
  [[ -n $left ]] || die "a removal takes the settings and the state"
  ! grep -vE '^> \./(etc/tidegate|var/lib/tidegate)(/|$)' <<<"$left" ||
    die "a removal leaves more than settings and state, or takes some"
  in_root "$root" apt-get -qy -o Dpkg::Use-Pty=0 purge tidegate >"$scratch/purge"
  find_files "$root" | diff "$scratch/before" - || die "a purge leaves files, or takes some"
  say "removed, which left $(wc -l <<<"$left") files and folders, and purged, which left none"
}

# make_former <package> <copy>: the same with a lower version, as an upgrade has to begin somewhere.
make_former() {
  dpkg-deb -R "$1" "$scratch/former"
  sed -i 's/^Version: .*/Version: 0~former/' "$scratch/former/DEBIAN/control"
  dpkg-deb --root-owner-group -b "$scratch/former" "$2" >/dev/null
}

# install_in <root> <package>
install_in() {
  in_root "$1" apt-get -qy -o Dpkg::Use-Pty=0 install --no-install-recommends "$2" \
    >>"$scratch/install"
}

# try_installed <root>: in a network of its own, as no peer of this host is to be met; prints who
# the peer was.
try_installed() {
  run unshare --net bash -c 'ip link set lo up && exec chroot "$0" bash /tmp/try_installed.sh' "$1"
}

in_root() { run env DEBIAN_FRONTEND=noninteractive chroot "$@"; }

# Not those that apt, dpkg and the linker write for themselves.
find_files() {
  (cd "$1" && find . -xdev ! -path './var/lib/dpkg/*' ! -path './var/cache/*' ! -path './tmp/*' \
    ! -path './var/log/*' ! -path './var/lib/apt/*' ! -path './etc/ld.so.cache' ! -path './dev/*' |
    sort)
}
