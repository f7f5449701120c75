// `tidegate status` names the culprit of a trouble.
#include "command/status_text.hpp"

#include <doctest/doctest.h>

using namespace tidegate;
using namespace tidegate::command;
using std::chrono::seconds;

namespace {

std::string all_troubles(const Status& status) {
  std::string text;
  for (const auto& trouble : troubles(status)) text += trouble + "\n";
  return text;
}

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

// A peer that is well: a replica is watched, and one other peer is there.
Status well() {
  Status status;
  status.gated = true;
  status.tide = Tide{{7, 1}, History::of({{1, 0, 0}}).value(), 100};
  status.tide_still = seconds(3600);  // nothing is held, so nobody has asked
  status.primary_known = true;
  PeerStatus other;
  other.name = "master-2";
  other.state = PeerState::ready;
  status.peers.push_back(other);
  return status;
}

}  // namespace

TEST_CASE("a peer that is well has no trouble") { CHECK(all_troubles(well()).empty()); }

TEST_CASE("a replica that has not moved while messages wait is named") {
  auto status = well();
  status.held = 3;
  status.held_longest = seconds(2);
  CHECK(all_troubles(status).empty());
  status.held_longest = seconds(40);
  status.tide_still = seconds(40);
  CHECK(contains(all_troubles(status), "has replayed nothing for 40.0 s"));
  CHECK(contains(status_text(status), "trouble   the database has replayed nothing"));
}

TEST_CASE("a database that does not answer is named") {
  auto status = well();
  status.tide.reset();
  CHECK(contains(all_troubles(status), "the database does not answer"));
  status.gated = false;
  CHECK(all_troubles(status).empty());
}

TEST_CASE("an application that takes nothing is named, and its replica is not blamed") {
  auto status = well();
  status.held = 3;
  status.held_longest = seconds(40);
  status.taking = false;
  status.untaken = seconds(1);
  CHECK(all_troubles(status).empty());
  status.untaken = seconds(40);
  CHECK(contains(all_troubles(status), "the application has taken no delivery for 40.0 s"));
  CHECK_FALSE(contains(all_troubles(status), "replayed nothing"));
}

TEST_CASE("silent and trailing peers are named") {
  auto status = well();
  status.peers[0].state = PeerState::suspect;
  status.peers[0].silent = seconds(5);
  CHECK(contains(all_troubles(status), "master-2 has been silent for 5.0 s"));
  status.peers[0].slow = true;
  status.peers[0].lag = 12;
  CHECK(contains(all_troubles(status), "master-2 keeps trailing: it was 12 messages behind"));
}

TEST_CASE("queues of slow readers and a missing primary are named") {
  auto status = well();
  status.outgoing_bytes = std::size_t{100} << 20U;
  CHECK(contains(all_troubles(status), "100.0 MiB wait for readers that don't take them"));
  status.outbox = 1;
  status.primary_known = false;
  CHECK(contains(all_troubles(status), "no primary answers"));
}
