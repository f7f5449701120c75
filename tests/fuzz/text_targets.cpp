// Text that programs and operators write: lines of JSON, keys, settings, and the small words.
#include <string>

#include <nlohmann/json.hpp>
#include <sodium.h>

#include "command/config.hpp"
#include "command/doors/http/admission.hpp"
#include "command/doors/json_lines/json.hpp"
#include "command/doors/json_lines/line_reader.hpp"
#include "command/doors/status_socket/places.hpp"
#include "command/log.hpp"
#include "command/secret_words.hpp"
#include "command/status_text.hpp"
#include "command/units.hpp"
#include "discovery/seeds.hpp"
#include "lib/base/must.hpp"
#include "lib/keys/mesh_key.hpp"
#include "tests/fuzz/targets.hpp"
#include "tests/lib/keys/sample_key.hpp"
#include "tidegate/lsn.hpp"
#include "tidegate/position.hpp"
#include "tidegate/token.hpp"
#include "tidegate/topic.hpp"

namespace tidegate::fuzz {
namespace {

constexpr std::size_t longest_line = 512;

// The answer is a line again, with any text that the error quotes.
void answer(const Error& error) {
  const auto text = json_lines::to_text(json_lines::publish_error(1, error.message));
  TIDEGATE_MUST(json_lines::Json::parse(text, nullptr, false).is_object());
}

void read_line(std::string_view line) {
  (void)json_lines::parse_order(line);
  if (const auto outbox = json_lines::parse_outbox(line); outbox && !*outbox) {
    answer(outbox->error());
  }
  const auto publication = json_lines::parse_publication(line);
  if (!publication) return answer(publication.error());
  const auto text = json_lines::to_text(to_json(*publication));
  const auto again = json_lines::parse_publication(text);
  TIDEGATE_MUST(again && json_lines::to_text(to_json(*again)) == text);
}

// With a checksum that is right, which no fuzzer finds.
std::string token_of_bytes(std::string bytes) {
  const auto raw = [](auto& text) { return reinterpret_cast<unsigned char*>(text.data()); };
  std::string sum(32, '\0');
  TIDEGATE_MUST(crypto_generichash(raw(sum), sum.size(), raw(bytes), bytes.size(), nullptr, 0) ==
                0);
  bytes += sum.substr(0, 4);
  constexpr int coding = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  std::string coded(sodium_base64_encoded_len(bytes.size(), coding), '\0');
  sodium_bin2base64(coded.data(), coded.size(), raw(bytes), bytes.size(), coding);
  coded.pop_back();
  return "tide1." + coded;
}

}  // namespace

void read_json_lines(std::string_view input) {
  json_lines::LineReader lines(longest_line);
  const auto take = [&] {
    while (const auto line = lines.next()) {
      TIDEGATE_MUST(line->text.size() <= longest_line);
      if (!line->too_long) read_line(line->text);
    }
  };
  for (std::size_t at = 0; at < input.size(); at += 100) {
    const auto piece = input.substr(at, 100);
    lines.add(piece.data(), piece.size());
    take();
  }
  lines.end();
  take();
}

std::vector<std::string> json_line_seeds() {
  return {
      R"({"topic":"builds/42/new","payload":"text","depends":"commit","durable":true,"id":1})"
      "\n"
      R"({"trust":"primary"})",
      R"({"outbox":"mails","subscribe":"a/#","from":"earliest","id":1})"
      "\n"
      R"({"outbox":"mails","taken":17})",
      R"({"topic":["a","b"],"payload_base64":"/wD+","depends":{"system":"1","history":)"
      R"([{"timeline":1},{"timeline":2,"begin":"0/1","promoted":3}],"lsn":"0/9","after":"0/1"}})",
      R"({"topic":"\u00e4\/","payload":"\ud83d\ude00","apart":true,"id":"x","id":1.5e3})",
  };
}

// The answer at the socket of a peer, whose owner may be anybody: read and shown.
void read_status(std::string_view input) {
  const auto status = json_lines::parse_status(input);
  if (!status) return;
  (void)json_lines::to_text(json_lines::to_json(*status));
  (void)command::status_text(*status);
  (void)command::peers_text(*status);
  (void)command::others_text(*status);
}

std::vector<std::string> status_seeds() {
  Status status;
  status.name = "a";
  status.mesh = "default";
  status.peers.push_back({.name = "b", .host = "127.0.0.1", .silent = std::chrono::seconds(1)});
  status.tide = Tide{{7, 1}, History::of({{1, 0, 0}, {2, 5, 6}}).value(), 9};
  status.troubles.push_back({});
  return {json_lines::to_text(json_lines::to_json(status))};
}

void read_keys(std::string_view input) {
  const auto keys = keys::parse_keys(input);
  if (!keys) return;
  std::string text;
  for (const auto& key : *keys) text += to_text(key) + "\n";
  const auto again = keys::parse_keys(text);
  TIDEGATE_MUST(again && *again == *keys);
}

std::vector<std::string> key_seeds() {
  return {"# comment\n" + to_text(testing::sample_key(1)) + "\r\n" +
          to_text(testing::sample_key(2)) + " # second\n"};
}

// The first line is the value of a variable and of a flag, the rest is the file.
void read_settings(std::string_view input) {
  const auto end = std::min(input.find('\n'), input.size());
  const std::string value(input.substr(0, end));
  command::ConfigSources sources;
  sources.file_name = "f";
  sources.file_text = input.substr(std::min(end + 1, input.size()));
  sources.environment = {{"TIDEGATE_HELD_BYTES", value}, {"TIDEGATE_" + value, value}};
  sources.flags = {{"retain-for", {value}}, {value, {value, value}}};
  const auto configuration = command::configure(sources);
  for (const auto& problem : configuration.problems) {
    (void)command::harmless(problem.where);
    (void)command::harmless(problem.what);
    (void)command::may_be_secret(problem.what);
  }
}

std::vector<std::string> setting_seeds() {
  return {"64MiB\nmesh = \"m\"\nseeds = [\"a:1\", 'b:2']\nheld-bytes = 1_000\ninsecure = true\n",
          "3s\n[a.b]\nc = {d = [1, 2.5, 1979-05-27T07:32:00Z], \"e\".f = '''x\n'''}\n",
          "SEEDS\ndatabase = \"host=a password=b\"\noverdue = \"drop\"\nlog-level = \"debug\"\n"};
}

void read_words(std::string_view input) {
  const std::string text(input);
  if (const auto topic = Topic::parse(text)) {
    const auto again = Topic::parse(to_string(*topic));
    TIDEGATE_MUST(again && *again == *topic);
    if (const auto pattern = Pattern::parse(text)) TIDEGATE_MUST(pattern->matches(*topic));
  }
  if (const auto position = position_from_text(text)) {
    const auto again = position_from_text(to_text(*position));
    TIDEGATE_MUST(again && *again == *position);
  }
  if (const auto seeds = discovery::parse_seeds({text})) {
    const auto again = discovery::parse_seeds({to_string(seeds->front())});
    TIDEGATE_MUST(again && *again == *seeds);
  }
  if (const auto lsn = parse_lsn(text))
    TIDEGATE_MUST(parse_lsn(to_string(*lsn))->bytes == lsn->bytes);
  if (const auto size = command::parse_size(text)) {
    TIDEGATE_MUST(*command::parse_size(command::exact_size(*size)) == *size);
  }
  if (const auto time = command::parse_duration(text)) {
    TIDEGATE_MUST(*command::parse_duration(command::exact_duration(*time)) == *time);
  }
  if (const auto origin = http_door::parse_origin(text)) {
    const auto again = http_door::parse_origin(*origin);
    TIDEGATE_MUST(again && *again == *origin);
  }
  const http_door::Credentials shown{{text}, {text}, {text}};
  (void)http_door::Admission({"https://a.example:8443"}).refuses(shown);
  (void)http_door::Admission({}, "a token of sixteen").refuses(shown);
  (void)status_socket::parse_mode(text);
  (void)command::may_be_secret(text);
}

// From a cookie: anybody's. Each position has one token.
void read_token(std::string_view input) {
  const auto read = [](std::string_view token) {
    const auto position = parse_token(token);
    if (position) TIDEGATE_MUST(to_token(*position) == token);
  };
  read(input);
  read(token_of_bytes(std::string(input)));
}

std::vector<std::string> token_seeds() {
  std::vector<std::string> seeds;
  for (const auto& timelines :
       std::vector<std::vector<HistoryEntry>>{{{1, 0, 0}},
                                              {{3, 0, 0}},
                                              {{1, 0, 0}, {2, 0x16B3000160, 1795640443355842}},
                                              {{1, 0, 0}, {2, 5, 0}, {3, 6, 0}, {9, 6, 0}}}) {
    const Branch branch(ServerKind::postgres, 7423456789012345678U, *History::of(timelines));
    seeds.push_back(to_token({branch, 0x16B374D848, 0x16B374D010}));
    seeds.push_back(to_token({branch, 0x16B374D848}));
  }
  return seeds;
}

std::vector<std::string> word_seeds() {
  return {
      "builds/42/new",
      "a\\/b/\\*",
      "builds/*/#",
      "7/2/0/3000060",
      to_text(Position{Branch(ServerKind::postgres, 7, History::of({{1, 0, 0}, {2, 5, 6}}).value()),
                       0x3000060, 0x3000018}),
      "[2001:db8::7]:17882",
      "app-b.example:17882",
      "64MiB",
      "1.5s",
      "16/B374D848",
      "0660",
      "me:hush@host",
      "https://app.example.org:8443"};
}

}  // namespace tidegate::fuzz
