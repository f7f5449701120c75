#include "lib/node/record.hpp"

#include <chrono>
#include <optional>
#include <utility>

#include "lib/base/json_line.hpp"
#include "lib/base/must.hpp"
#include "lib/gate/visibility.hpp"
#include "lib/mesh/frame.hpp"
#include "lib/node/names.hpp"

namespace tidegate::node {
namespace {

using base::JsonLine;

std::int64_t micros(Duration duration) {
  return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
}

// Begins the lines of one call.
class Lines {
 public:
  Lines(const std::string& name, std::int64_t at, std::string& to)
      : name_(name), at_(at), to_(to) {}

  [[nodiscard]] JsonLine line(std::string_view event) const {
    JsonLine line(to_);
    line.add("at", at_).add("event", event);
    if (!name_.empty()) line.add("peer", name_);
    return line;
  }

 private:
  const std::string& name_;
  std::int64_t at_;
  std::string& to_;
};

void add_place(JsonLine& line, std::string_view name, const std::optional<Position>& position) {
  if (position) line.add(name, to_text(*position));
}

// --- inputs -------------------------------------------------------------------------------------

// Says nothing of what decides on no delivery.
template <typename Other>
void tell(const Other&, const Lines&) {}

void tell(const input::Subscribe& in, const Lines& lines) {
  lines.line("subscribe").add("pattern", to_string(in.pattern)).end();
}
void tell(const input::Unsubscribe& in, const Lines& lines) {
  lines.line("unsubscribe").add("pattern", to_string(in.pattern)).end();
}
void tell(const input::TrustPrimary&, const Lines& lines) { lines.line("trust_primary").end(); }
void tell(const input::Leave&, const Lines& lines) { lines.line("leave").end(); }

void tell(const input::TideForgotten&, const Lines& lines) { lines.line("tide_forgotten").end(); }
void tell(const ServerUp& in, const Lines& lines) {
  lines.line("server_up").add("life", life_text(in.incarnation)).end();
}
void tell(const ServerDown&, const Lines& lines) { lines.line("server_down").end(); }

void tell(const input::CommitPositionRead& in, const Lines& lines) {
  const auto& [server, history, insert, flush] = in.reading;
  const Branch branch(server.kind, server.cluster, history);
  lines.line("answer")
      .add("written", to_text({branch, insert.bytes}))
      .add("flushed", to_text({branch, flush.bytes}))
      .add("life", life_text(server))
      .end();
}
void tell(const PrimaryUp& in, const Lines& lines) {
  const Branch branch(in.incarnation.kind, in.incarnation.cluster, in.history);
  lines.line("primary_up")
      .add("begin", to_text({branch, 0}))
      .add("life", life_text(in.incarnation))
      .end();
}
void tell(const PrimaryDown&, const Lines& lines) { lines.line("primary_down").end(); }

std::string_view kind_of(const Dependency& dependency) {
  if (std::holds_alternative<Position>(dependency)) return "position";
  if (std::holds_alternative<AfterRead>(dependency)) return "read";
  if (const auto* commit = std::get_if<AfterCommit>(&dependency)) {
    return commit->durable ? "durable_commit" : "commit";
  }
  return std::get<NoChange>(dependency).apart ? "nothing_apart" : "nothing";
}

void tell_published(const input::Publish& in, Ticket ticket, const Lines& lines) {
  auto line = lines.line("publish");
  line.add("ticket", ticket)
      .add("topic", to_string(in.message.topic))
      .add("after", kind_of(in.dependency));
  if (const auto* place = std::get_if<Position>(&in.dependency)) {
    line.add("position", to_text(*place));
  }
  line.end();
}

void tell_tide(const Tide& tide, const Lines& lines) {
  lines.line("tide")
      .add("place", to_text(gate::place_of(tide)))
      .add("life", life_text(tide.incarnation))
      .end();
}

// --- effects ------------------------------------------------------------------------------------

void tell(const effect::QueryCommitPosition&, const Lines& lines) { lines.line("ask").end(); }
void tell(const effect::Nudge&, const Lines& lines) { lines.line("nudge").end(); }
void tell(const effect::LeavePrimary&, const Lines& lines) { lines.line("primary_left").end(); }

void tell(const effect::Deliver& e, const Lines& lines) {
  const auto& delivery = e.delivery;
  auto line = lines.line("deliver");
  line.add("from", origin_text(delivery.origin)).add("sequence", delivery.sequence);
  add_place(line, "own", delivery.message.position);
  add_place(line, "inherited", delivery.message.inherited);
  line.add("held", micros(delivery.held));
  if (delivery.late) line.add_true("late");
  line.end();
}

template <typename Other>
void report(const Other&, const Lines&) {}

void report(const Undelivered& notice, const Lines& lines) {
  lines.line("undelivered")
      .add("from", origin_text(notice.origin))
      .add("first", notice.first)
      .add("last", notice.last)
      .add("why", undelivered_names.name(notice.why))
      .end();
}
void report(const Unpublished& notice, const Lines& lines) {
  lines.line("unpublished")
      .add("ticket", notice.ticket)
      .add("why", unpublished_names.name(notice.why))
      .end();
}
void report(const Undone& notice, const Lines& lines) {
  lines.line("undone")
      .add("ticket", notice.ticket)
      .add("sequence", notice.sequence)
      .add("why", undelivered_names.name(notice.why))
      .end();
}
void report(const PeerReady& notice, const Lines& lines) {
  lines.line("ready").add("with", origin_text(notice.origin)).end();
}
void report(const PeerGone& notice, const Lines& lines) {
  lines.line("gone").add("with", origin_text(notice.origin)).end();
}

void tell_sent(const Message& message, const Sent& sent, const Lines& lines) {
  auto line = lines.line("send");
  line.add("ticket", sent.ticket).add("sequence", sent.sequence);
  add_place(line, "own", message.position);
  add_place(line, "inherited", message.inherited);
  line.end();
}

}  // namespace

std::string life_text(const ServerIncarnation& server) {
  return std::to_string(server.cluster) + "." + std::to_string(server.started) + "." +
         std::to_string(server.counted_since);
}

std::string origin_text(const Origin& origin) {
  return to_string(origin.peer) + "." + std::to_string(origin.incarnation);
}

void Record::begin(const mesh::PeerInfo& self, const Options& options, std::uint64_t last,
                   Instant now, std::string& lines) {
  auto line = Lines(name_, micros(now - epoch_), lines).line("peer");
  line.add("form", 1)
      .add("name", self.name)
      .add("origin", origin_text(self.origin))
      .add("stream", origin_text(mesh::publisher_of(self)))
      .add("last", last)
      .add("overdue", overdue_names.name(options.overdue))
      .add("overdue_after", micros(options.overdue_after))
      .add("own_messages", own_messages_names.name(options.own_messages));
  if (options.database) line.add_true("gated");
  line.end();
  for (const auto& cursor : options.resume) {
    Lines(name_, micros(now - epoch_), lines)
        .line("resume")
        .add("from", origin_text(cursor.publisher))
        .add("next", cursor.next)
        .end();
  }
}

void Record::add(const Input& input, Instant now, std::string& lines) {
  const Lines to(name_, micros(now - epoch_), lines);
  if (const auto* published = std::get_if<input::Publish>(&input)) {
    return tell_published(*published, ++published_, to);
  }
  if (const auto* read = std::get_if<input::ReplayPositionRead>(&input)) {
    if (!read->tide || read->tide == tide_) return;
    tide_ = read->tide;
    return tell_tide(*tide_, to);
  }
  if (std::holds_alternative<ServerDown>(input) ||
      std::holds_alternative<input::TideForgotten>(input)) {
    tide_.reset();
  }
  std::visit([&](const auto& in) { tell(in, to); }, input);
}

void Record::add(const Effect& effect, Instant now, std::string& lines) {
  const Lines to(name_, micros(now - epoch_), lines);
  if (const auto* notify = std::get_if<effect::Notify>(&effect)) {
    if (const auto* sent = std::get_if<Sent>(&notify->notice)) return sent_.push_back(*sent);
    return std::visit([&](const auto& notice) { report(notice, to); }, notify->notice);
  }
  const auto* broadcast = std::get_if<effect::Broadcast>(&effect);
  const auto* data = broadcast ? std::get_if<mesh::Data>(&broadcast->frame) : nullptr;
  if (data == nullptr) return std::visit([&](const auto& e) { tell(e, to); }, effect);
  for (const auto& message : data->messages) {
    TIDEGATE_MUST(!sent_.empty());
    tell_sent(message, sent_.front(), to);
    sent_.pop_front();
  }
}

}  // namespace tidegate::node
