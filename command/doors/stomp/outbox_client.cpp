#include "command/doors/stomp/outbox_client.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>

#include <nlohmann/json.hpp>

#include "command/doors/json_lines/json.hpp"

namespace tidegate::stomp_door {
namespace {

// Its id is the same whenever that loss is told, and none that a row or a message has.
stomp::Loss loss_of(Ticket ticket, const OutboxLost& lost) {
  stomp::Loss loss{.kind = stomp::Loss::Kind::outbox,
                   .origin = {},
                   .publisher = "outbox",
                   .first = lost.first,
                   .last = lost.last,
                   .json = json_lines::to_text(json_lines::to_json(Notice(lost))),
                   .ticket = ticket};
  constexpr std::string_view mark = "outbox-lost";
  std::copy(mark.begin(), mark.end(), loss.origin.peer.bytes.begin());
  loss.origin.peer.bytes.back() = static_cast<std::uint8_t>(lost.why);
  loss.origin.incarnation = lost.last;
  return loss;
}

}  // namespace

void OutboxClient::taken_over(const std::string&, const std::string& why) {
  session_.cut(stomp::Ended::evicted, why);
}

void OutboxClient::give(const std::string& name, Delivery row) {
  session_.give(name, {std::make_shared<const Delivery>(std::move(row)), nullptr});
}

void OutboxClient::give(const std::string& name, Ticket ticket, const OutboxLost& lost) {
  session_.give(name, {nullptr, std::make_shared<const stomp::Loss>(loss_of(ticket, lost))});
}

void carry_out(const stomp::OutboxEffect& effect, const std::shared_ptr<OutboxClient>& client,
               doors::OutboxSubscriptions& outboxes) {
  if (const auto* open = std::get_if<stomp::OutboxOpen>(&effect)) {
    outboxes.open(client, open->tag, open->name, open->pattern, open->from);
  } else if (const auto* taken = std::get_if<stomp::OutboxTaken>(&effect)) {
    outboxes.taken(client, taken->name, taken->ticket);
  } else if (const auto* close = std::get_if<stomp::OutboxClose>(&effect)) {
    outboxes.close(client, close->name);
  } else {
    const auto& remove = std::get<stomp::OutboxRemove>(effect);
    outboxes.remove(client, remove.tag, remove.name);
  }
}

}  // namespace tidegate::stomp_door
