#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>
#include <sodium.h>

#include "command/doors/json_lines/json.hpp"
#include "command/doors/json_lines/json_members.hpp"
#include "command/suggestions.hpp"
#include "lib/base/limits.hpp"

namespace tidegate::json_lines {
namespace {

using json_members::decode;
using json_members::members;
using json_members::Read;

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
  return Topic::of(std::move(elements));
}

Result<std::string> read_base64(const Json& json) {
  std::string text;
  if (decode(json, text)) {
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

Result<Dependency> read_dependency(const Json& json) {
  if (json.is_null() || json == "none") return Dependency{NoChange{}};
  if (json == "after_commit") return Dependency{AfterCommit{.durable = false}};
  if (json == "after_durable_commit") return Dependency{AfterCommit{.durable = true}};
  const Error error{
      R"(depends is none of "none", "after_commit", "after_durable_commit" and )"
      R"({"system":"7423456789012345678","history":[{"timeline":1}],"lsn":"0/3000060"})"};
  if (!json.is_object()) return error;
  for (const auto* key : {"system", "history", "lsn"}) {
    if (!json.contains(key)) return Error{std::string("depends lacks \"") + key + "\""};
  }
  Position position;
  std::string wrong;
  members(Read(json, wrong), position);
  if (!wrong.empty()) return Error{"depends has a bad \"" + wrong + "\"; " + error.message};
  if (json.size() != 3) return error;
  if (position.cluster == 0 || position.offset == 0) {
    return Error{"depends names no place: system and lsn must not be 0"};
  }
  return Dependency{position};
}

}  // namespace

Result<Publication> parse_publication(std::string_view line) {
  const auto json = Json::parse(line, nullptr, false);
  if (!json.is_object()) {
    return Error{json.is_discarded()
                     ? R"(not JSON; write one object a line, such as {"topic":"a/b","payload":"c"})"
                     : R"(not an object; write for example {"topic":"a/b","payload":"c"})"};
  }
  const std::vector<std::string> keys(publication_members.begin(), publication_members.end());
  for (const auto& item : json.items()) {
    if (std::find(keys.begin(), keys.end(), item.key()) == keys.end()) {
      const auto hint = command::did_you_mean(item.key(), keys);
      return Error{"\"" + item.key().substr(0, base::limits::peer_name_bytes) + "\" is unknown" +
                   (hint.empty() ? "; write topic, payload or payload_base64, and depends" : hint)};
    }
  }
  if (!json.contains("topic")) return Error{"the topic is missing"};
  auto topic = read_topic(json["topic"]);
  if (!topic) return topic.error();

  std::string payload;
  if (json.contains("payload") && json.contains("payload_base64")) {
    return Error{"write either payload or payload_base64, not both"};
  }
  if (json.contains("payload") && !decode(json["payload"], payload)) {
    return Error{"the payload must be a string; to send JSON, write it as text inside the string"};
  }
  if (json.contains("payload_base64")) {
    auto bytes = read_base64(json["payload_base64"]);
    if (!bytes) return bytes.error();
    payload = std::move(*bytes);
  }

  Dependency dependency;
  if (json.contains("depends")) {
    const auto read = read_dependency(json["depends"]);
    if (!read) return read.error();
    dependency = *read;
  }
  return Publication{std::move(*topic), std::move(payload), dependency};
}

}  // namespace tidegate::json_lines
