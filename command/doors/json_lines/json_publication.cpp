#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>
#include <sodium.h>

#include "command/doors/json_lines/bounded_json.hpp"
#include "command/doors/json_lines/json.hpp"
#include "command/doors/json_lines/json_members.hpp"
#include "command/suggestions.hpp"
#include "lib/base/limits.hpp"
#include "lib/base/utf8.hpp"
#include "lib/message/headers.hpp"
#include "tidegate/token.hpp"

namespace tidegate::json_lines {
namespace {

using json_members::decode;
using json_members::members;
using json_members::Read;
using json_members::read_id;

// A message with the longest history has four levels, and a topic of the most elements.
constexpr JsonBounds bounds{.depth = 8, .values = 1024, .members = 64};
static_assert(bounds.values > base::limits::topic_elements + 4 * base::limits::history_entries +
                                  base::limits::message_headers + bounds.members);
static_assert(bounds.members >= base::limits::message_headers);

constexpr const char* depends_forms =
    R"(depends is none of "none", "commit", "read", a token "tide1..." and )"
    R"({"system":"7423456789012345678","history":[{"timeline":1}],"lsn":"0/3000060"})";

Result<Topic> read_topic(const Json& json) {
  if (json.is_string()) {
    const auto& text = json.get_ref<const std::string&>();
    // Each character may be escaped; the error would quote the whole text.
    if (text.size() > 2 * base::limits::topic_bytes + base::limits::topic_elements) {
      return Error{"not a topic: it has more than " + std::to_string(base::limits::topic_bytes) +
                   " bytes"};
    }
    return Topic::parse(text);
  }
  std::vector<std::string> elements;
  bool good = json.is_array();
  if (good) {
    for (const auto& element : json) good = decode(element, elements.emplace_back()) && good;
  }
  if (!good) return Error{R"(write the topic as "builds/42/new" or as ["builds","42","new"])"};
  return Topic::of(elements);
}

Result<std::string> read_base64(const Json& json) {
  std::string text;
  if (decode(json, text) && base::is_ascii(text)) {
    std::string bytes(text.size() / 4 * 3 + 3, '\0');
    std::size_t length = 0;
    if (sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(),
                          text.size(), nullptr, &length, nullptr,
                          sodium_base64_VARIANT_ORIGINAL) == 0) {
      bytes.resize(length);
      return bytes;
    }
  }
  return Error{"payload_base64 is not base64 text; write it with padding and without line breaks"};
}

Result<Position> read_position(const Json& json) {
  for (const auto* key : {"system", "history", "lsn"}) {
    if (!json.contains(key)) return Error{std::string("depends lacks \"") + key + "\""};
  }
  Position position;
  std::string wrong;
  members(Read(json, wrong), position);
  if (!wrong.empty()) return Error{"depends has a bad \"" + wrong + "\"; " + depends_forms};
  const auto known = 3 + json.contains("after") + json.contains("server_started");
  if (json.size() != static_cast<std::size_t>(known)) return Error{depends_forms};
  if (position.cluster() == 0 || position.offset == 0) {
    return Error{"depends names no place: system and lsn must not be 0"};
  }
  if (position.after >= position.offset) {
    return Error{"depends has its change behind its place: after must be less than lsn"};
  }
  return position;
}

Result<Dependency> read_dependency(const Json& line) {
  const auto& json = line.contains("depends") ? line["depends"] : Json();
  const bool commit = json == "commit";
  const bool none = json.is_null() || json == "none";
  const bool read = json == "read";
  bool durable = false;
  if (line.contains("durable") && !decode(line["durable"], durable)) {
    return Error{"durable is true or false"};
  }
  bool apart = false;
  if (line.contains("apart") && !decode(line["apart"], apart)) {
    return Error{"apart is true or false"};
  }
  if (durable && !commit) return Error{R"(durable says nothing without "depends":"commit")"};
  if (apart && !none) {
    return Error{"only a message without a change is sent apart; leave out depends or apart"};
  }
  if (commit) return Dependency{AfterCommit{.durable = durable}};
  if (none) return Dependency{NoChange{.apart = apart}};
  if (read) return Dependency{AfterRead{}};
  if (json.is_string() && json.get_ref<const std::string&>().starts_with("tide")) {
    const auto position = parse_token(json.get_ref<const std::string&>());
    if (!position) return Error{"depends: " + position.error().message};
    return Dependency{*position};
  }
  if (!json.is_object()) return Error{depends_forms};
  const auto position = read_position(json);
  if (!position) return position.error();
  return Dependency{*position};
}

// Whether the one that is wanted is `received`.
Result<bool> read_receipt(const Json& line) {
  const auto& receipt = line["receipt"];
  if (receipt != "sent" && receipt != "received") {
    return Error{R"(receipt is "sent" or "received")"};
  }
  if (!line.contains("id")) return Error{"a receipt says nothing without an id"};
  return receipt == "received";
}

Result<std::string> read_payload(const Json& line) {
  if (line.contains("payload") && line.contains("payload_base64")) {
    return Error{"write either payload or payload_base64, not both"};
  }
  if (line.contains("payload_base64")) return read_base64(line["payload_base64"]);
  std::string payload;
  if (line.contains("payload") && !decode(line["payload"], payload)) {
    return Error{"the payload must be a string; to send JSON, write it as text inside the string"};
  }
  return payload;
}

Result<Headers> read_headers(const Json& json) {
  std::vector<Header> headers;
  bool good = json.is_object();
  if (good) {
    for (const auto& item : json.items()) {
      auto& header = headers.emplace_back(Header{item.key(), {}});
      good = decode(item.value(), header.value) && good;
    }
  }
  if (good && message::valid_headers(headers)) return Headers(std::move(headers));
  return Error{
      R"(headers is an object of strings, such as {"content-type":"text/plain"}: at most )" +
      std::to_string(base::limits::message_headers) + " with " +
      std::to_string(base::limits::header_bytes) +
      " bytes of names and values, and no name is empty"};
}

std::string unknown_member(const std::string& name) {
  const std::vector<std::string> names(publication_members.begin(), publication_members.end());
  const auto hint = command::did_you_mean(name, names);
  return "\"" + name.substr(0, base::limits::peer_name_bytes) + "\" is unknown" +
         (hint.empty() ? "; write topic, payload or payload_base64, headers, depends, durable, "
                         "apart, id and receipt"
                       : hint);
}

// The errors in the members of a line, one after the other.
class Wrong {
 public:
  void add(const std::string& what) { text_ += (text_.empty() ? "" : "; ") + what; }

