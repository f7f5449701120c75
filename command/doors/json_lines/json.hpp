// The JSON of the `tidegate` command: every line and every document that it writes or reads has its
// shape here. docs/json.md is the contract with the programs that read or write them;
// json_document_test.cpp compares the two member by member.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "command/doors/stomp/door_counters.hpp"
#include "command/health/doctor.hpp"
#include "command/outbox_removal.hpp"
#include "tidegate/covered.hpp"
#include "tidegate/message.hpp"
#include "tidegate/notice.hpp"
#include "tidegate/result.hpp"
#include "tidegate/status.hpp"
#include "tidegate/time.hpp"
#include "tidegate/topic.hpp"
#include "tidegate/traced.hpp"

namespace tidegate::json_lines {

// Keeps the members in the order in which they were written, so that "type" comes first.
using Json = nlohmann::ordered_json;

[[nodiscard]] Json to_json(const Position& position);
[[nodiscard]] Json to_json(const Delivery& delivery);
[[nodiscard]] Json to_json(const Notice& notice);
// The same for an answer whose line in had an id: a Sent, a Received, an Unpublished, a Coverage or
// a Traced.
[[nodiscard]] Json to_json(const Notice& notice, const std::string& id);
// `door`: of the STOMP clients that it serves, if it serves some; `removal`: of old rows of an
// outbox, if it removes some.
[[nodiscard]] Json to_json(const Status& status,
                           const std::optional<stomp_door::DoorCounters>& door = {},
                           const std::optional<command::OutboxRemoval>& removal = {});
[[nodiscard]] Json to_json(const PeerStatus& peer);

// Line `line` of standard input, counted from 1, was not published. `id`: that of the line, if it
// could be read (Publication::id).
[[nodiscard]] Json publish_error(std::uint64_t line, const std::string& message,
                                 const std::string& id = "");

// The answers to orders.
[[nodiscard]] Json trusted();
[[nodiscard]] Json keys_in_use(const std::vector<std::string>& names);
[[nodiscard]] Json subscribed(const std::string& pattern);
// `reason`: nobody here has asked for it.
[[nodiscard]] Json unsubscribed(const std::string& pattern, const std::string& reason = "");

// Lines about a subscription to the outbox have its name besides, and the id of the line that they
// answer, if that has one.
[[nodiscard]] Json of_outbox(Json line, const std::string& name, const std::string& id = "");
[[nodiscard]] Json taken(Ticket ticket);
[[nodiscard]] Json forgotten();
[[nodiscard]] Json outbox_lost(const OutboxLost& lost, Ticket ticket);

// The first line that a client of the publish socket gets, again when it changes: so many peers are
// ready, and whether nobody new has come for a while.
[[nodiscard]] Json ready_peers(std::size_t ready, bool settled);

// The answer of `tidegate pub --json`; `peers` is the number of peers that were ready.
[[nodiscard]] Json published(const Topic& topic, std::size_t peers,
                             const std::optional<Position>& position);

// The answer of `tidegate pub --outbox --json`.
[[nodiscard]] Json announced(const Topic& topic, const Position& position);

// The answer of `tidegate peers --json`. Resident: the status is that of a running peer of this
// host, which is a member itself; otherwise it is that of a peer that only looked around.
[[nodiscard]] Json peers_document(const Status& status, bool resident);

// The answer of `tidegate doctor --json`; `version` is that of the program.
[[nodiscard]] Json doctor_document(std::string_view version,
                                   const std::vector<health::Finding>& findings);

// Without a line break. Text of others that is not UTF-8 never makes it fail.
[[nodiscard]] std::string to_text(const Json& json);

// The status of a running peer, as its document has it.
struct PeerReport : Status {
  std::optional<stomp_door::DoorCounters> door;
  std::optional<command::OutboxRemoval> removal;
};

// Reads a document of to_json(Status). A missing member has its default and an unknown one is
// ignored, so that a command and a peer of different versions understand each other.
[[nodiscard]] Result<PeerReport> parse_status(std::string_view text);

// The members of a line in; any other is refused.
inline constexpr std::array<std::string_view, 9> publication_members{
    "topic", "payload", "payload_base64", "headers", "depends", "durable",
    "apart", "id",      "receipt"};

struct Publication {
  Topic topic;
  std::string payload;
  Dependency dependency;
  std::string id;  // as JSON; empty: none
  Headers headers = {};
  bool acknowledged = false;  // has an id then
};

// A line in, as parse_publication() reads it.
[[nodiscard]] Json to_json(const Publication& publication);

// Reads one line in. Any text is allowed; all that is wrong with it is the error.
[[nodiscard]] Result<Publication> parse_publication(std::string_view line);

// The id, as JSON, of a line in that something else is wrong with; empty: it has none that can be
// read.
[[nodiscard]] std::string id_of(std::string_view line);

// A line in that publishes nothing and tells the peer to do something (doors/orders.hpp).
struct TrustPrimary {};
struct ReloadKeys {};
struct Subscribe {
  std::string text;  // of the pattern
  Pattern pattern;
};
struct Unsubscribe {
  std::string text;
  Pattern pattern;
};
using Order = std::variant<TrustPrimary, ReloadKeys, Subscribe, Unsubscribe>;

// Nothing: the line is no order but a message, or is meant as one. The error says what is wrong
// with the order.
[[nodiscard]] std::optional<Result<Order>> parse_order(std::string_view line);

// The line in that asks whether a position is covered; any other member is refused.
inline constexpr std::array<std::string_view, 4> wait_members{"wait", "id", "timeout_ms",
                                                              "everywhere"};

struct Wait {
  Position position;
  Duration timeout{};
  Where where = Where::here;
  std::string id;  // as JSON; empty: none
};

[[nodiscard]] Json to_json(const Wait& wait);

// nullopt: the line is another one.
[[nodiscard]] std::optional<Result<Wait>> parse_wait(std::string_view line);

// The line in that has a message followed; any other member is refused.
inline constexpr std::array<std::string_view, 3> trace_members{"trace", "id", "timeout_ms"};
inline constexpr Duration longest_trace = std::chrono::minutes(10);

struct Trace {
  Pattern pattern;
  Duration timeout{};  // at most that
  std::string id;      // as JSON; empty: none
};

[[nodiscard]] Json to_json(const Trace& trace);

// nullopt: the line is another one.
[[nodiscard]] std::optional<Result<Trace>> parse_trace(std::string_view line);

// Reads to_json() of a Traced, as parse_status() does.
[[nodiscard]] Result<Traced> parse_traced(const Json& json);

// The line in that is about a subscription to the outbox; any other member is refused.
inline constexpr std::array<std::string_view, 7> outbox_members{
    "outbox", "subscribe", "from", "taken", "unsubscribe", "forget", "id"};

struct OutboxOrder {
  struct Subscribe {
    std::string text;  // of the pattern
    Pattern pattern;
    From from = From::latest;  // where the name is new
  };
  struct Take {
    Ticket ticket = 0;  // of a row or a loss
  };
  struct Unsubscribe {
    std::string text;
  };
  struct Forget {};
  using Deed = std::variant<Subscribe, Take, Unsubscribe, Forget>;

  std::string name;
  Deed deed;
  std::string id;  // as JSON; empty: none
};

// nullopt: the line is another one.
[[nodiscard]] std::optional<Result<OutboxOrder>> parse_outbox(std::string_view line);

}  // namespace tidegate::json_lines
