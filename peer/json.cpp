#include "json.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <limits>
#include <type_traits>
#include <utility>

#include <nlohmann/json.hpp>
#include <sodium.h>

#include "lib/limits.hpp"
#include "lib/must.hpp"
#include "lib/utf8.hpp"
#include "near_miss.hpp"
#include "status_text.hpp"

namespace tidegate {
namespace {

// --- Values -------------------------------------------------------------------------------------
// encode() writes a value; decode() reads it back and is false when the JSON is something else.

constexpr std::array<PeerState, 6> all_peer_states{PeerState::heard, PeerState::hello,
                                                   PeerState::ready, PeerState::suspect,
                                                   PeerState::left,  PeerState::gone};

// A system identifier, which is written as a string.
template <typename Id>
struct SystemText {
  explicit SystemText(Id& system) : id(system) {}
  Id& id;
};

Json encode(const std::string& text) { return text; }
Json encode(bool value) { return value; }

template <std::integral Number>
Json encode(Number number) {
  return number;
}

Json encode(Duration time) {
  const auto microseconds = std::chrono::duration<double, std::micro>(time).count();
  return std::round(microseconds) / 1000;
}

Json encode(const PeerId& id) { return to_string(id); }
Json encode(Lsn lsn) { return to_string(lsn); }
Json encode(PeerState state) { return std::string(to_string(state)); }

template <typename Id>
Json encode(SystemText<Id> system) {
  return std::to_string(system.id);
}

bool decode(const Json& json, std::string& text) {
  if (!json.is_string()) return false;
  text = json.get_ref<const std::string&>();
  return true;
}

bool decode(const Json& json, bool& value) {
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

bool decode(const Json& json, Duration& time) {
  constexpr double longest_ms = 1e12;  // 31 years; far from where nanoseconds overflow
  if (!json.is_number()) return false;
  const auto milliseconds = json.get<double>();
  if (!(milliseconds >= 0 && milliseconds < longest_ms)) return false;
  time = Duration(std::llround(milliseconds * 1e6));
  return true;
}

bool decode(const Json& json, PeerId& id) {
  std::string text;
  if (!decode(json, text) || text.size() != 2 * id.bytes.size()) return false;
  return sodium_hex2bin(id.bytes.data(), id.bytes.size(), text.data(), text.size(), nullptr,
                        nullptr, nullptr) == 0 &&
         to_string(id) == text;
}

bool decode(const Json& json, Lsn& lsn) {
  std::string text;
  if (!decode(json, text)) return false;
  const auto parsed = parse_lsn(text);
  if (parsed) lsn = *parsed;
  return parsed.ok();
}

bool decode(const Json& json, PeerState& state) {
  for (const auto candidate : all_peer_states) {
    if (json == std::string(to_string(candidate))) {
      state = candidate;
      return true;
    }
  }
  return false;
}

bool decode(const Json& json, SystemText<SystemId> system) {
  std::string text;
  if (!decode(json, text)) return false;
  SystemId id = 0;
  for (const char c : text) {
    const auto digit = static_cast<SystemId>(c - '0');
    if (c < '0' || c > '9' || id > (std::numeric_limits<SystemId>::max() - digit) / 10) {
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
  visit("system", SystemText{position.system});
  visit("timeline", position.timeline);
  visit("lsn", position.lsn);
}

template <typename Visit, MaybeConst<Instance> T>
void members(Visit&& visit, T& instance) {
  visit("system", SystemText{instance.system});
  visit("started", instance.started);
}

template <typename Visit, MaybeConst<TimelineHistory::Switch> T>
void members(Visit&& visit, T& change) {
  visit("timeline", change.timeline);
  visit("end", change.end);
}

template <typename Visit, MaybeConst<Tide> T>
void members(Visit&& visit, T& tide) {
  members(visit, tide.instance);
  visit("timeline", tide.timeline);
  visit("replayed", tide.replayed);
  visit("history", tide.history);
}

template <typename Visit, MaybeConst<Counters> T>
void members(Visit&& visit, T& counters) {
  visit("published", counters.published);
  visit("received", counters.received);
  visit("delivered", counters.delivered);
  visit("unmatched", counters.unmatched);
  visit("duplicate", counters.duplicate);
  visit("missing", counters.missing);
  visit("orphaned", counters.orphaned);
  visit("foreign", counters.foreign);
  visit("full", counters.full);
  visit("unpublished", counters.unpublished);
  visit("malformed", counters.malformed);
  visit("unexpected", counters.unexpected);
  visit("refused", counters.refused);
  visit("polls", counters.polls);
  visit("questions", counters.questions);
  visit("nudges", counters.nudges);
}

template <typename Visit, MaybeConst<PeerStatus> T>
void members(Visit&& visit, T& peer) {
  members(visit, peer.origin);
  visit("name", peer.name);
  visit("host", peer.host);
  visit("direct_port", peer.direct_port);
  visit("state", peer.state);
  visit("silent_ms", peer.silent);
  visit("next_sequence", peer.next_sequence);
  visit("held", peer.held);
}

template <typename Visit, MaybeConst<Status> T>
void members(Visit&& visit, T& status) {
  members(visit, status.origin);
  visit("name", status.name);
  visit("mesh", status.mesh);
  visit("publish_port", status.publish_port);
  visit("direct_port", status.direct_port);
  visit("up_ms", status.up);
  visit("gated", status.gated);
  visit("tide", status.tide);
  visit("held", status.held);
  visit("held_bytes", status.held_bytes);
  visit("held_first", status.held_first);
  visit("held_longest_ms", status.held_longest);
  visit("primary_known", status.primary_known);
  visit("outbox", status.outbox);
  visit("outbox_bytes", status.outbox_bytes);
  visit("last_sequence", status.last_sequence);
  visit("last_position", status.last_position);
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
  static Json made(const TimelineHistory& history) { return made(history.switches()); }

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
  bool read(const Json& json, TimelineHistory& history) const {
    std::vector<TimelineHistory::Switch> switches;
    if (!read(json, switches)) return false;
    history = TimelineHistory(std::move(switches));
    return true;
  }

  const Json& json_;
  std::string& wrong_;
};

// --- Lines out ----------------------------------------------------------------------------------

void put_payload(Json& json, const std::string& payload) {
  if (is_utf8(payload)) {
    json["payload"] = payload;
    return;
  }
  constexpr int variant = sodium_base64_VARIANT_ORIGINAL;
  std::string text(sodium_base64_encoded_len(payload.size(), variant), '\0');
  sodium_bin2base64(text.data(), text.size(),
                    reinterpret_cast<const unsigned char*>(payload.data()), payload.size(),
                    variant);
  text.pop_back();  // the terminating zero
  json["payload_base64"] = std::move(text);
}

Json typed(const char* type) {
  Json json = Json::object();
  json["type"] = type;
  return json;
}

Json of_peer(const char* type, const Origin& origin, const std::string& name) {
  auto json = typed(type);
  members(Write(json), origin);
  json["name"] = name;
  return json;
}

Json made(const PeerReady& n) { return of_peer("peer_ready", n.origin, n.name); }

Json made(const PeerGone& n) {
  auto json = of_peer("peer_gone", n.origin, n.name);
  json["why"] = to_string(n.why);
  return json;
}

Json made(const Undelivered& n) {
  auto json = of_peer("undelivered", n.origin, n.name);
  json["first"] = n.first;
  json["last"] = n.last;
  json["why"] = to_string(n.why);
  Write{json}("position", n.position);
  return json;
}

Json made(const Unpublished& n) {
  auto json = typed("unpublished");
  json["topic"] = n.topic.elements();
  put_payload(json, n.payload);
  return json;
}

Json made(const ServerUp& n) {
  auto json = typed("server_up");
  members(Write(json), n.instance);
  json["in_recovery"] = n.in_recovery;
  json["description"] = n.description;
  json["degraded"] = n.degraded;
  return json;
}

Json made(const PrimaryUp& n) {
  auto json = typed("primary_up");
  members(Write(json), n.instance);
  json["description"] = n.description;
  return json;
}

Json with_text(const char* type, const char* key, const std::string& text) {
  auto json = typed(type);
  json[key] = text;
  return json;
}

Json made(const ServerDown& n) { return with_text("server_down", "reason", n.reason); }
Json made(const PrimaryDown& n) { return with_text("primary_down", "reason", n.reason); }
Json made(const Warning& n) { return with_text("warning", "text", n.text); }

// --- Lines in -----------------------------------------------------------------------------------

Result<Topic> read_topic(const Json& json) {
  if (json.is_string()) {
    const auto& text = json.get_ref<const std::string&>();
    // Each character may be escaped; the error would quote the whole text.
    if (text.size() > 2 * limits::topic_bytes + limits::topic_elements) {
      return Error{"not a topic: it has more than " + std::to_string(limits::topic_bytes) +
                   " bytes"};
    }
    return Topic::parse(text);
  }
  std::vector<std::string> elements;
  bool good = json.is_array();
  if (good) {
    for (const auto& element : json) good = decode(element, elements.emplace_back()) && good;
  }
  if (!good) return Error{R"(write the topic as "builds/42/new" or as ["builds","42","new"])"};
  return Topic::of(std::move(elements));
}

Result<std::string> read_base64(const Json& json) {
  std::string text;
  if (decode(json, text)) {
    std::string bytes(text.size() / 4 * 3 + 3, '\0');
    std::size_t length = 0;
    if (sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(),
                          text.size(), nullptr, &length, nullptr,
                          sodium_base64_VARIANT_ORIGINAL) == 0) {
      bytes.resize(length);
      return bytes;
    }
  }
  return Error{"payload_base64 is not base64 text; write it with padding and without line breaks"};
}

Result<Tag> read_tag(const Json& json) {
  if (json.is_null() || json == "none") return Tag{NoChange{}};
  if (json == "after_commit") return Tag{AfterCommit{.durable = false}};
  if (json == "after_durable_commit") return Tag{AfterCommit{.durable = true}};
  const Error error{R"(the tag is none of "none", "after_commit", "after_durable_commit" and )"
                    R"({"system":"7423456789012345678","timeline":1,"lsn":"0/3000060"})"};
  if (!json.is_object()) return error;
  for (const auto* key : {"system", "timeline", "lsn"}) {
    if (!json.contains(key)) return Error{std::string("the tag lacks \"") + key + "\""};
  }
  Position position;
  std::string wrong;
  members(Read(json, wrong), position);
  if (!wrong.empty()) return Error{"the tag has a bad \"" + wrong + "\"; " + error.message};
  if (json.size() != 3) return error;
  if (position.system == 0 || position.timeline == 0 || position.lsn.none()) {
    return Error{"the tag names no place: system, timeline and lsn must not be 0"};
  }
  return Tag{position};
}

}  // namespace

Json to_json(const Position& position) {
  Json json = Json::object();
  members(Write(json), position);
  return json;
}

Json to_json(const PeerStatus& peer) {
  Json json = Json::object();
  members(Write(json), peer);
  return json;
}

Json to_json(const Delivery& delivery) {
  auto json = typed("delivery");
  json["topic"] = delivery.message.topic.elements();
  put_payload(json, delivery.message.payload);
  members(Write(json), delivery.origin);
  json["name"] = delivery.origin_name;
  const Write write(json);
  write("sequence", delivery.sequence);
  write("position", delivery.message.position);
  write("held_ms", delivery.held);
  return json;
}

Json to_json(const Notice& notice) {
  return std::visit([](const auto& n) { return made(n); }, notice);
}

Json to_json(const Status& status) {
  Json json = Json::object();
  members(Write(json), status);
  // Derived, for programs that don't want to subtract LSNs.
  const auto behind = bytes_behind(status);
  json["behind_bytes"] = behind ? Json(*behind) : Json(nullptr);
  return json;
}

std::string to_text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Status> parse_status(std::string_view text) {
  const auto json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return Error{"the answer is not a JSON object"};
  Status status;
  std::string wrong;
  members(Read(json, wrong), status);
  if (!wrong.empty()) return Error{"the answer has a bad \"" + wrong + "\""};
  return status;
}

Result<Publication> parse_publication(std::string_view line) {
  const auto json = Json::parse(line, nullptr, false);
  if (!json.is_object()) {
    return Error{json.is_discarded()
                     ? R"(not JSON; write one object a line, such as {"topic":"a/b","payload":"c"})"
                     : R"(not an object; write for example {"topic":"a/b","payload":"c"})"};
  }
  const std::vector<std::string> keys = {"topic", "payload", "payload_base64", "tag"};
  for (const auto& item : json.items()) {
    if (std::find(keys.begin(), keys.end(), item.key()) == keys.end()) {
      const auto hint = did_you_mean(item.key(), keys);
      return Error{"\"" + item.key().substr(0, limits::peer_name_bytes) + "\" is unknown" +
                   (hint.empty() ? "; write topic, payload or payload_base64, and tag" : hint)};
    }
  }
  if (!json.contains("topic")) return Error{"the topic is missing"};
  auto topic = read_topic(json["topic"]);
  if (!topic) return topic.error();

  std::string payload;
  if (json.contains("payload") && json.contains("payload_base64")) {
    return Error{"write either payload or payload_base64, not both"};
  }
  if (json.contains("payload") && !decode(json["payload"], payload)) {
    return Error{"the payload must be a string; to send JSON, write it as text inside the string"};
  }
  if (json.contains("payload_base64")) {
    auto bytes = read_base64(json["payload_base64"]);
    if (!bytes) return bytes.error();
    payload = std::move(*bytes);
  }

  Tag tag;
  if (json.contains("tag")) {
    const auto read = read_tag(json["tag"]);
    if (!read) return read.error();
    tag = *read;
  }
  return Publication{std::move(*topic), std::move(payload), tag};
}

}  // namespace tidegate
