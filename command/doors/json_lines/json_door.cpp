#include "command/doors/json_lines/json_door.hpp"

#include <algorithm>
#include <variant>

#include <nlohmann/json.hpp>

#include "command/doors/json_lines/json.hpp"
#include "peer/io/clock.hpp"

namespace tidegate::json_lines {

JsonDoor::JsonDoor(io::Reactor& reactor, DrivenPeer& peer, doors::Subscriptions& subscriptions,
                   doors::OutboxSubscriptions& outboxes, doors::Orders& orders, int input,
                   int output, std::size_t payload_bytes)
    : reactor_(reactor),
      peer_(peer),
      subscriptions_(subscriptions),
      orders_(orders),
      output_(output, reactor),
      outbox_(std::make_shared<OutboxLines>(outboxes, output_)),
      input_(input, payload_bytes, &subscriptions, outbox_.get()),
      settles_(reactor.timer([] {})),
      settles_by_(io::clock_now() + command::usual_wait) {
  input_.hold_back(true);
  peer_has_turned();
}

void JsonDoor::handle(const Incoming& incoming) {
  if (const auto* delivery = std::get_if<Delivery>(&incoming)) {
    if (!subscriptions_.want(*delivery)) return;
    return output_.line(to_text(to_json(*delivery)));
  }
  const auto& notice = std::get<Notice>(incoming);
  if (const auto question = question_of(notice)) {
    const auto asked = input_.take_question(*question);
    if (asked) output_.line(to_text(to_json(notice, *asked)));
    return;
  }
  const auto id = input_.take_id(notice);
  const bool answer =
      std::holds_alternative<Sent>(notice) || std::holds_alternative<Received>(notice);
  if (answer && id.empty()) return;  // nobody has asked
  output_.line(to_text(to_json(notice, id)));
}

void JsonDoor::pump() {
  input_.pump(&peer_, orders_, output_);
  if (!input_.holds_back()) return;
  look_around();
  if (!input_.holds_back()) input_.pump(&peer_, orders_, output_);
}

// Also while nothing is read, it is seen that the writer is gone.
void JsonDoor::watch_input() {
  const bool wanted = !leaving_ && !output_.choked() && input_.wants_input();
  const bool closed = leaving_ || input_.ended();
  if (!wanted) input_watch_.stop();
  if (wanted || closed) hangup_watch_.stop();
  if (wanted && !input_watch_) {
    input_watch_ =
        reactor_.watch_input(input_.descriptor(), [this](io::Readiness) { input_.read(); });
  } else if (!wanted && !closed && !hangup_watch_) {
    hangup_watch_ = reactor_.watch({input_.descriptor(), false, false, 0},
                                   [this](io::Readiness) { input_.hang_up(); });
  }
}

void JsonDoor::look_around() {
  const auto now = io::clock_now();
  if (now >= settles_by_ || settling_.settled(peer_.status(), now)) {
    input_.hold_back(false);
    settles_.set(never);
  } else {
    settles_.set(std::min(settling_.settles_at(), settles_by_));
  }
}

void JsonDoor::finish_input() {
  input_.finish();
  peer_has_turned();
}

void JsonDoor::peer_has_turned() {
  if (!leaving_ && !output_.choked()) pump();
  watch_input();
  output_.flush();
}

void JsonDoor::peer_leaves() {
  leaving_ = true;
  input_.give_up(output_);
}

}  // namespace tidegate::json_lines