  // The value of a member, if it is right.
  template <typename T>
  std::optional<T> check(Result<T> result) {
    if (result) return std::move(result).value();
    add(result.error().message);
    return std::nullopt;
  }

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace

Result<std::string> json_members::read_id(const Json& json) {
  const bool short_text =
      json.is_string() && json.get_ref<const std::string&>().size() <= base::limits::id_bytes;
  if (!short_text && !json.is_number()) {
    return Error{"id is neither a number nor a string of at most " +
                 std::to_string(base::limits::id_bytes) + " bytes"};
  }
  return to_text(json);
}

std::string id_of(std::string_view line) {
  const auto json = read_json(line, bounds);
  if (!json || !json->is_object() || !json->contains("id")) return {};
  const auto id = json_members::read_id((*json)["id"]);
  return id ? *id : std::string();
}

Result<Publication> parse_publication(std::string_view line) {
  const auto read = read_json(line, bounds);
  if (!read) {
    return Error{read.error().message +
                 R"(; write one object a line, such as {"topic":"a/b","payload":"c"}; data of )"
                 "your own goes into the payload, as text"};
  }
  const auto& json = *read;
  if (!json.is_object()) {
    return Error{R"(not an object; write for example {"topic":"a/b","payload":"c"})"};
  }
  Wrong wrong;
  for (const auto& item : json.items()) {
    if (std::find(publication_members.begin(), publication_members.end(), item.key()) ==
        publication_members.end()) {
      wrong.add(unknown_member(item.key()));
    }
  }
  auto topic = wrong.check(json.contains("topic") ? read_topic(json["topic"])
                                                  : Result<Topic>(Error{"the topic is missing"}));
  auto payload = wrong.check(read_payload(json));
  auto headers = json.contains("headers") ? wrong.check(read_headers(json["headers"])) : Headers();
  const auto dependency = wrong.check(read_dependency(json));
  auto id = json.contains("id") ? wrong.check(read_id(json["id"])) : std::string();
  const auto acknowledged =
      json.contains("receipt") ? wrong.check(read_receipt(json)) : std::optional(false);
  if (!wrong.text().empty()) return Error{wrong.text()};
  return Publication{std::move(*topic), std::move(*payload), *dependency,
                     std::move(*id),    std::move(*headers), *acknowledged};
}

}  // namespace tidegate::json_lines
