#include "command/doors/json_lines/json_door.hpp"

#include <variant>

#include <nlohmann/json.hpp>

#include "command/doors/json_lines/json.hpp"

namespace tidegate::json_lines {

JsonDoor::JsonDoor(io::Reactor& reactor, DrivenPeer& peer, doors::Orders& orders, int input,
                   int output, std::size_t payload_bytes)
    : reactor_(reactor),
      peer_(peer),
      orders_(orders),
      output_(output, reactor),
      input_(input, payload_bytes) {
  peer_has_turned();
}

void JsonDoor::handle(const Incoming& incoming) {
  if (const auto* delivery = std::get_if<Delivery>(&incoming)) {
    return output_.line(to_text(to_json(*delivery)));
  }
  const auto& notice = std::get<Notice>(incoming);
  const auto id = input_.take_id(notice);
  if (std::holds_alternative<Sent>(notice) && id.empty()) return;  // nobody has asked
  output_.line(to_text(to_json(notice, id)));
}

void JsonDoor::peer_has_turned() {
  if (!leaving_ && !output_.choked()) input_.pump(&peer_, orders_, output_);
  if (leaving_ || output_.choked() || !input_.wants_input()) {
    input_watch_.stop();
  } else if (!input_watch_) {
    input_watch_ =
        reactor_.watch_input(input_.descriptor(), [this](io::Readiness) { input_.read(); });
  }
  output_.flush();
}

void JsonDoor::peer_leaves() {
  leaving_ = true;
  input_.give_up(output_);
}

}  // namespace tidegate::json_lines
