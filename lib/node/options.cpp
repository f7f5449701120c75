#include "tidegate/options.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "lib/base/limits.hpp"
#include "lib/base/must.hpp"
#include "lib/base/utf8.hpp"
#include "lib/keys/mesh_key.hpp"
#include "lib/mesh/announcement.hpp"
#include "lib/message/footprint.hpp"
#include "tidegate/message.hpp"

namespace tidegate {
namespace {

constexpr std::uint16_t first_unprivileged_port = 1024;
constexpr std::uint16_t first_ephemeral_port = 32768;
constexpr std::uint16_t last_ephemeral_port = 60999;

bool is_name(std::string_view text) {
  if (text.size() > base::limits::peer_name_bytes || !base::is_utf8(text)) return false;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return false;
  }
  return true;
}

bool are_places(const std::vector<Cursor>& cursors) {
  std::set<PeerId> peers;
  return std::all_of(cursors.begin(), cursors.end(), [&](const Cursor& cursor) {
    return cursor.publisher.incarnation != 0 && cursor.next != 0 &&
           peers.insert(cursor.publisher.peer).second;
  });
}

bool stays_on_loopback(const Options& options) {
  return std::all_of(options.interfaces.begin(), options.interfaces.end(),
                     [](const std::string& name) { return name == "lo"; });
}

}  // namespace

std::vector<Problem> validate(const Options& options) {
  std::vector<Problem> problems;
  const auto require = [&](bool good, const char* option, std::string what) {
    if (!good) problems.push_back({option, std::move(what)});
  };

  require(mesh::valid_mesh_name(options.mesh), "mesh",
          "give 1 to " + std::to_string(base::limits::mesh_name_bytes) +
              " printable ASCII characters without space");
  require(is_name(options.name), "name",
          "give at most " + std::to_string(base::limits::peer_name_bytes) +
              " bytes of text without control characters");
  const bool has_key = !options.key_file.empty() || !options.keys.empty();
  require(options.key_file.find("tidegate-key-") == std::string::npos, "key-file",
          "has a key in it, not the name of a file with one; write the key into a file that nobody "
          "else can read, and take a new one if somebody may have seen this");
  require(options.key_file.find("://") == std::string::npos, "key-file", "is not a path");
  require(options.key_file.empty() || options.keys.empty(), "keys",
          "is given beside key-file; give one of them");
  if (const auto keys = keys::parse_keys(options.keys); !options.keys.empty() && !keys) {
    problems.push_back({"keys", keys.error().message});
  }
  require(!has_key || !options.insecure, "insecure",
          "is given beside a key; leave it out, the mesh is secured");
  require(has_key || options.insecure || stays_on_loopback(options), "interfaces",
          "without a key everybody who reaches them could join; make a key with 'tidegate keygen' "
          "and name its file in key-file, or write insecure");
  require(!options.interfaces.empty(), "interfaces", "is empty; name at least one, for example lo");
  require(options.seeds.size() <= base::limits::peers, "seeds",
          "names " + std::to_string(options.seeds.size()) + " peers; name at most " +
              std::to_string(base::limits::peers) + ", any of them leads to the others");
  require(options.beacon_port >= first_unprivileged_port, "beacon-port", "must be 1024 or above");
  require(options.first_port >= first_unprivileged_port, "first-port", "must be 1024 or above");
  require(options.last_port > options.first_port, "last-port",
          "must be above first-port: a peer takes two ports");
  require(options.last_port < first_ephemeral_port || options.first_port > last_ephemeral_port,
          "last-port",
          "the range overlaps 32768 to 60999, from which the system takes ports for outgoing "
          "connections; choose one outside");
  for (const auto& [server, option] :
       {std::pair(&options.database, "database"), std::pair(&options.primary, "primary")}) {
    require(!*server || !(*server)->empty(), option,
            "is empty; give a connection string, or none at all");
  }
  const auto one_message = message::largest_footprint(options.payload_bytes);
  const auto room_for_one = "must be at least " + std::to_string(one_message) +
                            " bytes: one message with payload-bytes, the longest topic and headers";
  require(options.held_bytes >= one_message, "held-bytes", room_for_one);
  require(options.inbox_bytes >= one_message, "inbox-bytes", room_for_one);
  require(options.unsent_bytes >= one_message, "unsent-bytes", room_for_one);
  require(options.payload_bytes >= 1 && options.payload_bytes <= base::limits::payload_bytes,
          "payload-bytes",
          "must be 1 to " + std::to_string(base::limits::payload_bytes) + " bytes");
  require(options.retain_bytes >= one_message, "retain-bytes", room_for_one);
  require(options.retain_for >= std::chrono::seconds(1), "retain-for", "must be at least 1 s");
  require(options.resume.size() <= base::limits::cursors, "resume",
          "has " + std::to_string(options.resume.size()) + " places; give at most " +
              std::to_string(base::limits::cursors));
  require(are_places(options.resume), "resume",
          "names a place with incarnation 0 or sequence 0, or two places of one publisher");
  require(options.overdue_after >= std::chrono::milliseconds(1), "overdue-after",
          "must be at least 1 ms");
  require(options.heartbeat >= std::chrono::milliseconds(10), "heartbeat",
          "must be at least 10 ms");
  require(options.suspect_after / 2 >= options.heartbeat, "suspect-after",
          "must be at least two heartbeats, or one lost heartbeat raises suspicion");
  require(options.gone_after > options.suspect_after, "gone-after",
          "must be longer than suspect-after");
  return problems;
}

}  // namespace tidegate
