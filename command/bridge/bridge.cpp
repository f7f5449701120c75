#include "command/bridge/bridge.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "command/log.hpp"
#include "lib/message/headers.hpp"
#include "peer/io/clock.hpp"
#include "tidegate/token.hpp"

namespace tidegate::command {
namespace {

// Of one question for numbers.
constexpr std::size_t most_rows = 500;
constexpr std::size_t most_bytes = std::size_t{4} << 20U;

constexpr Duration pause = std::chrono::seconds(1);
// A server may take so long to notice that our former session is over, which holds the lock.
constexpr Duration patience = std::chrono::seconds(10);

// Rows that were removed before a bridge had read them, for those who want to know.
Topic loss_topic() { return Topic::of({"tidegate", "outbox", "lost"}).value(); }

// So that a receiver can tell a row that comes again in another stream.
Headers with_key(const Headers& headers, const outbox::RowKey& key) {
  std::vector<Header> all(headers.begin(), headers.end());
  all.push_back({"outbox-row", fmt::format("{}/{}", key.transaction, key.id)});
  return message::valid_headers(std::span<const Header>(all)) ? Headers(std::move(all)) : headers;
}

}  // namespace

Publication publication_of(postgres::BridgedRow row) {
  Publication publication{std::move(row.announcement.topic), std::move(row.announcement.payload),
                          NoChange{}, with_key(row.announcement.headers, row.key)};
  if (auto position = parse_token(row.position)) publication.dependency = std::move(*position);
  return publication;
}

Bridge::Bridge(DrivenPeer& peer, BridgeServer& server, OutboxSubscription& outbox,
               postgres::BridgeStream stream, std::vector<postgres::BridgedRow> rows,
               io::Reactor& reactor, spdlog::logger& log)
    : peer_(peer),
      server_(server),
      outbox_(outbox),
      stream_(std::move(stream)),
      log_(log),
      settled_by_(io::clock_now() + usual_wait),
      lost_(server.lost()),
      published_(stream_.last - rows.size()),
      noted_(stream_.received),
      watch_(reactor.watch_input(outbox.descriptor(), [](io::Readiness) {})),
      timer_(reactor.timer()) {
  for (auto& row : rows) numbered_.push_back(publication_of(std::move(row)));
  timer_.set(Instant::min());
}

void Bridge::handle(const Incoming& incoming) {
  if (const auto* delivery = std::get_if<Delivery>(&incoming)) {
    if (delivery->message.topic == hint_) outbox_.wake();
    return;
  }
  const auto* received = std::get_if<Received>(&std::get<Notice>(incoming));
  if (received == nullptr) return;
  if (probe_ && probe_->ticket == received->ticket) {
    stream_.received = std::exchange(probe_, std::nullopt)->number;
  }
}

void Bridge::peer_has_turned() {
  if (finished_ || leaving_) return;
  const auto now = io::clock_now();
  if (server_.lost() != lost_) {
    lost_ = server_.lost();
    begun_ = false;
    begin_at_ = now;
    give_up_at_ = never;
    say(LogLevel::warning, "no connection to the primary: " + server_.trouble());
  }
  if (!settled_) settled_ = now >= settled_by_ || settling_.settled(peer_.status(), now);
  auto wake_at = never;
  if (!settled_) {
    wake_at = std::min(settled_by_, settling_.settles_at());
  } else {
    publish();
  }
  if (!begun_) {
    if (server_.idle() && now >= begin_at_) begin_again(now);
    if (server_.idle()) wake_at = std::min(wake_at, begin_at_);
  } else if (settled_ && numbered_.empty() && server_.idle()) {
    number(now);
    if (noted_ != stream_.received) wake_at = std::min(wake_at, note_at_);
  }
  for (const auto& line : digest_.due(now)) write(log_, line);
  timer_.set(std::min(wake_at, digest_.deadline()));
}

void Bridge::begin_again(Instant now) {
  begin_at_ = now + pause;
  if (give_up_at_ == never) give_up_at_ = now + patience;
  server_.ask(postgres::bridge_begin_sql(life(), io::wall_clock_microseconds(), 0),
              [this](std::optional<Result<BridgeServer::Rows>> answer) {
                if (!answer) return;
                if (!*answer) return say(LogLevel::warning, answer->error().message);
                begun(**answer, io::clock_now());
              });
}

void Bridge::begun(const BridgeServer::Rows& rows, Instant now) {
  const auto again = postgres::read_bridge_begin(rows);
  if (!again) return finish(again.error().message);
  if (!*again) {
    if (now >= give_up_at_) finish("another bridge works");
    return;
  }
  const auto& stream = **again;
  const auto as_it_was = stream.origin.peer == stream_.origin.peer &&
                         stream.epoch == stream_.epoch && stream.last == stream_.last;
  // Rows without a number may have been undone by a failover; the next life reads them again.
  const bool undone = stream.timeline != stream_.timeline && (!asked_.empty() || next_);
  stream_.origin = stream.origin;
  stream_.cluster = stream.cluster;
  stream_.timeline = stream.timeline;
  if (!as_it_was) return finish("another bridge has worked, or the numbers have gone on alone");
  if (undone) return finish("a failover may have undone what was read");
  begun_ = true;
  say(LogLevel::info, "the primary is back: the bridge goes on");
}

// --- rows ---------------------------------------------------------------------------------------

void Bridge::number(Instant now) {
  if (asked_.empty()) asked_ = take_rows();
  if (finished_) return;
  postgres::BridgeBatch batch{.cursor = outbox_.cursor(), .received = stream_.received};
  if (asked_.empty() && (noted_ == stream_.received || now < note_at_)) return;
  note_at_ = now + pause;
  noted_ = stream_.received;
  for (const auto& row : asked_) {
    batch.keys.push_back(row.key);
    const auto* position = std::get_if<Position>(&row.publication.dependency);
    if (position != nullptr) batch.position = to_token(*position);
  }
  server_.ask(postgres::bridge_number_sql(stream_.origin.incarnation, batch),
              [this](std::optional<Result<BridgeServer::Rows>> answer) {
                // Where the connection was lost, begin_again() tells what has become of it.
                if (!answer) return;
                if (!*answer) return finish(answer->error().message);
                numbered(**answer);
              });
}

// The cursor passes them: they get their numbers in the transaction that writes it down.
std::vector<Bridge::Row> Bridge::take_rows() {
  std::vector<Row> rows;
  std::size_t bytes = 0;
  std::optional<Branch> branch;
  while (rows.size() < most_rows && bytes < most_bytes) {
    auto row = next_ ? std::exchange(next_, std::nullopt) : next_row();
    if (!row) break;
    if (const auto* position = std::get_if<Position>(&row->publication.dependency)) {
      if (branch && !(position->branch == *branch)) {
        next_ = std::move(row);
        break;
      }
      branch = position->branch;
    }
    bytes += row->publication.payload.size();
    if (row->ticket != 0) outbox_.done(row->ticket);
    rows.push_back(std::move(*row));
  }
  return rows;
}

std::optional<Bridge::Row> Bridge::next_row() {
  while (!finished_) {
    auto incoming = outbox_.next(std::chrono::milliseconds(0));
    if (!incoming) break;
    if (auto* delivery = std::get_if<Delivery>(&*incoming)) return row_of(*delivery);
    const auto& notice = std::get<Notice>(*incoming);
    write(log_, describe(notice));
    const auto* lost = std::get_if<OutboxLost>(&notice);
    if (lost == nullptr || lost->why != OutboxLost::Why::removed) continue;
    return Row{{lost->first, 0},
               0,
               {loss_topic(), fmt::format(R"({{"why":"removed","first":{},"last":{}}})",
                                          lost->first, lost->last)}};
  }
  return std::nullopt;
}

std::optional<Bridge::Row> Bridge::row_of(Delivery& delivery) {
  const auto& position = *delivery.message.position;
  if (position.cluster() != stream_.cluster || position.timeline() != stream_.timeline) {
    finish("rows and numbers come from two servers");
    return std::nullopt;
  }
  const auto& row = *delivery.row;
  const outbox::RowKey key{row.transaction, row.id};
  return Row{key,
             row.ticket,
             {std::move(delivery.message.topic), std::move(delivery.message.payload), position,
              with_key(delivery.message.headers, key)}};
}

// Rows that had numbers have been published under them.
void Bridge::numbered(const BridgeServer::Rows& rows) {
  const auto numbers = postgres::read_bridge_numbers(rows, asked_.size());
  if (!numbers) return finish(numbers.error().message);
  for (const auto& one : *numbers) {
    if (one.number != stream_.last + 1) return finish("numbers were given to others");
    stream_.last = one.number;
    numbered_.push_back(std::move(asked_[one.place].publication));
  }
  asked_.clear();
  if (settled_) publish();
}

void Bridge::publish() {
  while (!numbered_.empty()) {
    numbered_.front().acknowledged = !probe_;
    const auto published = peer_.publish(numbered_.front());
    if (published == Publish::queue_full) return;
    if (published != Publish::accepted) return finish("the peer does not publish any more");
    numbered_.pop_front();
    ++published_;
    if (!probe_) probe_ = Probe{published.ticket, published_};
  }
}

void Bridge::finish(const std::string& why) {
  if (std::exchange(finished_, true)) return;
  say(LogLevel::warning, "the bridge begins anew: " + why);
}

void Bridge::say(LogLevel level, const std::string& text) {
  for (const auto& line : digest_.add(text, {level, harmless(text)}, io::clock_now())) {
    write(log_, line);
  }
}

}  // namespace tidegate::command
