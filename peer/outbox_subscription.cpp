// The hands of the outbox's reader: asks the server for what the reader wants, hands the rows out,
// and writes down how far the application has come.
#include <algorithm>
#include <atomic>
#include <deque>
#include <random>
#include <utility>

#include "lib/base/saturated.hpp"
#include "lib/outbox/reader.hpp"
#include "peer/io/clock.hpp"
#include "peer/io/headroom.hpp"
#include "peer/io/owner.hpp"
#include "peer/io/reactor.hpp"
#include "peer/outbox_cursor.hpp"
#include "peer/peer_core.hpp"
#include "peer/servers/servers.hpp"
#include "tidegate/outbox.hpp"

namespace tidegate {
namespace {

// The reactor's, a connection to the server with what the resolver of names opens, and the files.
constexpr io::Headroom needed{.descriptors = 20, .threads = 0, .bytes = 0};
constexpr std::size_t most_notices = 64;  // that wait to be taken; the oldest go
constexpr Duration least_poll = std::chrono::milliseconds(1);
constexpr auto* no_outbox = "the outbox can't be read: ";

// A name for the rows of a cluster, as peers have one. A failover may take back ids of rows and
// give them to others: the time tells these apart.
Origin origin_of(const Position& place, std::int64_t announced) {
  Origin origin{{}, static_cast<std::uint64_t>(announced)};
  constexpr std::string_view mark = "outbox";
  std::copy(mark.begin(), mark.end(), origin.peer.bytes.begin());
  auto cluster = place.cluster();
  for (auto byte = origin.peer.bytes.rbegin(); cluster != 0; cluster >>= 8U) {
    *byte++ = static_cast<std::uint8_t>(cluster);
  }
  return origin;
}

outbox::Reader reader_of(std::optional<outbox::Cursor> cursor, From from) {
  if (cursor) return outbox::Reader(std::move(*cursor));
  using Begin = outbox::Reader::From;
  return outbox::Reader(from == From::latest ? Begin::now : Begin::earliest);
}

}  // namespace

std::vector<Problem> validate(const OutboxOptions& options) {
  std::vector<Problem> problems;
  if (options.database.empty())
    problems.push_back({"database", "is empty; name the server that this application reads"});
  if (!options.cursor.empty()) {
    if (!options.cursor_file.empty()) {
      problems.push_back({"cursor", "the cursor is kept in the file; give either"});
    } else if (const auto cursor = outbox::cursor_from_text(options.cursor); !cursor) {
      problems.push_back({"cursor", cursor.error().message});
    }
  }
  if (options.poll < least_poll) problems.push_back({"poll", "is at least 1 ms"});
  return problems;
}

Topic outbox_hint_topic() { return Topic::of({"tidegate", "outbox"}).value(); }

struct OutboxSubscription::Parts {
  Parts(OutboxOptions the_options, std::unique_ptr<servers::OutboxReader> reader,
        peer::OutboxCursor the_cursor, outbox::Reader machine)
      : options(std::move(the_options)),
        server(std::move(reader)),
        rows(std::move(machine)),
        cursor(std::move(the_cursor)),
        watch(reactor.watch(server->interest(), [](io::Readiness) {})) {}

  void advance(Instant now) {
    gate::ServerEvents events;
    server->advance(now, events);
    for (auto& event : events) {
      std::visit([this](auto& e) { handle(e); }, event);
    }
    if (auto answer = server->take()) take(std::move(*answer), now);
  }

  void handle(ServerUp& e) {
    if (trouble.rfind(no_outbox, 0) != 0) trouble.clear();
    tell(std::move(e));
  }
  void handle(ServerDown& e) {
    trouble = e.reason;
    tell(std::move(e));
  }
  void handle(Warning& e) { tell(std::move(e)); }
  void handle(const gate::ReplayPositionRead&) {}
  void handle(const gate::TideForgotten&) {}
  // Nobody asks the primary here.
  void handle(const PrimaryUp&) {}
  void handle(const PrimaryDown&) {}
  void handle(const gate::CommitPositionRead&) {}

