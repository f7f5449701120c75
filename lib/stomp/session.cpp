#include "lib/stomp/session.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "lib/base/enum_names.hpp"
#include "lib/base/saturated.hpp"
#include "lib/stomp/frame_writer.hpp"
#include "tidegate/token.hpp"

namespace tidegate::stomp {
namespace {

constexpr Duration connect_bound = std::chrono::seconds(10);
// Of the answers to a client that has closed its side without a DISCONNECT.
constexpr Duration drain_bound = std::chrono::seconds(30);
constexpr Duration last_bytes_bound = std::chrono::seconds(5);
// A client that writes and does not read gets no further.
constexpr std::size_t choked_bytes = base::limits::stomp_waiting_bytes / 4;

}  // namespace

std::string_view to_string(Ended why) {
  static constexpr auto names = base::enum_names<Ended>({{Ended::politely, "politely"},
                                                         {Ended::malformed, "malformed"},
                                                         {Ended::refused, "refused"},
                                                         {Ended::login, "login"},
                                                         {Ended::silent, "silent"},
                                                         {Ended::slow, "slow"},
                                                         {Ended::unpublished, "unpublished"},
                                                         {Ended::evicted, "evicted"},
                                                         {Ended::peer_leaves, "peer_leaves"}});
  return names.name(why);
}

Session::Session(SessionOptions options, Instant now)
    : options_(std::move(options)),
      reader_(options_.payload_bytes),
      now_(now),
      until_(base::later(now, connect_bound)) {}

void Session::receive(std::string_view bytes, Instant now) {
  now_ = now;
  heart_beat_.heard(now);
  if (state_ != State::opening && state_ != State::open) return;
  reader_.add(bytes);
  read_frames();
}

void Session::read_frames() {
  while (state_ == State::opening || state_ == State::open) {
    auto frame = reader_.next();
    if (!frame) return fail(Ended::malformed, frame.error().message);
    if (!*frame) return;
    handle(std::move(**frame));
  }
}

void Session::input_ended(Instant now) {
  now_ = now;
  if (state_ == State::opening) return end(Ended::politely, "its client has gone");
  if (state_ == State::open) drain({});
  if (state_ == State::draining) until_ = base::later(now, drain_bound);
}

void Session::drain(std::string receipt) {
  state_ = State::draining;
  until_ = never;
  last_receipt_ = std::move(receipt);
  give_up_subscriptions();
  finish_if_drained();
}

void Session::give_up_subscriptions() {
  for (auto& subscription : subscriptions_) {
    if (subscription.durable != nullptr) {
      if (subscription.durable->owner() == options_.name) subscription.durable->detach();
    } else if (!subscription.outbox.empty()) {
      effects_.emplace_back(OutboxEffect(OutboxClose{subscription.outbox}));
    } else if (!subscription.of_notices) {
      effects_.emplace_back(UnwantEffect{subscription.filter.pattern});
    }
  }
  subscriptions_.clear();
  queued_ = 0;
}

void Session::finish_if_drained() {
  if (state_ != State::draining || !unanswered_.empty() || !lost_receipts_.empty()) return;
  if (!last_receipt_.empty() && lost_untold_ != 0) {
    return fail(Ended::unpublished, std::to_string(lost_untold_) + " messages were not sent",
                last_receipt_);
  }
  if (!last_receipt_.empty()) write_receipt({.id = last_receipt_});
  end(Ended::politely, "its client has gone");
}

void Session::sent(Tag tag, std::uint64_t sequence, const std::optional<Position>& position) {
  close(unanswered_.sent(tag, sequence, position));
}

void Session::received(Tag tag, std::string_view without) {
  close(unanswered_.received(tag, without));
}

void Session::covered(Tag tag, Covered covered, std::string_view behind) {
  close(unanswered_.covered(tag, to_string(covered), behind));
}

void Session::close(const Unanswered::Shared& receipt) {
  if (state_ == State::ended) return;
  if (receipt != nullptr && !receipt->id.empty()) write_receipt(*receipt);
  finish_if_drained();
}

void Session::unpublished(Tag tag, std::string_view why, std::string_view json) {
  const auto receipt = unanswered_.lost(tag);
  if (receipt == nullptr || state_ == State::ended) return;
  if (write_notices({"unpublished", receipt->id, json})) return;
  if (receipt->id.empty()) {
    ++lost_untold_;
  } else if (std::find(lost_receipts_.begin(), lost_receipts_.end(), receipt->id) ==
             lost_receipts_.end()) {
    lost_receipts_.push_back(receipt->id);
    reason_ = why;
  }
  finish_if_drained();
}

void Session::refused(Tag tag, const std::string& why) {
  const auto receipt = unanswered_.lost(tag);
  if (receipt != nullptr) fail(Ended::refused, why, receipt->id);
}

// All that were lost at the same time stand in one ERROR, as nothing may follow it.
void Session::tell_lost() {
  std::string ids;
  for (const auto& id : lost_receipts_) ids += " " + id;
  auto message = "not sent (" + reason_ + "), so no receipt can be given for" + ids;
  if (!unanswered_.empty()) {
    message += "; " + std::to_string(unanswered_.size()) + " more have no answer yet";
  }
  const auto first = lost_receipts_.front();
  fail(Ended::unpublished, message, first);
}

// One count of arrivals orders all subscriptions of a client, durable or not.
void Session::deliver(const std::shared_ptr<const Delivery>& delivery) {
  if (state_ != State::open) return;
  arrivals_ = options_.durable == nullptr ? arrivals_ + 1 : options_.durable->arrivals();
  for (auto& subscription : subscriptions_) {
    if (subscription.of_notices || subscription.durable != nullptr ||
        !subscription.outbox.empty() ||
        !subscription.filter.pattern.matches(delivery->message.topic)) {
      continue;
    }
    const auto before = subscription.own_queue.bytes();
    subscription.own_queue.add(arrivals_, {delivery, nullptr});
    queued_ += subscription.own_queue.bytes() - before;
  }
  check_bound();
}

void Session::notify(std::string_view kind, std::string_view json) {
  if (state_ == State::open) (void)write_notices({kind, {}, json});
}

bool Session::write_notices(const NoticeFrame& notice) {
  bool written = false;
  for (const auto& subscription : subscriptions_) {
    if (!subscription.of_notices) continue;
    write_notice(outgoing_.buffer(), addressee(subscription), notice, ++notices_);
    outgoing_.added();
    written = true;
  }
  check_bound();
  return written;
}

void Session::check_bound() {
  if (state_ == State::ended || waiting() <= options_.waiting_bytes) return;
  const auto bytes = std::to_string(waiting());
  outgoing_.drop_unbegun();
  fail(Ended::slow, "too slow: " + bytes + " bytes waited to be read or acknowledged");
}

void Session::cut(Ended why, const std::string& message) {
  if (why == Ended::slow || why == Ended::evicted) outgoing_.drop_unbegun();
  fail(why, message);
}

void Session::fail(Ended why, const std::string& message, std::string_view receipt) {
  if (state_ == State::ended) return;
  FrameWriter frame(outgoing_.buffer(), version_.value_or(Version::v1_0), "ERROR");
  frame.header("message", message);
  if (!version_) frame.header("version", "1.0,1.1,1.2");
  if (!receipt.empty()) frame.header("receipt-id", receipt);
  // The charset is said, as stompit 1.0 lets a bare text/plain end the process of its user.
  frame.header("content-type", "text/plain;charset=utf-8");
  frame.end(message + "\n");
  outgoing_.added();
  end(why, message);
}

void Session::end(Ended why, std::string reason) {
  give_up_subscriptions();
  transactions_ = {};
  state_ = State::ended;
  until_ = base::later(now_, last_bytes_bound);
  ended_ = why;
  reason_ = std::move(reason);
}

void Session::step(Instant now) {
  now_ = now;
  if (!lost_receipts_.empty() && state_ != State::ended) return tell_lost();
  switch (state_) {
    case State::opening:
      if (now >= until_) fail(Ended::silent, "no CONNECT came in time");
      return;
    case State::open:
      if (!wants_input()) heart_beat_.heard(now);
      if (now >= heart_beat_.silent()) {
        return fail(Ended::silent, "no heart-beat came for twice the interval that was agreed");
      }
      break;
    case State::draining:
      if (now >= until_) return end(Ended::politely, "its client has gone");
      break;
    case State::ended:
      if (now >= until_) outgoing_.clear();
      return;
  }
  if (now < heart_beat_.due()) return;
  if (output().empty()) {
    outgoing_.buffer() += '\n';
    outgoing_.added();
  }
  heart_beat_.wrote(now);
}

Instant Session::deadline() const {
  if (!lost_receipts_.empty() && state_ != State::ended) return now_;
  if (state_ == State::opening) return until_;
  if (state_ == State::ended) return outgoing_.size() == 0 ? never : until_;
  const auto silent = state_ == State::open ? heart_beat_.silent() : never;
  return std::min({until_, silent, heart_beat_.due()});
}

std::vector<Effect> Session::take_effects() { return std::exchange(effects_, {}); }

std::string_view Session::output() {
  fill_output();
  return outgoing_.view();
}

void Session::wrote(std::size_t bytes, Instant now) {
  outgoing_.wrote(bytes);
  heart_beat_.wrote(now);
}

void Session::fill_output() {
  while (outgoing_.size() < base::limits::stomp_written_bytes) {
    auto* subscription = next_ready();
    if (subscription == nullptr) return;
    write_next(*subscription);
    outgoing_.added();
  }
}

void Session::write_next(Subscription& subscription) {
  auto& to = outgoing_.buffer();
  const auto number = subscription.acknowledge == Acknowledge::automatic ? 0 : ++numbers_;
  if (subscription.durable == nullptr) {
    const auto before = subscription.own_queue.bytes();
    const auto item = subscription.own_queue.take(number);
    if (subscription.outbox.empty()) queued_ -= before - subscription.own_queue.bytes();
    if (item.loss != nullptr) {
      return write_loss(to, addressee(subscription), *item.loss, item.loss->json, number);
    }
    return write_message(to, addressee(subscription), *item.delivery, number);
  }
  const auto [item, again] = subscription.durable->take(number);
  if (item.delivery != nullptr) {
    return write_message(to, addressee(subscription), *item.delivery, number, again);
  }
  write_loss(to, addressee(subscription), *item.loss, options_.durable->to_json(*item.loss),
             number);
}

// That of the earliest message, so that the order holds across subscriptions.
Session::Subscription* Session::next_ready() {
  Subscription* next = nullptr;
  for (auto& subscription : subscriptions_) {
    if (!subscription.queue().ready()) continue;
    if (next == nullptr || subscription.queue().next_arrival() < next->queue().next_arrival()) {
      next = &subscription;
    }
  }
  return next;
}

Addressee Session::addressee(const Subscription& subscription) const {
  return {*version_, subscription.id ? &*subscription.id : nullptr, subscription.filter.form};
}

void Session::write_receipt(const Receipt& receipt) {
  FrameWriter frame(outgoing_.buffer(), *version_, "RECEIPT");
  frame.header("receipt-id", receipt.id);
  if (receipt.sequence != 0) frame.header("sequence", std::to_string(receipt.sequence));
  if (receipt.position) frame.header("position", to_token(*receipt.position));
  if (!receipt.without.empty()) frame.header("without", receipt.without);
  if (!receipt.covered.empty()) frame.header("covered", receipt.covered);
  if (!receipt.behind.empty()) frame.header("behind", receipt.behind);
  frame.end();
  outgoing_.added();
}

bool Session::wants_input() const {
  return (state_ == State::opening || state_ == State::open) && outgoing_.size() < choked_bytes;
}

}  // namespace tidegate::stomp
