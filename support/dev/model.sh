# ./dev model: the rule and the outbox's reader as models, which spin searches to their end; sourced
# by dev. The small runs are part of ./dev test, too. ./dev conform: records of the code, held
# against the model.

command_model() {
  install_packages "${model_packages[@]}"
  run env PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 tests/model/check.py --into build-model "$@"
}

# Records that are there need no simulator.
command_conform() {
  if (($# > 0)) && [[ -f ${*: -1} ]]; then
    conform "conform records" "$@"
    return
  fi
  install_packages "${build_packages[@]}"
  configure build "${plain_options[@]}"
  build build tests/sim/tidegate-sim
  conform conform "$@"
}

# conform <words for the evidence> <arguments>
conform() {
  run_recorded "$1" '^[0-9]+ (runs|lives of peers), ' \
    env PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 tests/model/conform.py "${@:2}"
}
