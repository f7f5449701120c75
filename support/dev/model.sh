# ./dev model: the rule and the outbox's reader as models, which spin searches to their end; sourced
# by dev. The small runs are part of ./dev test, too.

command_model() {
  install_packages "${model_packages[@]}"
  run env PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 tests/model/check.py --into build-model "$@"
}
