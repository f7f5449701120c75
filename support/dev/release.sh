# ./dev release: whether all places that name a version agree, and what is left to do; sourced by
# dev. It builds nothing: what has been run is in the evidence (support/dev/evidence.sh).

# The runs that a release rests on, each on a commit with the same files.
release_runs=(
  "test" "test --sanitize=address,undefined" "test --sanitize=thread" "sim" "soak" "fuzz" "mutate"
  "package"
)

command_release() {
  local argument tag="" version previous problems=0
  for argument in "$@"; do
    case "$argument" in
      --tag) tag=yes ;;
      *) refuse "release does not know '$argument'; it takes --tag, to make the tag" ;;
    esac
  done
  version=$(sed -nE "s/^  version: '(.*)',$/\1/p" meson.build)
  previous=$(newest_tag)
  judge_versions
  judge_library
  judge_tree
  judge_runs
  say ""
  ((problems == 0)) || die "$problems to mend before $version can be released"
  if [[ -n $tag ]]; then
    git tag -a "v$version" -m "tidegate $version"
    say "tagged as v$version"
  else
    say "all agree on $version; ./dev release --tag makes the tag"
  fi
  say "then: git push origin v$version; publish what ./dev package leaves in build-package/; and" \
    "begin the next version in meson.build and CHANGELOG.md"
}

# agrees <place> <found> <wanted>
agrees() {
  if [[ $2 == "$3" ]]; then
    say "ok: $1 has $2"
  else
    wrong "$1 has '$2', not '$3'"
  fi
}

wrong() {
  say "to mend: $*"
  problems=$((problems + 1))
}

judge_versions() {
  local heading debian=packaging/debian/changelog spec=packaging/rpm/tidegate.spec day
  [[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || wrong "meson.build has the version '$version'"
  heading=$(sed -n 's/^## //p' CHANGELOG.md | head -n 1)
  day=${heading#*, }
  agrees "the first heading of CHANGELOG.md" "${heading%%,*}" "$version"
  agrees "$debian" "$(sed -nE '1s/^tidegate \((.*)\) unstable;.*/\1/p' "$debian")" "$version"
  agrees "$spec" "$(sed -nE 's/^Version: +//p' "$spec")" "$version"
  agrees "the first entry of $spec" "$(sed -nE '/^%changelog/,$s/^\* .* - //p' "$spec" |
    head -n 1)" "$version-1"
  agrees "integrations/buildbot/pyproject.toml" \
    "$(sed -nE 's/^version = "(.*)"$/\1/p' integrations/buildbot/pyproject.toml)" "$version"
  [[ $day =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}$ ]] || {
    wrong "the first heading of CHANGELOG.md has no day: write '## $version, $(date -u +%F)'"
    return 0
  }
  agrees "the day of $debian" "$(day_of "$(sed -n 's/^ -- .*>  //p' "$debian" | head -n 1)")" \
    "$day"
  agrees "the day of the first entry of $spec" \
    "$(day_of "$(sed -nE '/^%changelog/,$s/^\* ([A-Za-z0-9 ]+ [0-9]{4}) .*/\1/p' "$spec" |
      head -n 1)")" "$day"
}

day_of() { [[ -z $1 ]] || date -d "$1" +%F 2>/dev/null || say "$1"; }

# The soname has the major version, and Debian's package has the soname. A name that has left the
# library needs a new one; before 1.0 a new minor version will do.
judge_library() {
  local major=${version%%.*} gone kept
  agrees "the package of the library" \
    "$(sed -n 's/^Package: \(libtidegate[0-9]*\)$/\1/p' packaging/debian/control)" \
    "libtidegate$major"
  [[ -n $previous && $previous != "v$version" ]] || return 0
  gone=$(LC_ALL=C comm -23 <(git show "$previous:peer/symbols.txt" | LC_ALL=C sort) \
    <(LC_ALL=C sort peer/symbols.txt))
  kept=$major
  [[ $major != 0 ]] || kept=${version%.*}
  [[ -z $gone || ${previous#v} != "$kept".* ]] ||
    wrong "the library has lost names since $previous, and is still of $kept: $gone"
}

judge_tree() {
  local tagged
  [[ -z $(git status --porcelain) ]] || wrong "files are changed and not committed: git status"
  if tagged=$(git rev-parse -q --verify "v$version^{commit}"); then
    agrees "the tag v$version" "$tagged" "$(git rev-parse HEAD)"
    [[ -z $tag ]] || wrong "there is a tag v$version already"
  fi
}

judge_runs() {
  local run runs=("${release_runs[@]}")
  [[ -z $previous || $previous == "v$version" ]] || runs+=("upgrade")
  for run in "${runs[@]}"; do
    was_run "$run" || wrong "./dev $run has not been run to a good end on these files"
  done
}

# Also on another commit, if nothing but the page of the evidence has changed since.
was_run() {
  local commit
  [[ -f $evidence ]] || return 1
  for commit in $(awk -F '\t' -v wanted="$1" '$3 == wanted { print $2 }' "$evidence"); do
    git diff --quiet "$commit" HEAD -- . ':(exclude)docs/evidence.md' 2>/dev/null && return
  done
  return 1
}
