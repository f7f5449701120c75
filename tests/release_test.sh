#!/usr/bin/env bash
# `./dev release` in a copy that is ready for a release, and with one thing wrong at a time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

. tests/check.sh
scratch=$(mktemp -d "${TEST_SCRATCH:-/tmp}/release.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
copy=$scratch/copy
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org
export GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.org
version=$(sed -nE "s/^  version: '(.*)',$/\1/p" meson.build)

# Of the files as they are now, with a day in the heading and every run on record.
make_copy() {
  mkdir -p "$copy/build"
  git ls-files -z | xargs -0 cp --parents -t "$copy"
  local day
  day=$(date -d "$(sed -n 's/^ -- .*>  //p' packaging/debian/changelog | head -n 1)" +%F)
  sed -i "0,/^## /s/^## .*/## $version, $day/" "$copy/CHANGELOG.md"
  git -C "$copy" init -q
  commit
  local run
  for run in "test" "test --sanitize=address,undefined" "test --sanitize=thread" sim soak fuzz \
    mutate package; do
    printf '2026-01-01\t%s\t%s\tgood\n' "$(git -C "$copy" rev-parse HEAD)" "$run"
  done >"$copy/build/evidence.tsv"
}

commit() {
  git -C "$copy" add -A
  git -C "$copy" -c commit.gpgsign=false commit -q --allow-empty -m "A step"
}

# says <status> <words> [arguments]
says() {
  local status=0 output
  output=$("$copy/dev" release "${@:3}" 2>&1) || status=$?
  [[ $status == "$1" && $output == *"$2"* ]] || { printf '%s\n' "$output" && return 1; }
}

# notices <file> <sed> <words>: what is wrong with one file, and nothing else is.
notices() {
  sed -i "$2" "$copy/$1"
  says 1 "to mend: $3" && says 1 "dev: 2 to mend"
  local status=$?
  git -C "$copy" checkout -q "$1"
  return "$status"
}

# Each is a change that is not committed, too.
notices_each_version_and_day() {
  notices CHANGELOG.md "0,/^## $version/s//## 9.9.9/" "the first heading of CHANGELOG.md" &&
    notices packaging/debian/changelog "1s/$version/9.9.9/" "packaging/debian/changelog has" &&
    notices packaging/debian/changelog 's/, .. ... ....* /, 01 Feb 2020 /' "the day of packaging" &&
    notices packaging/debian/changelog '1s/unstable/UNRELEASED/' "packaging/debian/changelog has" &&
    notices packaging/rpm/tidegate.spec "s/^Version:.*/Version: 9.9.9/" "packaging/rpm" &&
    notices packaging/rpm/tidegate.spec "s/ - $version-1/ - 9.9.9-1/" "the first entry of" &&
    notices packaging/rpm/tidegate.spec 's/^\* ... ... .. 20../* Sat Feb 01 2020/' \
      "the day of the first entry" &&
    notices packaging/debian/control 's/^Package: libtidegate0/Package: libtidegate9/' \
      "the package of the library" &&
    notices integrations/buildbot/pyproject.toml 's/^version.*/version = "9.9.9"/' "integrations"
}

notices_an_unreleased_changelog() {
  sed -i "0,/^## /s/^## .*/## $version, not released yet/" "$copy/CHANGELOG.md"
  says 1 "has no day: write '## $version, 20"
  local status=$?
  git -C "$copy" checkout -q CHANGELOG.md
  return "$status"
}

notices_a_run_on_other_files() {
  printf '\n' >>"$copy/README.md"
  commit
  says 1 "./dev test --sanitize=thread has not been run"
  local status=$?
  git -C "$copy" reset -q --hard HEAD~1
  return "$status"
}

takes_runs_from_before_the_page_of_evidence() {
  printf 'x\n' >"$copy/docs/evidence.md"
  commit
  says 0 "all agree on $version"
}

tags_once() {
  says 0 "tagged as v$version" --tag &&
    [[ $(git -C "$copy" rev-parse "v$version^{commit}") == $(git -C "$copy" rev-parse HEAD) ]] &&
    says 1 "there is a tag v$version already" --tag
}

# A former release of the same minor version had a name more.
notices_a_name_that_left_the_library() {
  local former=${version%.*}.99
  git -C "$copy" tag -d "v$version" >/dev/null
  printf 'tidegate::gone()\n' >>"$copy/peer/symbols.txt"
  commit
  git -C "$copy" tag "v$former"
  git -C "$copy" checkout -q HEAD~1 -- peer/symbols.txt
  commit
  says 1 "lost names since v$former, and is still of ${version%.*}: tidegate::gone()" &&
    says 1 "./dev upgrade has not been run"
}

make_copy
check "a release that is ready is told so" says 0 "all agree on $version"
check "each place with another version or day is named" notices_each_version_and_day
check "a changelog that says 'not released yet' gets the line to write" \
  notices_an_unreleased_changelog
check "a run on other files does not count" notices_a_run_on_other_files
check "the page of evidence may be written after the runs" \
  takes_runs_from_before_the_page_of_evidence
check "a tag is made once" tags_once
check "a name that has left the library needs another version" notices_a_name_that_left_the_library

conclude