  void tell(Notice notice) {
    if (notices == most_notices) {
      inbox.erase(std::find_if(inbox.begin(), inbox.end(), [](const Incoming& incoming) {
        return std::holds_alternative<Notice>(incoming) && loss_in(incoming) == nullptr;
      }));
      --notices;
    }
    inbox.emplace_back(std::move(notice));
    ++notices;
  }

  // A loss is told once. So nothing is written down that lies behind it before the application has
  // taken it.
  void tell_loss(const OutboxLost& lost) {
    const auto* last = inbox.empty() ? nullptr : loss_in(inbox.back());
    if (last != nullptr && last->why == lost.why && lost.first <= last->last + 1) {
      inbox.back() = Notice(OutboxLost{lost.why, last->first, std::max(last->last, lost.last)});
      return;
    }
    inbox.emplace_back(Notice(lost));
    ++losses;
  }

  static const OutboxLost* loss_in(const Incoming& incoming) {
    const auto* notice = std::get_if<Notice>(&incoming);
    return notice == nullptr ? nullptr : std::get_if<OutboxLost>(notice);
  }

  void take(Result<outbox::Reading> reading, Instant now) {
    if (!reading) {
      const auto text =
          no_outbox + reading.error().message + "; `tidegate outbox --check` tells more";
      if (std::exchange(trouble, text) != text) tell(Warning{text});
      return;
    }
    trouble.clear();
    auto taken = rows.take(std::move(*reading), now);
    if (taken.loss) {
      tell_loss(*taken.loss);
      if (taken.loss->why != OutboxLost::Why::removed) cursor.begin_anew();
      cursor.write_at_once();
    }
    for (const auto& row : taken.unreadable) {
      tell(Warning{"row " + std::to_string(row.key.id) +
                   " of the outbox was written past its function and is left out: " + row.why});
    }
    cursor.moved(now);
    write(now);
    for (auto& delivery : taken.deliveries) {
      if (wanted(delivery.row.topic)) {
        hand_out(std::move(delivery));
      } else {
        rows.done(delivery.ticket);
      }
    }
    if (taken.again) read_at = Instant::min();
  }

  [[nodiscard]] bool wanted(const Topic& topic) const {
    return options.patterns.empty() ||
           std::any_of(options.patterns.begin(), options.patterns.end(),
                       [&](const Pattern& pattern) { return pattern.matches(topic); });
  }

  void hand_out(outbox::Reader::Delivery delivery) {
    auto& row = delivery.row;
    const auto& place = *rows.seen();
    inbox.emplace_back(Delivery{
        .message =
            {std::move(row.topic), std::move(row.payload), place, {}, std::move(row.headers)},
        .origin = origin_of(place, row.announced),
        .origin_name = "outbox",
        .sequence = row.key.id,
        .row = OutboxRow{delivery.ticket, row.key.transaction, row.key.id, row.announced}});
  }

  void done(Ticket ticket, Instant now) {
    if (const auto row = rows.done(ticket)) cursor.done(rows, *row, now);
  }

  void write(Instant now) {
    if (losses != 0) return;
    if (auto trouble_with_file = cursor.write(rows, now)) {
      tell(Warning{std::move(*trouble_with_file)});
    }
  }

  // Reads if that is due, and brings the reactor up to date.
  void go_on(Instant now) {
    write(now);
    if (woken.exchange(false)) read_at = Instant::min();
    auto wake_at = std::min(server->deadline(), losses == 0 ? cursor.deadline() : never);
    if (server->ready()) {
      // Without a question too much is under way: done() comes back here.
      if (const auto question = now >= read_at ? rows.question() : std::nullopt) {
        read_at = now + options.poll;
        server->read(*question, now);
        wake_at = std::min(wake_at, server->deadline());
      } else if (now < read_at) {
        wake_at = std::min(wake_at, read_at);
      }
    }
    watch.follow(server->interest());
    timer.set(inbox.empty() ? wake_at : Instant::min());
  }

