#include "command/commands/running_peer.hpp"

#include "command/status_text.hpp"

namespace tidegate::commands {

void RunningPeer::trust_primary() {
  peer_.trust_primary();
  if (door_ != nullptr) door_->trust_primary();
}

Result<std::vector<std::string>> RunningPeer::reload_keys() {
  auto names = peer_.reload_keys();
  if (names) {
    if (door_ != nullptr) door_->reload_keys();
    command::write(
        log_, {command::LogLevel::info, "the keys were read again: " + command::key_words(*names)});
  } else {
    command::write(
        log_, {command::LogLevel::error, "the keys are as they were: " + names.error().message});
  }
  return names;
}

void RunningPeer::hang_up() {
  if (!options_.key_file.empty()) {
    (void)reload_keys();
  } else if (!options_.keys.empty()) {
    command::write(log_, {command::LogLevel::info,
                          "the keys are as they were: TIDEGATE_KEYS can't change in a process that "
                          "runs; with key-file they can"});
  }
}

}  // namespace tidegate::commands
