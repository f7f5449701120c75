// The line in that is about a subscription to the outbox:
// {"outbox":"mails","subscribe":"a/#","from":"earliest"}, {"outbox":"mails","taken":17}, ...
#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "command/doors/json_lines/bounded_json.hpp"
#include "command/doors/json_lines/json.hpp"
#include "command/doors/json_lines/json_members.hpp"
#include "lib/base/cursor_name.hpp"
#include "lib/base/limits.hpp"

namespace tidegate::json_lines {
namespace {

using json_members::decode;

constexpr JsonBounds bounds{.depth = 8, .values = 256, .members = 16};
// Each byte of the pattern is written as "\u0000" and escaped once more as a topic.
constexpr std::size_t longest_outbox =
    12 * (base::limits::topic_bytes + base::limits::topic_elements) + 6 * base::limits::id_bytes +
    1024;

constexpr const char* deeds = "write one of subscribe, taken, unsubscribe and forget";

Result<From> read_from(const Json& json) {
  if (json == "latest") return From::latest;
  if (json == "earliest") return From::earliest;
  return Error{R"(from is "earliest" or "latest")"};
}

Result<OutboxOrder::Deed> read_deed(const Json& line) {
  using Deed = OutboxOrder::Deed;
  std::string text;
  if (line.contains("subscribe")) {
    if (!decode(line["subscribe"], text)) {
      return Error{R"(subscribe is a pattern as text, such as "builds/*/new")"};
    }
    auto pattern = Pattern::parse(text);
    if (!pattern) return pattern.error();
    const auto from = line.contains("from") ? read_from(line["from"]) : Result<From>(From::latest);
    if (!from) return from.error();
    return Deed(OutboxOrder::Subscribe{std::move(text), std::move(*pattern), *from});
  }
  if (line.contains("taken")) {
    Ticket ticket = 0;
    if (!decode(line["taken"], ticket)) return Error{"taken is the ticket of a line, a number"};
    return Deed(OutboxOrder::Take{ticket});
  }
  if (line.contains("unsubscribe")) {
    if (!decode(line["unsubscribe"], text)) {
      return Error{"unsubscribe is the pattern of the subscription"};
    }
    return Deed(OutboxOrder::Unsubscribe{std::move(text)});
  }
  if (line["forget"] != true) return Error{R"(write "forget":true)"};
  return Deed(OutboxOrder::Forget{});
}

Result<OutboxOrder> read_outbox(const Json& json) {
  int several = 0;
  for (const auto& item : json.items()) {
    const auto& name = item.key();
    if (std::find(outbox_members.begin(), outbox_members.end(), name) == outbox_members.end()) {
      return Error{"\"" + name.substr(0, base::limits::peer_name_bytes) +
                   "\" is unknown beside \"outbox\"; " + deeds};
    }
    if (name != "outbox" && name != "from" && name != "id") ++several;
  }
  if (several != 1) return Error{std::string("a line about the outbox says one thing; ") + deeds};
  if (json.contains("from") && !json.contains("subscribe")) {
    return Error{"from is for subscribe alone"};
  }
  OutboxOrder order{.name = {}, .deed = OutboxOrder::Forget{}, .id = {}};
  if (!decode(json["outbox"], order.name)) return Error{"outbox is a name, as text"};
  if (auto wrong = base::wrong_cursor_name(order.name)) return std::move(*wrong);
  auto deed = read_deed(json);
  if (!deed) return deed.error();
  order.deed = std::move(*deed);
  if (!json.contains("id")) return order;
  auto id = json_members::read_id(json["id"]);
  if (!id) return id.error();
  order.id = std::move(*id);
  return order;
}

}  // namespace

std::optional<Result<OutboxOrder>> parse_outbox(std::string_view line) {
  if (line.size() > longest_outbox || line.find("\"outbox\"") == line.npos) return std::nullopt;
  const auto json = read_json(line, bounds);
  if (!json || !json->is_object() || !json->contains("outbox")) return std::nullopt;
  return read_outbox(*json);
}

}  // namespace tidegate::json_lines
