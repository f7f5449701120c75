#include "lib/stomp/publication.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "lib/stomp/destination.hpp"
#include "tidegate/token.hpp"

namespace tidegate::stomp {
namespace {

Error wrong(std::string_view header, std::string_view value, std::string_view expected) {
  return Error{"the header " + std::string(header) + " is '" + std::string(value) + "'; write " +
               std::string(expected)};
}

Result<bool> flag(const Frame& frame, std::string_view name, std::string_view yes,
                  std::string_view no) {
  const auto* value = frame.find(name);
  if (value == nullptr || *value == no) return false;
  if (*value == yes) return true;
  return wrong(name, *value, std::string(yes) + " or " + std::string(no));
}

// A vector without repetition: of several headers with one name the first counts.
std::vector<Header> user_headers(std::vector<Header>& headers) {
  std::vector<Header> own;
  for (auto& header : headers) {
    const bool repeated = std::any_of(
        own.begin(), own.end(), [&](const auto& earlier) { return earlier.name == header.name; });
    if (!repeated && !is_reserved(header.name)) own.push_back(std::move(header));
  }
  return own;
}

}  // namespace

Result<std::optional<Dependency>> dependency_of(const Frame& frame) {
  using Found = std::optional<Dependency>;
  const auto* depends = frame.find("depends");
  const auto* position = frame.find("position");
  const auto* order = frame.find("order");
  const auto durable = flag(frame, "durable", "true", "false");
  if (!durable) return durable.error();
  const bool none = depends != nullptr && *depends == "none";
  const bool read = depends != nullptr && *depends == "read";
  if (depends != nullptr && !none && !read && *depends != "commit") {
    return wrong("depends", *depends, "none, commit or read");
  }
  if (order != nullptr && *order != "none") return wrong("order", *order, "none");
  if (order != nullptr && !none) {
    return Error{"order:none is for messages that announce no change; add depends:none"};
  }
  if (*durable && (none || read || position != nullptr)) {
    return Error{"durable:true says of a commit that it is flushed; it needs depends:commit"};
  }
  if (position != nullptr) {
    if (depends != nullptr) {
      return Error{"position and depends are two words for one thing; give one of them"};
    }
    auto parsed = position_of(*position);
    if (!parsed) return parsed.error();
    return Found(std::move(*parsed));
  }
  if (read) return Found(AfterRead{});
  if (none) return Found(NoChange{.apart = order != nullptr});
  if (depends == nullptr && frame.find("durable") == nullptr) return Found();
  return Found(AfterCommit{.durable = *durable});
}

Result<Position> position_of(const std::string& header) {
  auto parsed =
      header.find(':') == std::string::npos ? parse_token(header) : position_from_text(header);
  if (!parsed) return Error{"the header position is wrong: " + parsed.error().message};
  return parsed;
}

Result<bool> wants_acknowledgement(const Frame& frame) {
  return flag(frame, "receipt-when", "received", "sent");
}

Result<Publication> take_publication(Frame& frame) {
  const auto* destination = frame.find("destination");
  if (destination == nullptr) return Error{"SEND needs the header destination"};
  auto topic = topic_of(*destination);
  if (!topic) return topic.error();
  auto dependency = dependency_of(frame);
  if (!dependency) return dependency.error();
  const auto acknowledged = wants_acknowledgement(frame);
  if (!acknowledged) return acknowledged.error();
  return Publication{.topic = std::move(*topic),
                     .payload = std::move(frame.body),
                     .dependency = dependency->value_or(AfterCommit{}),
                     .headers = user_headers(frame.headers),
                     .acknowledged = *acknowledged};
}

bool is_reserved(std::string_view header_name) {
  static constexpr std::array<std::string_view, 23> names = {
      "ack",          "announced-us", "content-length",
      "depends",      "destination",  "durable",
      "held-ms",      "id",           "late",
      "login",        "notice",       "message-id",
      "order",        "passcode",     "position",
      "publisher",    "receipt",      "redelivered",
      "receipt-when", "sequence",     "row-transaction",
      "subscription", "transaction"};
  return std::find(names.begin(), names.end(), header_name) != names.end();
}

}  // namespace tidegate::stomp
