// `tidegate doctor`: what could keep a peer from doing its work here, found before it happens.
//
// Facts are gathered first, then judged: judge() is pure, so every advice can be tested without
// breaking a machine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "command/health/doctor_database.hpp"
#include "command/health/loopback_probe.hpp"
#include "discovery/interfaces.hpp"
#include "lib/keys/keyring.hpp"
#include "tidegate/options.hpp"
#include "tidegate/result.hpp"

namespace tidegate::health {

enum class Verdict : std::uint8_t { ok, warning, problem };

[[nodiscard]] std::string_view to_string(Verdict verdict);

struct Finding {
  Verdict verdict = Verdict::ok;
  std::string about;  // "interface lo", "database"
  std::string what;   // what was found
  std::string cure;   // what to do; empty when all is well
};

struct InterfaceFacts {
  std::string name;
  Result<discovery::Interface> interface;
  std::optional<Result<LoopbackProbe>> hearing;  // of a usable one
};

struct HostFacts {
  Result<keys::Keyring> keyring = keys::Keyring();
  std::vector<InterfaceFacts> interfaces;
  std::vector<std::uint16_t> free_ports;  // the first two of the range, or fewer
  std::uint64_t descriptors_now = 0;      // RLIMIT_NOFILE, soft
  std::uint64_t descriptors_most = 0;     // hard: a peer raises the soft one to it
};

struct Facts {
  HostFacts host;
  std::optional<Result<ServerFacts, ServerTrouble>> database;  // nothing: none was given
  std::optional<Result<ServerFacts, ServerTrouble>> primary;   // nothing: none was given
};

// Takes a few seconds at the most. Sends probes on the chosen interfaces and binds ports, briefly.
[[nodiscard]] Facts gather_facts(const Options& options);

[[nodiscard]] std::vector<Finding> judge(const Options& options, const Facts& facts);

}  // namespace tidegate::health
