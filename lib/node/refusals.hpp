// Those whose words were refused a short while ago: of another mesh, without a key of this one, of
// another version. Only so many, since anybody can send such words; each is remembered by its
// address and the last reason.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/limits.hpp"
#include "tidegate/survey.hpp"
#include "tidegate/time.hpp"

namespace tidegate::node {

class Refusals {
 public:
  void add(std::string host, std::uint16_t direct_port, RefusedSeen::Why why, std::string detail,
           Instant now) {
    const auto same = std::find_if(known_.begin(), known_.end(), [&](const Known& one) {
      return one.refused.host == host && one.refused.direct_port == direct_port;
    });
    Known added{{std::move(host), direct_port, why, std::move(detail)}, now};
    if (same != known_.end()) {
      *same = std::move(added);
    } else if (known_.size() < base::limits::survey_refused) {
      known_.push_back(std::move(added));
    } else {
      *std::min_element(known_.begin(), known_.end(), [](const Known& a, const Known& b) {
        return a.at < b.at;
      }) = std::move(added);
    }
  }

  // It has left.
  void forget(const std::string& host, std::uint16_t direct_port) {
    std::erase_if(known_, [&](const Known& one) {
      return one.refused.host == host && one.refused.direct_port == direct_port;
    });
  }

  [[nodiscard]] std::vector<RefusedSeen> recent(Instant now) const {
    constexpr Duration recently = std::chrono::seconds(30);  // a beacon comes every 6 s at least
    std::vector<RefusedSeen> list;
    for (const auto& [refused, at] : known_) {
      if (now - at > recently) continue;
      list.push_back(refused);
      list.back().ago = now - at;
    }
    return list;
  }

 private:
  struct Known {
    RefusedSeen refused;
    Instant at;
  };
  std::vector<Known> known_;
};

}  // namespace tidegate::node
