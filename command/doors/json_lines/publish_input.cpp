#include "command/doors/json_lines/publish_input.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command/units.hpp"
#include "lib/base/limits.hpp"
#include "lib/base/saturated.hpp"

namespace tidegate::json_lines {
namespace {

// JSON writes one byte as six at the most, "\u0000".
std::size_t longest_line(std::size_t payload_bytes) {
  constexpr std::size_t most_escaped = 6;
  constexpr std::size_t rest = 1024 + 6 * base::limits::message_headers;
  return most_escaped * (payload_bytes + base::limits::topic_bytes + base::limits::header_bytes) +
         rest;
}

void complain(std::uint64_t line, const std::string& message, Output& output,
              const std::string& id = "") {
  output.line(to_text(publish_error(line, message, id)));
}

constexpr const char* nothing_delivered =
    "nothing is delivered here; subscribe on the standard input of the peer";

constexpr const char* peer_leaves = "not published: the peer leaves";

// A service, or a background job of a shell, gets a device that nobody writes to.
bool has_writer(int descriptor) {
  struct stat status {};
  if (fstat(descriptor, &status) != 0) return false;
  return !S_ISCHR(status.st_mode) || isatty(descriptor) != 0;
}

// Somebody else may have read what was there.
bool readable_now(int descriptor) {
  pollfd entry{descriptor, POLLIN, 0};
  return poll(&entry, 1, 0) > 0;
}

}  // namespace

std::optional<Ticket> question_of(const Notice& notice) {
  if (const auto* coverage = std::get_if<Coverage>(&notice)) return coverage->ticket;
  if (const auto* traced = std::get_if<Traced>(&notice)) return traced->ticket;
  return std::nullopt;
}

PublishInput::PublishInput(int descriptor, std::size_t payload_bytes,
                           doors::Subscriptions* deliveries, OutboxLines* outbox)
    : descriptor_(descriptor),
      payload_bytes_(payload_bytes),
      deliveries_(deliveries),
      outbox_(outbox),
      lines_(longest_line(payload_bytes)) {}

void PublishInput::read() {
  pumped_ = false;
  std::array<char, 65536> buffer{};
  const auto wanted = std::min(buffer.size(), last_bytes_.value_or(buffer.size()));
  const auto got = ::read(descriptor_, buffer.data(), wanted);
  if (got > 0) {
    lines_.add(buffer.data(), static_cast<std::size_t>(got));
    if (last_bytes_) *last_bytes_ -= static_cast<std::size_t>(got);
  } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
    // EIO: a terminal of which we are not the foreground. Nothing can be read any more.
    closed_ = got == 0 && !last_bytes_ && has_writer(descriptor_);
    last_bytes_ = 0;
  }
  if (last_bytes_ == 0) end();
}

void PublishInput::finish() {
  if (ended_) return;
  int waiting = 0;
  const bool known = ioctl(descriptor_, FIONREAD, &waiting) == 0 && waiting > 0;
  last_bytes_ = known ? static_cast<std::size_t>(waiting) : 0;
  if (last_bytes_ == 0) end();
}

void PublishInput::end() {
  ended_ = true;
  pumped_ = false;
  lines_.end();
}

void PublishInput::pump(DrivenPeer* publisher, doors::Orders& orders, Output& output) {
  while (true) {
    if (waiting_) {
      if (held_back_) return;
      publish(*publisher, output);
      if (waiting_) return;
    }
    const auto line = lines_.next();
    if (!line) {
      pumped_ = true;
      return;
    }
    take(*line, publisher, orders, output);
  }
}

void PublishInput::take(const Line& line, DrivenPeer* publisher, doors::Orders& orders,
                        Output& output) {
  if (const auto order = parse_order(line.text)) {
    if (!*order) return complain(line.number, order->error().message, output);
    obey(**order, line.number, orders, output);
  } else if (auto wait = parse_wait(line.text)) {
    ask(line, std::move(*wait), orders, output);
  } else if (auto trace = parse_trace(line.text)) {
    ask(line, std::move(*trace), orders, output);
  } else if (const auto outbox = parse_outbox(line.text)) {
    obey_outbox(line, *outbox, output);
  } else if (publisher == nullptr) {
    complain(line.number, "not published: the peer for it could not be started", output,
             id_of(line.text));
  } else {
    take_message(line, output);
  }
}

void PublishInput::obey(const Order& order, std::uint64_t line, doors::Orders& orders,
                        Output& output) {
  if (std::holds_alternative<TrustPrimary>(order)) {
    orders.trust_primary();
    output.line(to_text(trusted()));
  } else if (std::holds_alternative<ReloadKeys>(order)) {
    const auto names = orders.reload_keys();
    if (!names) return complain(line, names.error().message, output);
    output.line(to_text(keys_in_use(*names)));
  } else if (deliveries_ == nullptr) {
    complain(line, nothing_delivered, output);
  } else if (const auto* wanted = std::get_if<Subscribe>(&order)) {
    deliveries_->add(wanted->pattern);
    output.line(to_text(subscribed(wanted->text)));
  } else {
    const auto& unwanted = std::get<Unsubscribe>(order);
    deliveries_->remove(unwanted.pattern);
    output.line(to_text(unsubscribed(unwanted.text)));
  }
}

