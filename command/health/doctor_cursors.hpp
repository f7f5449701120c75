// The cursors of durable subscriptions to an outbox that are kept on this host.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "command/health/doctor.hpp"
#include "peer/servers/postgres/outbox_status.hpp"

namespace tidegate::health {

struct CursorFacts {
  std::string name;
  std::string file;
  std::string unreadable;                  // why its file is; empty: it is not
  bool begun = true;                       // false: the file is empty
  std::optional<postgres::CursorLag> lag;  // nothing: no server has told
};

[[nodiscard]] std::vector<Finding> judge_cursors(const std::vector<CursorFacts>& cursors);

}  // namespace tidegate::health
