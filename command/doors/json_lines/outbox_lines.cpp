#include "command/doors/json_lines/outbox_lines.hpp"

#include <utility>
#include <variant>

#include <nlohmann/json.hpp>

namespace tidegate::json_lines {

void OutboxLines::obey(const OutboxOrder& order, std::uint64_t line) {
  if (!all_.possible()) {
    return complain(line,
                    "a subscription to the outbox needs a database to read and a place on disk; "
                    "start the peer with --database and --state-file",
                    order.id);
  }
  std::visit([&](const auto& deed) { act(order, line, deed); }, order.deed);
}

void OutboxLines::act(const OutboxOrder& order, std::uint64_t line,
                      const OutboxOrder::Subscribe& wanted) {
  const auto& name = order.name;
  const auto [own, is_new] = own_.try_emplace(name, Own{wanted.text, {}});
  if (!is_new) {
    return complain(line,
                    "'" + name + "' is subscribed to '" + own->second.pattern +
                        "' already; unsubscribe that first",
                    order.id);
  }
  asked_.emplace(line, Asked{name, wanted.text, order.id});
  all_.open(shared_from_this(), line, name, wanted.pattern, wanted.from);
}

void OutboxLines::act(const OutboxOrder& order, std::uint64_t line, const OutboxOrder::Take& take) {
  const auto own = own_.find(order.name);
  if (own == own_.end()) {
    return complain(line, "there is no open subscription '" + order.name + "'", order.id);
  }
  const auto ticket = own->second.untaken.extract(take.ticket);
  if (ticket.empty()) {
    return complain(line,
                    "no line of '" + order.name + "' with the ticket " +
                        std::to_string(take.ticket) + " waits to be taken",
                    order.id);
  }
  all_.taken(shared_from_this(), order.name, ticket.mapped());
  if (!order.id.empty()) output_.line(to_text(of_outbox(taken(take.ticket), order.name, order.id)));
}

void OutboxLines::act(const OutboxOrder& order, std::uint64_t line,
                      const OutboxOrder::Unsubscribe& unwanted) {
  const auto own = own_.find(order.name);
  if (own == own_.end() || own->second.pattern != unwanted.text) {
    return complain(line,
                    own == own_.end() ? "there is no open subscription '" + order.name + "'"
                                      : "'" + order.name + "' is subscribed to '" +
                                            own->second.pattern + "'; name that",
                    order.id);
  }
  own_.erase(own);
  all_.close(shared_from_this(), order.name);
  output_.line(to_text(of_outbox(unsubscribed(unwanted.text), order.name, order.id)));
}

void OutboxLines::act(const OutboxOrder& order, std::uint64_t line, const OutboxOrder::Forget&) {
  own_.erase(order.name);
  asked_.emplace(line, Asked{order.name, {}, order.id, true});
  all_.remove(shared_from_this(), line, order.name);
}

void OutboxLines::answered(std::uint64_t tag) {
  const auto asked = asked_.extract(tag).mapped();
  output_.line(to_text(
      of_outbox(asked.forgets ? forgotten() : subscribed(asked.pattern), asked.name, asked.id)));
}

void OutboxLines::refused(std::uint64_t tag, const std::string& why) {
  const auto asked = asked_.extract(tag).mapped();
  if (!asked.forgets) own_.erase(asked.name);
  complain(tag, why, asked.id);
}

void OutboxLines::given_up(std::uint64_t tag) {
  const auto asked = asked_.extract(tag).mapped();
  complain(tag, "the subscription '" + asked.name + "' was closed before it had begun", asked.id);
}

void OutboxLines::taken_over(const std::string& name, const std::string& why) {
  const auto own = own_.extract(name).mapped();
  output_.line(to_text(of_outbox(unsubscribed(own.pattern, why), name)));
}

bool OutboxLines::wants_rows(const std::string&) const { return !output_.busy(); }

void OutboxLines::give(const std::string& name, Delivery row) {
  row.row->ticket = printed(name, row.row->ticket);
  output_.line(to_text(of_outbox(to_json(row), name)));
}

void OutboxLines::give(const std::string& name, Ticket ticket, const OutboxLost& lost) {
  output_.line(to_text(of_outbox(outbox_lost(lost, printed(name, ticket)), name)));
}

Ticket OutboxLines::printed(const std::string& name, Ticket ticket) {
  own_.at(name).untaken.emplace(++last_ticket_, ticket);
  return last_ticket_;
}

void OutboxLines::complain(std::uint64_t line, const std::string& what, const std::string& id) {
  output_.line(to_text(publish_error(line, what, id)));
}

}  // namespace tidegate::json_lines
