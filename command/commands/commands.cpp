#include "command/commands/commands.hpp"

#include <array>

namespace tidegate::commands {

std::vector<std::unique_ptr<command::Subcommand>> make_commands() {
  const std::array all = {
      make_peer_command,   make_pub_command,    make_sub_command,    make_peers_command,
      make_status_command, make_top_command,    make_trace_command,  make_doctor_command,
      make_trust_command,  make_keygen_command, make_keys_command,   make_role_sql_command,
      make_wait_command,   make_outbox_command, make_bridge_command, make_measure_command,
  };
  std::vector<std::unique_ptr<command::Subcommand>> commands;
  commands.reserve(all.size());
  for (const auto make : all) commands.push_back(make());
  return commands;
}

}  // namespace tidegate::commands