void PublishInput::obey_outbox(const Line& line, const Result<OutboxOrder>& order, Output& output) {
  if (!order) return complain(line.number, order.error().message, output, id_of(line.text));
  if (outbox_ == nullptr) return complain(line.number, nothing_delivered, output, order->id);
  outbox_->obey(*order, line.number);
}

void PublishInput::ask(const Line& line, Result<Wait> wait, doors::Orders& orders, Output& output) {
  if (!wait) return complain(line.number, wait.error().message, output, id_of(line.text));
  const auto timeout = std::chrono::ceil<std::chrono::milliseconds>(base::bounded(wait->timeout));
  remember(line, orders.when_covered(wait->position, timeout, wait->where), std::move(wait->id),
           output);
}

void PublishInput::ask(const Line& line, Result<Trace> trace, doors::Orders& orders,
                       Output& output) {
  if (!trace) return complain(line.number, trace.error().message, output, id_of(line.text));
  const auto timeout = std::chrono::ceil<std::chrono::milliseconds>(trace->timeout);
  remember(line, orders.when_traced(trace->pattern, timeout), std::move(trace->id), output);
}

void PublishInput::remember(const Line& line, const Asked& asked, std::string id, Output& output) {
  if (asked == Ask::accepted) {
    questions_.emplace(asked.ticket, std::move(id));
  } else {
    complain(line.number, "not asked: " + std::string(to_string(asked.answer)), output, id);
  }
}

std::optional<std::string> PublishInput::take_question(Ticket ticket) {
  auto question = questions_.extract(ticket);
  return question.empty() ? std::nullopt : std::optional(std::move(question.mapped()));
}

// Ends with a message that still waits when too many are unsent.
void PublishInput::publish(DrivenPeer& peer, Output& output) {
  auto& [line, publication] = *waiting_;
  const auto [answer, ticket] =
      peer.publish({publication.topic, publication.payload, publication.dependency,
                    publication.headers, publication.acknowledged});
  if (answer == Publish::queue_full) return;
  if (answer != Publish::accepted) {
    complain(line, refusal(answer, publication), output, publication.id);
  } else if (!publication.id.empty()) {
    ids_.emplace(ticket, Id{std::move(publication.id), publication.acknowledged});
  }
  waiting_.reset();
}

std::string PublishInput::take_id(const Notice& notice) {
  const auto* sent = std::get_if<Sent>(&notice);
  const auto* received = std::get_if<Received>(&notice);
  const auto* unpublished = std::get_if<Unpublished>(&notice);
  if (sent == nullptr && received == nullptr && unpublished == nullptr) return {};
  const auto found = ids_.find(sent != nullptr       ? sent->ticket
                               : received != nullptr ? received->ticket
                                                     : unpublished->ticket);
  if (found == ids_.end()) return {};
  if (sent != nullptr && found->second.acknowledged)
    return found->second.text;  // a Received follows
  auto text = std::move(found->second.text);
  ids_.erase(found);
  return text;
}

void PublishInput::take_message(const Line& line, Output& output) {
  if (line.too_long) {
    return complain(line.number,
                    fmt::format("the line is longer than any message with {} of payload can be; "
                                "raise payload-bytes, or send less",
                                command::exact_size(payload_bytes_)),
                    output);
  }
  auto publication = parse_publication(line.text);
  if (!publication) {
    return complain(line.number, publication.error().message, output, id_of(line.text));
  }
  waiting_ = Waiting{line.number, std::move(*publication)};
}

void PublishInput::give_up(Output& output) {
  const auto refuse_waiting = [&] {
    if (waiting_) complain(waiting_->line, peer_leaves, output, waiting_->publication.id);
    waiting_.reset();
  };
  refuse_waiting();
  finish();
  while (true) {
    while (const auto line = lines_.next()) {
      if (const auto outbox = parse_outbox(line->text)) {
        // Those that it has taken must not come again.
        obey_outbox(*line, *outbox, output);
      } else if (!parse_order(line->text) && !parse_wait(line->text) && !parse_trace(line->text)) {
        take_message(*line, output);
      }
      refuse_waiting();
    }
    if (ended_) return;
    if (!readable_now(descriptor_)) end();
    if (!ended_) read();
  }
}

std::string PublishInput::refusal(Publish answer, const Publication& publication) const {
  switch (answer) {
    case Publish::payload_too_large:
      return fmt::format(
          "the payload has {} bytes, and payload-bytes allows {}; raise it, or send "
          "less",
          publication.payload.size(), payload_bytes_);
    case Publish::no_primary:
      return "there is no primary to ask for the position of the commit; start the peer with "
             "--primary, or give the position itself in depends";
    case Publish::no_database:
      return "this peer reads no server; start it with --database, or leave out depends";
    default:
      return "not published: " + std::string(to_string(answer));
  }
}

}  // namespace tidegate::json_lines
