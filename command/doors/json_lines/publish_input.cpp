#include "command/doors/json_lines/publish_input.hpp"

#include <array>
#include <cerrno>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "command/units.hpp"
#include "lib/base/limits.hpp"

namespace tidegate::json_lines {
namespace {

// JSON writes one byte as six at the most, "\u0000".
std::size_t longest_line(std::size_t payload_bytes) {
  constexpr std::size_t most_escaped = 6;
  constexpr std::size_t rest = 1024;
  return most_escaped * (payload_bytes + base::limits::topic_bytes) + rest;
}

void complain(std::uint64_t line, const std::string& message, Output& output) {
  output.line(to_text(publish_error(line, message)));
}

}  // namespace

PublishInput::PublishInput(int descriptor, std::size_t payload_bytes)
    : descriptor_(descriptor), payload_bytes_(payload_bytes), lines_(longest_line(payload_bytes)) {}

void PublishInput::read() {
  pumped_ = false;
  std::array<char, 65536> buffer{};
  const auto got = ::read(descriptor_, buffer.data(), buffer.size());
  if (got > 0) {
    lines_.add(buffer.data(), static_cast<std::size_t>(got));
  } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
    // EIO: a terminal of which we are not the foreground. It counts as the end too.
    ended_ = true;
    lines_.end();
  }
}

void PublishInput::pump(DrivenPeer* publisher, doors::Orders& orders, Output& output) {
  while (true) {
    if (waiting_) {
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
  if (trusts_primary(line.text)) {
    orders.trust_primary();
    output.line(to_text(trusted()));
  } else if (reloads_keys(line.text)) {
    const auto names = orders.reload_keys();
    if (!names) return complain(line.number, names.error().message, output);
    output.line(to_text(keys_in_use(*names)));
  } else if (publisher == nullptr) {
    complain(line.number, "not published: the peer for it could not be started", output);
  } else {
    take_message(line, output);
  }
}

// Ends with a message that still waits when the outbox is full.
void PublishInput::publish(DrivenPeer& peer, Output& output) {
  auto& [line, publication] = *waiting_;
  const auto [answer, ticket] =
      peer.publish(publication.topic, publication.payload, publication.dependency);
  if (answer == Publish::outbox_full) return;
  if (answer != Publish::accepted) {
    complain(line, refusal(answer, publication), output);
  } else if (!publication.id.empty()) {
    ids_.emplace(ticket, std::move(publication.id));
  }
  waiting_.reset();
}

std::string PublishInput::take_id(const Notice& notice) {
  const auto* sent = std::get_if<Sent>(&notice);
  const auto* unpublished = std::get_if<Unpublished>(&notice);
  if (sent == nullptr && unpublished == nullptr) return {};
  auto id = ids_.extract(sent != nullptr ? sent->ticket : unpublished->ticket);
  return id.empty() ? std::string() : std::move(id.mapped());
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
  if (!publication) return complain(line.number, publication.error().message, output);
  waiting_ = Waiting{line.number, std::move(*publication)};
}

void PublishInput::give_up(Output& output) {
  if (waiting_) complain(waiting_->line, "not published: the peer leaves", output);
  waiting_.reset();
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
    default:
      return "not published: " + std::string(to_string(answer));
  }
}

}  // namespace tidegate::json_lines
