// How the structures of lib/ look as JSON: each is described once, for writing and for reading.
// Only for json.cpp and the sources that are called json_ and a word.
//
// Rejected: the macros of the JSON library (NLOHMANN_DEFINE_TYPE_...): they throw, name members as
// C++ does, without units, and can't leave out what is missing.
#pragma once

#include <array>
#include <chrono>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>
#include <sodium.h>

#include "command/doors/json_lines/json.hpp"
#include "lib/node/names.hpp"
#include "tidegate/lsn.hpp"
#include "tidegate/status.hpp"

namespace tidegate::json_lines::json_members {

// --- Values -------------------------------------------------------------------------------------
// encode() writes a value; decode() reads it back and is false when the JSON is something else.

// A system identifier, which is written as a string.
template <typename Id>
struct SystemText {
  explicit SystemText(Id& system) : id(system) {}
  Id& id;
};

// An offset in the log, which is written as an LSN.
template <typename Offset>
struct LsnText {
  explicit LsnText(Offset& number) : offset(number) {}
  Offset& offset;
};

inline Json encode(const std::string& text) { return text; }
inline Json encode(bool value) { return value; }

template <std::integral Number>
Json encode(Number number) {
  return number;
}

inline Json encode(Duration time) {
  const auto microseconds = std::chrono::duration<double, std::micro>(time).count();
  return std::round(microseconds) / 1000;
}

inline Json encode(const PeerId& id) { return to_string(id); }
template <typename Offset>
Json encode(LsnText<Offset> lsn) {
  return to_string(Lsn{lsn.offset});
}
inline Json encode(Trouble::Kind kind) { return std::string(to_string(kind)); }
inline Json encode(PeerState state) { return std::string(to_string(state)); }
inline Json encode(TracedStep step) { return std::string(to_string(step)); }
inline Json encode(TracedFate fate) { return std::string(to_string(fate)); }
inline Json encode(Traced::Fate fate) { return std::string(to_string(fate)); }
inline Json encode(Handshake step) { return std::string(to_string(step)); }
inline Json encode(DatagramState state) { return std::string(to_string(state)); }

template <typename Id>
Json encode(SystemText<Id> system) {
  return std::to_string(system.id);
}

inline bool decode(const Json& json, std::string& text) {
  if (!json.is_string()) return false;
  text = json.get_ref<const std::string&>();
  return true;
}

inline bool decode(const Json& json, bool& value) {
  if (!json.is_boolean()) return false;
  value = json.get<bool>();
  return true;
}

template <std::integral Number>
bool decode(const Json& json, Number& number) {
  if constexpr (std::is_signed_v<Number>) {
    if (!json.is_number_integer()) return false;
    number = json.get<Number>();
    return true;
  } else {
    if (!json.is_number_unsigned()) return false;
    const auto wide = json.get<std::uint64_t>();
    if (wide > std::numeric_limits<Number>::max()) return false;
    number = static_cast<Number>(wide);
    return true;
  }
}

inline bool decode(const Json& json, Duration& time) {
  constexpr double longest_ms = 1e12;  // 31 years; far from where nanoseconds overflow
  if (!json.is_number()) return false;
  const auto milliseconds = json.get<double>();
  if (!(milliseconds >= 0 && milliseconds < longest_ms)) return false;
  time = Duration(std::llround(milliseconds * 1e6));
  return true;
}

inline bool decode(const Json& json, PeerId& id) {
  std::string text;
  if (!decode(json, text) || text.size() != 2 * id.bytes.size()) return false;
  return sodium_hex2bin(id.bytes.data(), id.bytes.size(), text.data(), text.size(), nullptr,
                        nullptr, nullptr) == 0 &&
         to_string(id) == text;
}

inline bool decode(const Json& json, LsnText<std::uint64_t> lsn) {
  std::string text;
  if (!decode(json, text)) return false;
  const auto parsed = parse_lsn(text);
  if (parsed) lsn.offset = parsed->bytes;
  return parsed.ok();
}

template <typename Names, typename Enum>
bool decode_named(const Json& json, const Names& names, Enum& value) {
  std::string text;
  if (!decode(json, text)) return false;
  const auto named = names.value(text);
  value = named.value_or(value);
  return named.has_value();
}

inline bool decode(const Json& json, Trouble::Kind& kind) {
  return decode_named(json, node::trouble_names, kind);
}
inline bool decode(const Json& json, PeerState& state) {
  return decode_named(json, node::peer_state_names, state);
}
inline bool decode(const Json& json, Handshake& step) {
  return decode_named(json, node::handshake_names, step);
}
inline bool decode(const Json& json, DatagramState& state) {
  return decode_named(json, node::datagram_state_names, state);
}
inline bool decode(const Json& json, TracedStep& step) {
  return decode_named(json, node::traced_step_names, step);
}
inline bool decode(const Json& json, TracedFate& fate) {
  return decode_named(json, node::traced_fate_names, fate);
}
inline bool decode(const Json& json, Traced::Fate& fate) {
  return decode_named(json, node::traced_names, fate);
}

inline bool decode(const Json& json, SystemText<ClusterId> system) {
  std::string text;
  if (!decode(json, text)) return false;
  ClusterId id = 0;
  for (const char c : text) {
    const auto digit = static_cast<ClusterId>(c - '0');
    if (c < '0' || c > '9' || id > (std::numeric_limits<ClusterId>::max() - digit) / 10) {
      return false;
    }
    id = id * 10 + digit;
  }
  if (text.empty()) return false;
  system.id = id;
  return true;
}

// --- Structures ---------------------------------------------------------------------------------
// members() names the members of a struct once, for writing and for reading: `visit` is a Write or
// a Read, and the struct is const for the first.

template <typename T, typename Struct>
concept MaybeConst = std::is_same_v<std::remove_const_t<T>, Struct>;

template <typename Visit, MaybeConst<Origin> T>
void members(Visit&& visit, T& origin) {
  visit("origin", origin.peer);
  visit("incarnation", origin.incarnation);
}

template <typename Visit, MaybeConst<Position> T>
void members(Visit&& visit, T& position) {
  auto cluster = position.cluster();
  auto history = position.history();
  auto started = position.branch.server_started();
  visit("system", SystemText{cluster});
  visit("history", history);
  if (!std::is_const_v<T> || started != 0) visit("server_started", started);
  visit("lsn", LsnText{position.offset});
  visit("after", LsnText{position.after});
  if constexpr (!std::is_const_v<T>) {
    position.branch = Branch(ServerKind::postgres, cluster, std::move(history), started);
  }
}

template <typename Visit, MaybeConst<ServerIncarnation> T>
void members(Visit&& visit, T& incarnation) {
  visit("system", SystemText{incarnation.cluster});
  visit("started", incarnation.started);
  visit("counted_since", incarnation.counted_since);
}

template <typename Visit, MaybeConst<HistoryEntry> T>
void members(Visit&& visit, T& entry) {
  visit("timeline", entry.number);
  visit("begin", LsnText{entry.begin});
  visit("promoted", entry.promoted);
}

template <typename Visit, MaybeConst<Tide> T>
void members(Visit&& visit, T& tide) {
  members(visit, tide.incarnation);
  visit("history", tide.history);
  visit("replayed", LsnText{tide.replayed});
}

template <typename Visit, MaybeConst<Counters> T>
void members(Visit&& visit, T& counters) {
  for (const auto& [name, count] : counter_names) visit(name, counters.*count);
}

template <typename Visit, MaybeConst<stomp_door::DoorCounters> T>
void members(Visit&& visit, T& counters) {
  for (const auto& [name, count] : stomp_door::door_counter_names) visit(name, counters.*count);
}

template <typename Visit, MaybeConst<command::OutboxRemoval> T>
void members(Visit&& visit, T& removal) {
  visit("rows", removal.rows);
  visit("slices", removal.slices);
  visit("longest_ms", removal.longest);
  visit("trouble", removal.trouble);
}

template <typename Visit, MaybeConst<PeerStatus> T>
void members(Visit&& visit, T& peer) {
  members(visit, peer.origin);
  visit("name", peer.name);
  visit("host", peer.host);
  visit("publish_port", peer.publish_port);
  visit("direct_port", peer.direct_port);
  visit("key", peer.key);
  visit("state", peer.state);
  visit("lacks", peer.lacks);
  visit("unready_ms", peer.unready);
  visit("refusal", peer.refusal);
  visit("silent_ms", peer.silent);
  visit("next_sequence", peer.next_sequence);
  visit("held", peer.held);
  visit("missing", peer.missing);
  visit("slow", peer.slow);
  visit("lag", peer.lag);
  visit("datagrams_to", peer.datagrams_to);
  visit("datagrams_from", peer.datagrams_from);
}

template <typename Visit, MaybeConst<SeedStatus> T>
void members(Visit&& visit, T& seed) {
  visit("seed", seed.seed);
  visit("addresses", seed.addresses);
  visit("answered", seed.answered);
  visit("unanswered_ms", seed.unanswered);
  visit("reason", seed.reason);
}

template <typename Visit, MaybeConst<ServerStatus> T>
void members(Visit&& visit, T& server) {
  visit("asked", server.asked);
  visit("up", server.up);
  visit("primary", server.primary);
  visit("since_ms", server.since);
  visit("description", server.description);
  visit("reason", server.reason);
  visit("degraded", server.degraded);
}

template <typename Visit, MaybeConst<Trouble> T>
void members(Visit&& visit, T& trouble) {
  visit("kind", trouble.kind);
  visit("about", trouble.about);
  visit("text", trouble.text);
  visit("lasted_ms", trouble.lasted);
  visit("ended", trouble.ended);
}

template <typename Visit, MaybeConst<TracedTime> T>
void members(Visit&& visit, T& time) {
  visit("step", time.step);
  visit("took_ms", time.took);
}

template <typename Visit, MaybeConst<TracedReceiver> T>
void members(Visit&& visit, T& receiver) {
  members(visit, receiver.origin);
  visit("name", receiver.name);
  visit("address", receiver.address);
  visit("fate", receiver.fate);
  visit("steps", receiver.steps);
  visit("clock_error_ms", receiver.clock_error);
}

// All but its topic.
template <typename Visit, MaybeConst<Traced> T>
void members(Visit&& visit, T& traced) {
  visit("ticket", traced.ticket);
  visit("fate", traced.fate);
  members(visit, traced.origin);
  visit("name", traced.name);
  visit("sequence", traced.sequence);
  visit("steps", traced.steps);
  visit("receivers", traced.receivers);
}

template <typename Visit, MaybeConst<Status> T>
void members(Visit&& visit, T& status) {
  members(visit, status.origin);
  visit("name", status.name);
  visit("mesh", status.mesh);
  visit("keys", status.keys);
  visit("publish_port", status.publish_port);
  visit("direct_port", status.direct_port);
  visit("up_ms", status.up);
  visit("interfaces", status.interfaces);
  visit("beacon_port", status.beacon_port);
  visit("other_mesh", status.other_mesh);
  visit("stranger", status.stranger);
  visit("seeds", status.seeds);
  visit("gated", status.gated);
  visit("tide", status.tide);
  visit("held", status.held);
  visit("held_bytes", status.held_bytes);
  visit("taking", status.taking);
  visit("untaken_ms", status.untaken);
  visit("tide_still_ms", status.tide_still);
  visit("held_first", status.held_first);
  visit("held_longest_ms", status.held_longest);
  visit("primary_known", status.primary_known);
  visit("unsent", status.unsent);
  visit("unsent_bytes", status.unsent_bytes);
  visit("last_sequence", status.last_sequence);
  visit("last_position", status.last_position);
  visit("outgoing_bytes", status.outgoing_bytes);
  visit("retained_first", status.retained_first);
  visit("retained", status.retained);
  visit("retained_bytes", status.retain_bytes);
  visit("database", status.database);
  visit("primary", status.primary);
  visit("troubles", status.troubles);
  visit("counters", status.counters);
  visit("peers", status.peers);
}

class Write {
 public:
  explicit Write(Json& json) : json_(json) {}

