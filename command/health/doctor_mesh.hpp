// The part of `tidegate doctor` that looks at other peers: those that a running peer of this host
// knows, and the seeds. Are they reached over TCP, where a beacon alone proves nothing?
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "command/health/doctor.hpp"
#include "lib/base/endpoint.hpp"
#include "tidegate/options.hpp"
#include "tidegate/status.hpp"

namespace tidegate::health {

// One attempt to connect. The error tells why it failed.
struct Dialled {
  std::string about;  // "seed host:port", "peer app-2 (10.0.0.2:17901)"
  Result<Duration> took;
};

struct MeshFacts {
  std::optional<Error> seeds_wrong;       // they can't be read
  std::optional<Error> state_wrong;       // the state file could not be kept there
  std::optional<Result<Status>> running;  // the peer of this mesh that runs here, if one does
  // The names of the keys that the settings lead to now; none: they can't be read.
  std::optional<std::vector<std::string>> keys;
  std::vector<Dialled> dialled;
};

// Dials all at once, for two seconds; names are resolved first, which may take longer.
[[nodiscard]] MeshFacts gather_mesh(const Options& options, std::optional<Result<Status>> running);

[[nodiscard]] std::vector<Finding> judge_mesh(const Options& options, const MeshFacts& facts);

}  // namespace tidegate::health
