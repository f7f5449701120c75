// A peer's account of itself for a checker: all that decides on a delivery, one JSON object a line.
// tests/model/conform.py holds it against the model of docs/theory.md; docs/record.md has the form.
//
// It tells what the peer was given, not what that meant: the readings of its servers with their
// whole identity, each message with its dependencies when it was published, sent, delivered,
// reported or given back. Left out are payloads, and readings that are as the one before: a peer
// takes thousands of those while it waits.
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "lib/mesh/frame.hpp"
#include "lib/node/event.hpp"
#include "tidegate/options.hpp"
#include "tidegate/tide.hpp"
#include "tidegate/time.hpp"

namespace tidegate::node {

class Record {
 public:
  // `name` stands in each line, for an account of several peers; empty: it does not. `epoch`: the
  // instant from which times count.
  explicit Record(std::string name, Instant epoch) : name_(std::move(name)), epoch_(epoch) {}

  // Each appends its lines, perhaps none. First the beginning; then every input in the order in
  // which the node is stepped, and the effects when they are executed. The node's options are
  // those of recorded(), since tickets are known by its reports.
  void begin(const mesh::PeerInfo& self, const Options& options, std::uint64_t last, Instant now,
             std::string& lines);
  void add(const Input& input, Instant now, std::string& lines);
  void add(const Effect& effect, Instant now, std::string& lines);

 private:
  std::string name_;
  Instant epoch_;
  Ticket published_ = 0;
  std::deque<Sent> sent_;     // whose frame has not come yet
  std::optional<Tide> tide_;  // that was told last, and still counts
};

// The options of a node that is recorded: it reports what is sent.
[[nodiscard]] inline Options recorded(Options options) {
  options.report_sent = true;
  return options;
}

// One life of one server: "<cluster>.<start>.<start of its statistics>".
[[nodiscard]] std::string life_text(const ServerIncarnation& server);
// A peer in one life: "<id>.<incarnation>".
[[nodiscard]] std::string origin_text(const Origin& origin);

}  // namespace tidegate::node