  template <typename T>
  void operator()(const char* key, const T& value) const {
    json_[key] = made(value);
  }

 private:
  template <typename T>
  static auto made(const T& value) -> decltype(encode(value)) {
    return encode(value);
  }
  template <typename T>
  static auto made(const T& value) -> decltype(members(std::declval<Write>(), value), Json()) {
    Json json = Json::object();
    members(Write(json), value);
    return json;
  }
  template <typename T>
  static Json made(const std::optional<T>& value) {
    return value ? made(*value) : Json(nullptr);
  }
  template <typename T>
  static Json made(const std::vector<T>& values) {
    Json json = Json::array();
    for (const auto& value : values) json.push_back(made(value));
    return json;
  }
  static Json made(const History& history) {
    Json json = Json::array();
    for (const auto& entry : history.entries()) json.push_back(made(entry));
    return json;
  }

  Json& json_;
};

// Reads members; the name of the first one that is not what it should be is kept.
class Read {
 public:
  Read(const Json& json, std::string& wrong) : json_(json), wrong_(wrong) {}

  template <typename T>
  void operator()(const char* key, T&& value) const {
    const auto found = json_.find(key);
    if (found != json_.end() && !read(*found, value) && wrong_.empty()) wrong_ = key;
  }

 private:
  template <typename T>
  auto read(const Json& json, T& value) const -> decltype(decode(json, value)) {
    return decode(json, value);
  }
  template <typename T>
  auto read(const Json& json, T& value) const
      -> decltype(members(std::declval<Read>(), value), bool()) {
    if (!json.is_object()) return false;
    members(Read(json, wrong_), value);
    return true;
  }
  template <typename T>
  bool read(const Json& json, std::optional<T>& value) const {
    value.reset();
    return json.is_null() || read(json, value.emplace());
  }
  template <typename T>
  bool read(const Json& json, std::vector<T>& values) const {
    if (!json.is_array()) return false;
    values.clear();
    for (const auto& element : json) {
      if (!read(element, values.emplace_back())) return false;
    }
    return true;
  }
  bool read(const Json& json, History& history) const {
    std::vector<HistoryEntry> entries;
    if (!read(json, entries)) return false;
    auto checked = History::of(std::move(entries));
    if (!checked) return false;
    history = std::move(*checked);
    return true;
  }

  const Json& json_;
  std::string& wrong_;
};

// The id of a line in, as JSON, so that it comes back as it came.
[[nodiscard]] Result<std::string> read_id(const Json& json);

}  // namespace tidegate::json_lines::json_members
