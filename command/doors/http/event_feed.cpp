#include "command/doors/http/event_feed.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <nlohmann/json.hpp>

namespace tidegate::http_door {
namespace {

using json_lines::Json;

constexpr Duration pause_between_looks = std::chrono::milliseconds(250);
constexpr Duration pause_between_statuses = std::chrono::seconds(1);
constexpr std::size_t most_deliveries = 20;  // in one event

// Two statuses with the same outline differ in numbers alone.
std::string outline(const Status& status) {
  std::string text;
  for (const auto& trouble : status.troubles) {
    text += std::string(to_string(trouble.kind)) + " " + trouble.about + "\n";
  }
  for (const auto& peer : status.peers) {
    text += to_string(peer.origin.peer) + std::string(to_string(peer.state)) + "\n";
  }
  for (const auto& server : {status.database, status.primary}) {
    text += server.up ? server.primary ? "primary\n" : "up\n" : "down\n";
  }
  text += status.held > 0 ? "holds\n" : "holds nothing\n";
  return text;
}

}  // namespace

void EventFeed::listen(std::size_t count) {
  if (count > listeners_) look_at_ = status_at_ = Instant::min();
  listeners_ = count;
  if (count > 0) return;
  delivered_ = 0;
  newest_.clear();
}

void EventFeed::handle(const Incoming& incoming) {
  if (listeners_ == 0) return;
  if (const auto* delivery = std::get_if<Delivery>(&incoming)) {
    ++delivered_;
    const auto& message = delivery->message;
    newest_.push_back({message.topic, message.payload.size(), delivery->held, delivery->late,
                       delivery->origin_name});
    if (newest_.size() > most_deliveries) newest_.pop_front();
    return;
  }
  const auto& notice = std::get<Notice>(incoming);
  if (std::holds_alternative<Trouble>(notice)) send("trouble", json_lines::to_json(notice));
}

void EventFeed::turn(Instant now) {
  if (listeners_ == 0 || now < look_at_) return;
  look_at_ = now + pause_between_looks;
  if (delivered_ > 0) tell_deliveries();
  const auto report = report_();
  auto seen = outline(report);
  if (now < status_at_ && seen == outline_) return;
  outline_ = std::move(seen);
  status_at_ = now + pause_between_statuses;
  send("status", json_lines::to_json(report, report.door, report.removal));
}

void EventFeed::tell_deliveries() {
  Json json = Json::object();
  json["delivered"] = std::exchange(delivered_, 0);
  auto& newest = json["newest"] = Json::array();
  for (const auto& one : std::exchange(newest_, {})) {
    const auto held = std::chrono::duration<double, std::milli>(one.held).count();
    newest.push_back({{"topic", one.topic.elements()},
                      {"bytes", one.bytes},
                      {"held_ms", held},
                      {"late", one.late},
                      {"name", one.name}});
  }
  send("deliveries", json);
}

// The text has no line breaks of its own.
void EventFeed::send(const char* name, const Json& data) {
  send_(std::string("event: ") + name + "\ndata: " + json_lines::to_text(data) + "\n\n");
}

}  // namespace tidegate::http_door
