#include "command/doors/json_lines/json.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sodium.h>

#include "command/doors/json_lines/bounded_json.hpp"
#include "command/doors/json_lines/json_members.hpp"
#include "command/readiness.hpp"
#include "command/status_text.hpp"
#include "lib/base/utf8.hpp"
#include "tidegate/token.hpp"

namespace tidegate::json_lines {
namespace {

// Of the status of a peer that knows as many others as there can be.
constexpr JsonBounds status_bounds{.depth = 8, .values = std::size_t{1} << 17U, .members = 256};

using json_members::members;
using json_members::Read;
using json_members::Write;

void put_payload(Json& json, const std::string& payload) {
  if (base::is_utf8(payload)) {
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

void put_headers(Json& json, const Headers& headers) {
  for (const auto& header : headers) json["headers"][header.name] = header.value;
}

Json typed(const char* type) {
  Json json = Json::object();
  json["type"] = type;
  return json;
}

// The position, and its token for those who pass it on.
void put_position(Json& json, const std::optional<Position>& position) {
  Write{json}("position", position);
  const auto token = position ? to_token(*position) : std::string();
  json["token"] = token.empty() ? Json(nullptr) : Json(token);
}

Json of_peer(const char* type, const Origin& origin, const std::string& name) {
  auto json = typed(type);
  members(Write(json), origin);
  json["name"] = name;
  return json;
}

Json made(const MemberCovered& member) {
  Json json = Json::object();
  members(Write(json), member.origin);
  json["name"] = member.name;
  json["address"] = member.address;
  json["covered"] = !member.answered ? "silent"
                    : member.reads   ? to_string(member.covered)
                                     : "unread";
  return json;
}

Json made(const PeerReady& n) {
  auto json = of_peer("peer_ready", n.origin, n.name);
  json["address"] = n.address;
  return json;
}

Json made(const PeerGone& n) {
  auto json = of_peer("peer_gone", n.origin, n.name);
  json["address"] = n.address;
  json["why"] = to_string(n.why);
  return json;
}

Json made(const Undelivered& n) {
  auto json = of_peer("undelivered", n.origin, n.name);
  json["first"] = n.first;
  json["last"] = n.last;
  json["why"] = to_string(n.why);
  Write{json}("position", n.position);
  json["topic"] = n.topic ? Json(n.topic->elements()) : Json(nullptr);
  return json;
}

Json made(const NotResumed& n) {
  auto json = of_peer("not_resumed", n.origin, n.name);
  json["next"] = n.next;
  json["why"] = to_string(n.why);
  return json;
}

Json made(const OutboxLost& n) {
  auto json = typed("outbox_lost");
  json["first"] = n.first;
  json["last"] = n.last;
  json["why"] = to_string(n.why);
  return json;
}

Json made(const Sent& n) {
  auto json = typed("sent");
  json["ticket"] = n.ticket;
  json["sequence"] = n.sequence;
  put_position(json, n.position);
  return json;
}

Json made(const Received& n) {
  auto json = typed("received");
  json["ticket"] = n.ticket;
  auto& without = json["without"] = Json::array();
  for (const auto& peer : n.without) {
    Json each = Json::object();
    members(Write(each), peer.origin);
    each["name"] = peer.name;
    each["why"] = to_string(peer.why);
    without.push_back(std::move(each));
  }
  return json;
}

Json made(const Unpublished& n) {
  auto json = typed("unpublished");
  json["ticket"] = n.ticket;
  json["why"] = to_string(n.why);
  json["topic"] = n.topic.elements();
  put_payload(json, n.payload);
  put_headers(json, n.headers);
  return json;
}

Json made(const Undone& n) {
  auto json = typed("undone");
  json["ticket"] = n.ticket;
  json["sequence"] = n.sequence;
  json["why"] = to_string(n.why);
  json["topic"] = n.topic.elements();
  Write{json}("position", n.position);
  return json;
}

Json made(const Coverage& n) {
  auto json = typed("covered");
  json["ticket"] = n.ticket;
  json["covered"] = to_string(n.covered);
  auto& list = json["members"] = Json::array();
  for (const auto& member : n.members) list.push_back(made(member));
  return json;
}

Json made(const Traced& n) {
  auto json = typed("traced");
  members(Write(json), n);
  json["topic"] = n.topic ? Json(n.topic->elements()) : Json(nullptr);
  return json;
}

Json made(const ServerUp& n) {
  auto json = typed("server_up");
  members(Write(json), n.incarnation);
  json["in_recovery"] = n.in_recovery;
  json["description"] = n.description;
  json["degraded"] = n.degraded;
  return json;
}

Json made(const PrimaryUp& n) {
  auto json = typed("primary_up");
  members(Write(json), n.incarnation);
  Write{json}("history", n.history);
  json["description"] = n.description;
  json["degraded"] = n.degraded;
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

Json made(const Trouble& n) {
  auto json = typed("trouble");
  members(Write(json), n);
  return json;
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
  put_headers(json, delivery.message.headers);
  members(Write(json), delivery.origin);
  json["name"] = delivery.origin_name;
  const Write write(json);
  write("sequence", delivery.sequence);
  put_position(json, delivery.message.position);
  write("held_ms", delivery.held);
  write("late", delivery.late);
  if (delivery.row) {
    json["row"] = {{"ticket", delivery.row->ticket},
                   {"transaction", delivery.row->transaction},
                   {"id", delivery.row->id},
                   {"announced", delivery.row->announced}};
  }
  return json;
}

Json to_json(const Notice& notice) {
  return std::visit([](const auto& n) { return made(n); }, notice);
}

Json to_json(const Notice& notice, const std::string& id) {
  auto json = to_json(notice);
  if (!id.empty()) json["id"] = Json::parse(id);
  return json;
}

Json publish_error(std::uint64_t line, const std::string& message, const std::string& id) {
  auto json = typed("error");
  json["line"] = line;
  json["message"] = message;
  if (!id.empty()) json["id"] = Json::parse(id);
  return json;
}

Json trusted() { return typed("trusted"); }

Json keys_in_use(const std::vector<std::string>& names) {
  auto json = typed("keys");
  json["keys"] = names;
  return json;
}

Json subscribed(const std::string& pattern) {
  auto json = typed("subscribed");
  json["pattern"] = pattern;
  return json;
}

Json unsubscribed(const std::string& pattern, const std::string& reason) {
  auto json = typed("unsubscribed");
  json["pattern"] = pattern;
  if (!reason.empty()) json["reason"] = reason;
  return json;
}

Json of_outbox(Json line, const std::string& name, const std::string& id) {
  line["outbox"] = name;
  if (!id.empty()) line["id"] = Json::parse(id);
  return line;
}

Json taken(Ticket ticket) {
  auto json = typed("taken");
  json["ticket"] = ticket;
  return json;
}

Json forgotten() { return typed("forgotten"); }

Json outbox_lost(const OutboxLost& lost, Ticket ticket) {
  auto json = made(lost);
  json["ticket"] = ticket;
  return json;
}

Json ready_peers(std::size_t ready, bool settled) {
  auto json = typed("ready_peers");
  json["ready"] = ready;
  json["settled"] = settled;
  return json;
}

Json to_json(const Publication& publication) {
  Json json = Json::object();
  json["topic"] = publication.topic.elements();
  put_payload(json, publication.payload);
  put_headers(json, publication.headers);
  if (const auto* position = std::get_if<Position>(&publication.dependency)) {
    json["depends"] = to_json(*position);
  } else if (const auto* commit = std::get_if<AfterCommit>(&publication.dependency)) {
    json["depends"] = "commit";
    json["durable"] = commit->durable;
  } else if (std::holds_alternative<AfterRead>(publication.dependency)) {
    json["depends"] = "read";
  } else if (std::get<NoChange>(publication.dependency).apart) {
    json["apart"] = true;
  }
  if (!publication.id.empty()) json["id"] = Json::parse(publication.id);
  if (publication.acknowledged) json["receipt"] = "received";
  return json;
}

Json published(const Topic& topic, std::size_t peers, const std::optional<Position>& position) {
  auto json = typed("published");
  json["topic"] = topic.elements();
  json["peers"] = peers;
  put_position(json, position);
  return json;
}

Json announced(const Topic& topic, const Position& position) {
  auto json = typed("announced");
  json["topic"] = topic.elements();
  put_position(json, position);
  return json;
}

Json peers_document(const Status& status, bool resident) {
  Json json = Json::object();
  json["mesh"] = status.mesh;
  json["asked"] = resident ? Json(status.name) : Json(nullptr);
  Write{json}("peers", status.peers);
  return json;
}

Json doctor_document(std::string_view version, const std::vector<health::Finding>& findings) {
  const auto count = [&](health::Verdict verdict) {
    return std::count_if(findings.begin(), findings.end(),
                         [&](const auto& finding) { return finding.verdict == verdict; });
  };
  Json json = Json::object();
  json["version"] = version;
  json["problems"] = count(health::Verdict::problem);
  json["warnings"] = count(health::Verdict::warning);
  auto& list = json["findings"] = Json::array();
  for (const auto& finding : findings) {
    Json each = Json::object();
    each["verdict"] = to_string(finding.verdict);
    each["about"] = finding.about;
    each["what"] = finding.what;
    each["cure"] = finding.cure;
    list.push_back(std::move(each));
  }
  return json;
}

Json to_json(const Status& status, const std::optional<stomp_door::DoorCounters>& door,
             const std::optional<command::OutboxRemoval>& removal) {
  Json json = Json::object();
  members(Write(json), status);
  Write{json}("door", door);
  Write{json}("outbox_removal", removal);
  // Derived, for programs that don't want to subtract LSNs.
  const auto missing = command::bytes_behind(status);
  json["missing_bytes"] = missing ? Json(*missing) : Json(nullptr);
  Write{json}("lag_ms", command::lag(status));
  return json;
}

// JSON escapes the control characters of ASCII by itself; the others that a terminal obeys are
// escaped here, since a line may be read on one.
std::string to_text(const Json& json) {
  auto dumped = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  const auto usual = [](char c) { return static_cast<unsigned char>(c) < 0x7F; };
  if (std::all_of(dumped.begin(), dumped.end(), usual)) return dumped;
  std::string text;
  text.reserve(dumped.size());
  std::string_view rest = dumped;
  while (!rest.empty()) {
    const auto lead = static_cast<unsigned char>(rest.front());
    const auto obeyed = lead < 0x7F ? 0 : base::obeyed_bytes(rest);
    if (obeyed == 0) {
      text += rest.front();
      rest.remove_prefix(1);
      continue;
    }
    unsigned code = obeyed == 1 ? lead : obeyed == 2 ? lead & 0x1FU : lead & 0x0FU;
    for (const char c : rest.substr(1, obeyed - 1)) {
      code = (code << 6U) | (static_cast<unsigned char>(c) & 0x3FU);
    }
    text += fmt::format("\\u{:04x}", code);
    rest.remove_prefix(obeyed);
  }
  return text;
}

Result<PeerReport> parse_status(std::string_view text) {
  const auto read = read_json(text, status_bounds);
  if (!read) return Error{"the answer can't be read: " + read.error().message};
  const auto& json = *read;
  if (!json.is_object()) return Error{"the answer is not a JSON object"};
  PeerReport report;
  std::string wrong;
  members(Read(json, wrong), static_cast<Status&>(report));
  Read(json, wrong)("door", report.door);
  Read(json, wrong)("outbox_removal", report.removal);
  if (!wrong.empty()) return Error{"the answer has a bad \"" + wrong + "\""};
  return report;
}

}  // namespace tidegate::json_lines
