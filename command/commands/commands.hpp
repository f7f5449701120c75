// The subcommands of `tidegate`, one file each.
#pragma once

#include <memory>
#include <vector>

#include "command/subcommand.hpp"

namespace tidegate::commands {

[[nodiscard]] std::unique_ptr<command::Subcommand> make_peer_command();
[[nodiscard]] std::unique_ptr<command::Subcommand> make_pub_command();
[[nodiscard]] std::unique_ptr<command::Subcommand> make_sub_command();
[[nodiscard]] std::unique_ptr<command::Subcommand> make_peers_command();
[[nodiscard]] std::unique_ptr<command::Subcommand> make_status_command();
[[nodiscard]] std::unique_ptr<command::Subcommand> make_doctor_command();
[[nodiscard]] std::unique_ptr<command::Subcommand> make_trust_command();
[[nodiscard]] std::unique_ptr<command::Subcommand> make_keygen_command();
[[nodiscard]] std::unique_ptr<command::Subcommand> make_keys_command();
[[nodiscard]] std::unique_ptr<command::Subcommand> make_role_sql_command();
[[nodiscard]] std::unique_ptr<command::Subcommand> make_outbox_command();
[[nodiscard]] std::unique_ptr<command::Subcommand> make_wait_command();
[[nodiscard]] std::unique_ptr<command::Subcommand> make_bridge_command();
[[nodiscard]] std::unique_ptr<command::Subcommand> make_measure_command();
[[nodiscard]] std::unique_ptr<command::Subcommand> make_trace_command();
[[nodiscard]] std::unique_ptr<command::Subcommand> make_top_command();

// All of them, in the order of the help.
[[nodiscard]] std::vector<std::unique_ptr<command::Subcommand>> make_commands();

}  // namespace tidegate::commands
