# ./dev evidence: what has been run on which commit. Each command that runs something to its good
# end adds a row to build/evidence.tsv; the page is made of the newest row of each. Sourced by dev.

evidence=build/evidence.tsv

# record <command> <figures>: when, of which commit ("+": of files that were changed since).
record() {
  local commit
  commit=$(git rev-parse -q --verify --short=12 HEAD 2>/dev/null) || return 0
  [[ -z $(git status --porcelain) ]] || commit+=+
  mkdir -p "${evidence%/*}"
  printf '%s\t%s\t%s\t%s\n' "$(date -u +%F)" "$commit" "$1" "$2" >>"$evidence"
}

# run_recorded <command> <pattern> <program> [arguments]: the lines like that are its figures; one
# without any, as --help has none, is no evidence.
run_recorded() {
  local figures
  run_shown "${@:3}" || return
  figures=$(sed -nE "/$2/p" "$scratch/output" | paste -sd ';' | sed 's/;/; /g')
  [[ -z $figures ]] || record "$1" "$figures"
}

# newest_rows: the last one of each command, in the order of the commands.
newest_rows() {
  [[ ! -f $evidence ]] ||
    awk -F '\t' '{ row[$3] = $0 } END { for (one in row) print row[one] }' "$evidence" |
    sort -t $'\t' -k 3
}

command_evidence() {
  (($# == 0)) || refuse "evidence takes nothing; it writes docs/evidence.md from $evidence"
  [[ -s $evidence ]] || die "there is no $evidence: ./dev test and the others write it"
  local day commit words figures package
  {
    say "# Evidence"
    say
    say "The last good run of each command, on one machine with $(nproc) processors." \
      "A commit with \`+\` had files that were"
    say "not committed. \`./dev evidence\` writes this page."
    say
    say "| command | result | commit | day |"
    say "|---|---|---|---|"
    while IFS=$'\t' read -r day commit words figures; do
      say "| \`./dev $words\` | $figures | \`$commit\` | $day |"
    done < <(newest_rows)
    say
    say "| built and run with | version |"
    say "|---|---|"
    for package in g++ libzmq5 libpq5 libsodium23 libmsgpack-cxx-dev libssl3 postgresql-15; do
      figures=$(dpkg-query -W -f '${Version}' "$package" 2>/dev/null) || figures=none
      say "| $package | $figures |"
    done
  } >docs/evidence.md
  say "docs/evidence.md has $(newest_rows | wc -l) runs"
}
