// docs/json.md against the code: every shape of JSON that the program writes is made here, and each
// of its members must stand in the document with the same types and values, and nothing else may
// stand there.
#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "command/doors/json_lines/json.hpp"
#include "command/doors/json_lines/json_members.hpp"
#include "command/doors/json_lines/json_outbox.hpp"
#include "command/doors/json_lines/json_pairs.hpp"
#include "command/doors/json_lines/json_survey.hpp"
#include "tests/command/doors/json_lines/json_contract.hpp"

using namespace tidegate;
using namespace tidegate::json_lines;
using namespace tidegate::testing;

namespace {

// Collects what occurs in objects, then compares it with the contract.
class Sightings {
 public:
  explicit Sightings(Contract contract) : contract_(std::move(contract)) {}

  // One object of a shape; those inside are of the shape that the contract names for them.
  void see(const std::string& shape, const Json& object) {
    auto& seen = seen_[shape];
    ++seen.objects;
    for (const auto& [name, value] : object.items()) {
      auto& member = seen.members[name];
      ++member.times;
      see_value(member, contract_[shape][name], value);
    }
  }

  // Every difference, one a line.
  [[nodiscard]] std::string differences() const {
    std::string text;
    for (const auto& [shape, documented] : contract_) {
      if (shape == "publish" || shape == "wait" || shape == "trace" || shape == "outbox") {
        continue;  // read, not written
      }
      const auto found = seen_.find(shape);
      if (found == seen_.end()) {
        text += shape + ": only in the document\n";
        continue;
      }
      for (const auto& [name, member] : documented) {
        const auto sighting = found->second.members.find(name);
        text +=
            sighting == found->second.members.end()
                ? shape + "." + name + ": only in the document\n"
                : differences(shape + "." + name, member, sighting->second, found->second.objects);
      }
    }
    return text;
  }

 private:
  struct Sighting {
    std::size_t times = 0;
    Words types;
    Words values;
  };
  struct Seen {
    std::size_t objects = 0;
    std::map<std::string, Sighting> members;
  };

  void see_value(Sighting& member, const Member& documented, const Json& value) {
    if (value.is_array()) {
      for (const auto& element : value) {
        member.types.insert("array of " + type_of(element, documented, "array of "));
      }
      return;
    }
    member.types.insert(type_of(value, documented, ""));
    if (value.is_string()) member.values.insert(value.get<std::string>());
  }

  std::string type_of(const Json& value, const Member& documented, const std::string& before) {
    if (value.is_null()) return "null";
    if (value.is_string()) return "string";
    if (value.is_boolean()) return "boolean";
    if (value.is_number_integer()) return "integer";
    if (value.is_number()) return "number";
    for (const auto& type : documented.types) {
      auto shape = type.substr(std::min(before.size(), type.size()));
      if (type.starts_with(before) && contract_.contains(shape)) {
        see(shape, value);
        return shape;
      }
    }
    return "object";
  }

  static std::string differences(const std::string& name, const Member& documented,
                                 const Sighting& seen, std::size_t objects) {
    if (documented.types.empty()) return name + ": not in the document\n";
    std::string text;
    if (documented.types != seen.types) {
      text += name + ": is " + joined(seen.types) + ", not " + joined(documented.types) + "\n";
    }
    if (!documented.values.empty() && documented.values != seen.values) {
      text += name + ": has " + joined(seen.values) + ", not " + joined(documented.values) + "\n";
    }
    if (documented.always != (seen.times == objects)) {
      text += name + (documented.always ? ": is not always there\n" : ": is always there\n");
    }
    return text;
  }

  Contract contract_;
  std::map<std::string, Seen> seen_;
};

// Puts something into every optional and every list, so that each shape occurs.
struct Fill {
  template <typename T>
  void operator()(const char*, T&& value) const {
    fill(value);
  }

