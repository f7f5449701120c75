// The peers of a survey, put together from all that its members tell of each other.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tidegate/survey.hpp"

namespace tidegate::health {

struct MappedPeer {
  Origin origin;
  std::string name;
  std::string host;  // as most see it; empty: nobody but itself knows it
  std::uint16_t publish_port = 0;
  std::uint16_t direct_port = 0;
  const MemberSeen* seen = nullptr;  // what it tells; nullptr: nothing
  bool alive = false;                // somebody has had a word of it, or its beacon, in the test
  bool answers_paths = false;        // to somebody

  [[nodiscard]] std::string label() const;
};

class MeshMap {
 public:
  // The survey outlives it.
  explicit MeshMap(const Survey& survey);

  [[nodiscard]] const std::map<Origin, MappedPeer>& peers() const { return peers_; }
  [[nodiscard]] const MappedPeer& at(const Origin& origin) const { return peers_.at(origin); }
  // How `by` sees `of`; nullptr: not at all.
  [[nodiscard]] static const PairSeen* view(const MappedPeer& by, const Origin& of);
  // Somebody alive with that address; nullptr: nobody.
  [[nodiscard]] const MappedPeer* living_at(const std::string& host, std::uint16_t port) const;
  // Somebody alive on that host, whatever its ports are.
  [[nodiscard]] const MappedPeer* living_on(const std::string& host) const;

 private:
  std::map<Origin, MappedPeer> peers_;
};

}  // namespace tidegate::health
