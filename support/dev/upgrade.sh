# ./dev upgrade: the program of the previous release beside this one, in one mesh; sourced by dev.

# The release is the newest tag, or the revision that is named. Where both speak one version of the
# protocol, peers are replaced one by one and nothing may be lost; else they have to say so.
command_upgrade() {
  (($# <= 1)) || refuse "upgrade takes one revision; without one it takes the newest tag v*"
  local revision=${1:-$(newest_tag)} commit previous=$scratch/previous ours theirs
  [[ -n $revision ]] ||
    refuse "nothing has been released, as there is no tag v*; name a revision to upgrade from"
  commit=$(git rev-parse -q --verify "$revision^{commit}") ||
    refuse "there is no revision '$revision'"
  ours=$(protocol_of .)
  mkdir "$previous"
  git archive "$commit" | tar -x -C "$previous"
  theirs=$(protocol_of "$previous")
  say "from $revision, which speaks version $theirs of the protocol, to this, which speaks $ours"

  install_packages "${build_packages[@]}" "${run_packages[@]}"
  configure build "${plain_options[@]}"
  build build tidegate tests/tidegate-live-tests
  run env -C "$previous" meson setup build "${plain_options[@]}" -Dtests=false -Dbench=false \
    >"$scratch/setup"
  build "$previous/build" tidegate

  export TEST_PREVIOUS_TIDEGATE=$previous/build/tidegate
  local cases=()
  if [[ $ours != "$theirs" ]]; then
    export TEST_PREVIOUS_PROTOCOL=$theirs
    cases=(--test-case='peers of two versions of the protocol*')
  fi
  run_tests build/tests/tidegate-live-tests --source-file='*/upgrade_live_test.cpp' "${cases[@]}"
  conclude_tests "upgrade${1:+ $1}"
}

newest_tag() { git tag --list 'v*' --sort=-version:refname | head -n 1; }

# protocol_of <folder of the sources>
protocol_of() {
  local version
  version=$(sed -nE 's/.* protocol_version = ([0-9]+);$/\1/p' "$1/lib/mesh/frame.hpp" 2>/dev/null)
  [[ -n $version ]] || die "$1/lib/mesh/frame.hpp names no version of the protocol"
  say "$version"
}