  template <typename T>
  void fill(std::optional<T>& value) const {
    fill(value.emplace());
  }
  template <typename T>
  void fill(std::vector<T>& values) const {
    fill(values.emplace_back());
  }
  void fill(History& history) const { history = History::of({{1, 0, 0}, {2, 1, 1}}).value(); }
  template <typename T>
  void fill(T& value) const {
    if constexpr (requires { json_members::members(*this, value); }) {
      json_members::members(*this, value);
    }
  }
};

Topic topic() { return Topic::parse("builds/42").value(); }

const std::string bytes = "\xff";

void see_status(Sightings& sightings) {
  sightings.see("status", to_json(Status{}));
  Status full;
  json_members::members(Fill{}, full);
  sightings.see("status", to_json(full, stomp_door::DoorCounters{}, command::OutboxRemoval{}));
  sightings.see("peers", peers_document(full, true));
  sightings.see("peers", peers_document(full, false));
  for (const auto& [state, name] : node::peer_state_names) {
    full.peers.front().state = state;
    sightings.see("status", to_json(full));
  }
}

void see_deliveries(Sightings& sightings) {
  const Message plain{.topic = topic(), .payload = "text", .position = {}};
  sightings.see("delivery", to_json(Delivery{.message = plain, .origin = {}, .origin_name = ""}));
  const Message binary{
      .topic = topic(), .payload = bytes, .position = a_place(), .headers = {{"name", "value"}}};
  sightings.see("delivery", to_json(Delivery{.message = binary, .origin = {}, .origin_name = ""}));
  sightings.see("delivery", to_json(Delivery{.message = plain,
                                             .origin = {},
                                             .origin_name = "outbox",
                                             .row = OutboxRow{1, 745, 12, 1'700'000'000'000'000}}));
  sightings.see(
      "delivery",
      of_outbox(to_json(Delivery{.message = plain, .origin = {}, .origin_name = ""}), "mails"));
}

void see_notice(Sightings& sightings, const Notice& notice) {
  const auto json = to_json(notice);
  sightings.see(json["type"].get<std::string>(), json);
}

template <typename T>
T sample() {
  return {};
}
template <>
Unpublished sample<Unpublished>() {
  return {.topic = topic(), .payload = "text"};
}
template <>
Undone sample<Undone>() {
  return {.topic = topic(), .position = a_place()};
}
template <>
PrimaryUp sample<PrimaryUp>() {
  return {.incarnation = {}, .description = "", .degraded = "", .history = a_place().history()};
}
template <>
Undelivered sample<Undelivered>() {
  return {.origin = {}, .name = "", .position = a_place(), .topic = topic()};
}

template <>
Received sample<Received>() {
  return {.without = {{.name = "b", .why = Received::Without::Why::gone},
                      {.name = "c", .why = Received::Without::Why::missed},
                      {.name = "d", .why = Received::Without::Why::left}}};
}

template <std::size_t... index>
void see_every_notice(Sightings& sightings, std::index_sequence<index...>) {
  (see_notice(sightings, sample<std::variant_alternative_t<index, Notice>>()), ...);
}

void see_traces(Sightings& sightings) {
  Traced traced{.topic = topic()};
  traced.receivers = {{.origin = {}, .name = "", .address = ""}};
  for (const auto& [step, name] : node::traced_step_names) traced.steps.push_back({step, {}});
  for (const auto& [fate, name] : node::traced_names) {
    traced.fate = fate;
    see_notice(sightings, traced);
  }
  for (const auto& [fate, name] : node::traced_fate_names) {
    traced.receivers[0].fate = fate;
    traced.receivers[0].steps = traced.steps;
    see_notice(sightings, traced);
  }
  for (const auto* id : {"\"a\"", "1", "0.5"}) sightings.see("traced", to_json(traced, id));
}

void see_notices(Sightings& sightings) {
  see_every_notice(sightings, std::make_index_sequence<std::variant_size_v<Notice>>());
  see_notice(sightings, Sent{.position = a_place()});
  const auto by_number = History::of({{2, 0, 0}}).value();
  see_notice(sightings,
             Sent{.position = Position{Branch(ServerKind::postgres, 7, by_number, 1), 1}});
  for (const auto why : {Unpublished::Why::primary_lost, Unpublished::Why::left,
                         Unpublished::Why::no_primary, Unpublished::Why::primary_outdated,
                         Unpublished::Why::database_lost, Unpublished::Why::other_primary}) {
    const Unpublished notice{
        .why = why, .topic = topic(), .payload = bytes, .headers = {{"name", "value"}}};
    see_notice(sightings, notice);
    for (const auto* id : {"\"a\"", "1", "0.5"}) {
      sightings.see("unpublished", to_json(notice, id));
      sightings.see("sent", to_json(Sent{}, id));
      sightings.see("received", to_json(sample<Received>(), id));
    }
  }
  const Undone doubtful{.why = Undelivered::Why::in_doubt, .topic = topic(), .position = a_place()};
  see_notice(sightings, doubtful);
  MemberCovered member{.origin = {}, .name = "", .address = ""};
  for (const auto& [covered, name] : node::covered_names) {
    member.covered = covered;
    see_notice(sightings, Coverage{1, covered, {member}});
    for (const auto* id : {"\"a\"", "1", "0.5"}) {
      sightings.see("covered", to_json(Coverage{1, covered, {}}, id));
    }
  }
  see_traces(sightings);
  for (const auto why : {PeerGone::Why::left, PeerGone::Why::silent, PeerGone::Why::replaced}) {
    see_notice(sightings, PeerGone{.origin = {}, .name = "", .why = why});
  }
  using Why = Undelivered::Why;
  for (const auto why :
       {Why::missing, Why::expired, Why::orphaned, Why::in_doubt, Why::foreign, Why::overdue}) {
    see_notice(sightings,
               Undelivered{.origin = {}, .name = "", .why = why, .position = {}, .topic = {}});
  }
}

void see_resumption(Sightings& sightings) {
  for (const auto why : {NotResumed::Why::ended, NotResumed::Why::behind}) {
    see_notice(sightings, NotResumed{.origin = {}, .name = "", .why = why});
  }
  for (const auto& [why, name] : node::outbox_lost_names) {
    see_notice(sightings, OutboxLost{.why = why});
    sightings.see("outbox_lost", of_outbox(outbox_lost({.why = why}, 1), "mails"));
  }
}

void see_troubles(Sightings& sightings) {
  for (const auto& [kind, name] : node::trouble_names) {
    see_notice(sightings, Trouble{.kind = kind, .about = "", .text = ""});
  }
}

void see_answers(Sightings& sightings) {
  for (const auto* id : {"", "\"a\"", "1", "0.5"}) {
    sightings.see("error", publish_error(1, "message", id));
    sightings.see("subscribed", of_outbox(subscribed("a/#"), "mails", id));
    sightings.see("unsubscribed", of_outbox(unsubscribed("a/#"), "mails", id));
    sightings.see("taken", of_outbox(taken(1), "mails", id));
    sightings.see("forgotten", of_outbox(forgotten(), "mails", id));
  }
  sightings.see("announced", announced(topic(), a_place()));
  sightings.see("subscribed", subscribed("a/#"));
  sightings.see("unsubscribed", unsubscribed("a/#"));
  sightings.see("unsubscribed", of_outbox(unsubscribed("a/#", "reason"), "mails"));
  sightings.see("ready_peers", ready_peers(1, true));
  sightings.see("trusted", trusted());
  sightings.see("keys", keys_in_use({"5fee04e7807a7ebf"}));
  sightings.see("published", published(topic(), 1, std::nullopt));
  sightings.see("published", published(topic(), 1, a_place()));
  using health::Verdict;
  sightings.see("doctor",
                doctor_document(
                    "0.1.0", {{.verdict = Verdict::ok, .about = "", .what = "", .cure = ""},
                              {.verdict = Verdict::warning, .about = "", .what = "", .cure = ""},
                              {.verdict = Verdict::problem, .about = "", .what = "", .cure = ""}}));
}

void see_outbox(Sightings& sightings) {
  sightings.see("outbox_check", outbox_check_document("db1 port 5432", {"one"}, {"two"}));
  postgres::OutboxStatus status;
  sightings.see("outbox_status", outbox_status_document("db1 port 5432", status));
  status.oldest = status.newest = postgres::AnnouncedRow{};
  status.oldest_writer = postgres::OpenWriter{};
  sightings.see("outbox_status", outbox_status_document("db1 port 5432", status));
  status.oldest_writer->open = Duration::zero();
  status.cursors.push_back({.name = "", .trouble = ""});
  status.cursors.push_back({.name = "", .waits = Duration::zero(), .trouble = ""});
  sightings.see("outbox_status", outbox_status_document("db1 port 5432", status));
}

void see_survey(Sightings& sightings) {
  const auto survey = command::survey({{std::chrono::milliseconds(3), true, Duration(1)}}, {});
  sightings.see("survey", survey_document(survey, "db1 port 5432", "db2 port 5432"));
}

void see_pairs(Sightings& sightings) {
  using health::Verdict;
  Survey survey;
  auto& member = survey.members.emplace_back();
  for (const auto& answer : node::port_answer_names) {
    member.pairs.push_back({.direct = answer.value});
    member.pairs.push_back({.last_beacon = Duration(1),
                            .round_trip = Duration(1),
                            .clock_ahead = Duration(-1),
                            .direct = answer.value});
    member.seeds.push_back({.tested = {"10.0.0.1:17901"}, .answer = answer.value});
  }
  for (const auto& why : node::refused_names) member.refused.push_back({.why = why.value});
  const std::vector<health::PairFinding> findings = {{Verdict::warning, "a", "b", "c", "d"},
                                                     {Verdict::problem, "a", "b", "c", "d"}};
  const auto document = pairs_document(survey, "default", findings);
  sightings.see("pairs", document);
  const auto read = parse_pairs(to_text(document));
  REQUIRE(read.ok());
  CHECK(read->members == 1);
  CHECK(read->findings.at(0).verdict == Verdict::warning);
  CHECK(read->findings.at(1).cure == "d");
}

std::string differences_of(const Contract& contract) {
  Sightings sightings(contract);
  see_status(sightings);
  see_deliveries(sightings);
  see_notices(sightings);
  see_resumption(sightings);
  see_troubles(sightings);
  see_answers(sightings);
  see_outbox(sightings);
  see_survey(sightings);
  see_pairs(sightings);
  return sightings.differences();
}

}  // namespace

TEST_CASE("the document of the JSON contract lists exactly what the program writes") {
  CHECK(differences_of(contract_of_repository()) == "");
}

TEST_CASE("an answer that is no survey is an error that says so") {
  for (const auto* text : {"", "[]", "{}", "nonsense", R"({"mesh":1})"}) {
    CHECK_FALSE(parse_pairs(text).ok());
  }
}

TEST_CASE("a document that differs from the code is found out") {
  const auto broken = [](const std::string& shape, const std::string& member,
                         const std::function<void(Shape&)>& change) {
    auto contract = contract_of_repository();
    change(contract[shape]);
    const auto differences = differences_of(contract);
    return differences.starts_with(shape + "." + member + ": ");
  };
  CHECK(broken("counters", "late", [](Shape& shape) { shape.erase("late"); }));
  CHECK(broken("tide", "tilt",
               [](Shape& shape) { shape["tilt"] = {.types = {"integer"}, .values = {}}; }));
  CHECK(broken("error", "line", [](Shape& shape) { shape["line"].types = {"string"}; }));
  CHECK(broken("status", "tide", [](Shape& shape) { shape["tide"].types.erase("null"); }));
  CHECK(broken("undelivered", "why", [](Shape& shape) { shape["why"].values.insert("lazy"); }));
  CHECK(broken("peer", "state", [](Shape& shape) { shape["state"].values.erase("gone"); }));
  CHECK(broken("delivery", "payload", [](Shape& shape) { shape["payload"].always = true; }));
  CHECK(broken("doctor", "version", [](Shape& shape) { shape["version"].always = false; }));
  auto contract = contract_of_repository();
  contract.erase("warning");
  CHECK(differences_of(contract) != "");
  contract = contract_of_repository();
  contract["rumour"]["text"] = {.types = {"string"}, .values = {}};
  CHECK(differences_of(contract) == "rumour: only in the document\n");
}