  io::Owner owner;
  OutboxOptions options;
  std::unique_ptr<servers::OutboxReader> server;
  outbox::Reader rows;
  peer::OutboxCursor cursor;
  std::deque<Incoming> inbox;
  std::size_t notices = 0;  // in it, without losses
  std::size_t losses = 0;   // that the application has not taken
  bool loss_handed_out = false;
  std::optional<Ticket> handed_out;
  std::string trouble = "not connected yet";
  Instant read_at = Instant::min();
  std::atomic<bool> woken = false;
  io::Reactor reactor;
  io::Reactor::Watch watch;
  io::Reactor::Timer timer = reactor.timer();
};

Result<std::unique_ptr<OutboxSubscription>> OutboxSubscription::open(OutboxOptions options) {
  if (auto wrong = peer::refusal(validate(options))) return std::move(*wrong);
  if (auto error = io::lacks(needed)) return std::move(*error);
  auto reader = servers::open_outbox_reader(options.database, std::random_device()());
  if (!reader) return reader.error();
  std::optional<outbox::Cursor> cursor;
  peer::OutboxCursor file;
  if (!options.cursor_file.empty()) {
    auto opened = peer::OutboxCursor::open(options.cursor_file, cursor);
    if (!opened) return opened.error();
    file = std::move(opened).value();
  } else if (!options.cursor.empty()) {
    cursor = outbox::cursor_from_text(options.cursor).value();
  }
  const auto from = options.from;
  auto parts = std::make_shared<Parts>(std::move(options), std::move(reader).value(),
                                       std::move(file), reader_of(std::move(cursor), from));
  parts->go_on(io::clock_now());
  return std::unique_ptr<OutboxSubscription>(new OutboxSubscription(std::move(parts)));
}

OutboxSubscription::OutboxSubscription(std::shared_ptr<Parts> parts) : parts_(std::move(parts)) {}

OutboxSubscription::~OutboxSubscription() {
  if (!parts_->owner.here()) {
    io::abandon(std::move(parts_));
    return;
  }
  parts_->cursor.write_at_once();
  parts_->write(io::clock_now());
}

std::optional<Incoming> OutboxSubscription::next(std::chrono::milliseconds timeout) {
  if (!parts_->owner.here()) return std::nullopt;
  auto now = io::clock_now();
  const auto end = base::later(now, timeout);
  if (const auto before = std::exchange(parts_->handed_out, std::nullopt)) {
    parts_->done(*before, now);
  }
  if (std::exchange(parts_->loss_handed_out, false)) --parts_->losses;
  while (true) {
    auto& inbox = parts_->inbox;
    if (!inbox.empty()) {
      auto incoming = std::move(inbox.front());
      inbox.pop_front();
      if (const auto* delivery = std::get_if<Delivery>(&incoming)) {
        if (!parts_->options.taken_by_done) parts_->handed_out = delivery->row->ticket;
      } else if (Parts::loss_in(incoming) != nullptr) {
        parts_->loss_handed_out = true;
      } else {
        --parts_->notices;
      }
      parts_->go_on(now);
      return incoming;
    }
    parts_->go_on(now);
    parts_->reactor.run_once(io::until(end));
    now = io::clock_now();
    parts_->advance(now);
    if (now >= end && inbox.empty()) {
      parts_->go_on(now);
      return std::nullopt;
    }
  }
}

void OutboxSubscription::done(Ticket ticket) {
  if (!parts_->owner.here()) return;
  const auto now = io::clock_now();
  parts_->done(ticket, now);
  parts_->go_on(now);
}

void OutboxSubscription::wake() {
  if (!parts_->owner.here()) return;
  parts_->woken = true;
  parts_->reactor.wake();
}

std::string OutboxSubscription::cursor() const {
  if (!parts_->owner.here()) return "";
  const auto cursor = parts_->rows.cursor();
  return cursor ? to_text(*cursor) : "";
}

int OutboxSubscription::descriptor() const {
  return parts_->owner.here() ? parts_->reactor.descriptor() : -1;
}

const std::string& OutboxSubscription::trouble() const {
  static const std::string forked =
      "this subscription belongs to the process that has forked this one; open another one here";
  return parts_->owner.here() ? parts_->trouble : forked;
}

}  // namespace tidegate
