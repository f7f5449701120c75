// A session's part of subscriptions to the outbox: the frames of its client that are about one, and
// the door's answers and rows.
#include <algorithm>
#include <utility>

#include "lib/base/cursor_name.hpp"
#include "lib/stomp/session.hpp"

namespace tidegate::stomp {
namespace {

Unanswered::Shared receipt_of(const Frame& frame) {
  const auto* id = frame.find("receipt");
  return std::make_shared<Receipt>(Receipt{.id = id == nullptr ? "" : *id});
}

Result<From> from_of(const Frame& frame) {
  const auto* from = frame.find("from");
  if (from == nullptr || *from == "latest") return From::latest;
  if (*from == "earliest") return From::earliest;
  return Error{"the header from is '" + *from + "'; write earliest or latest"};
}

}  // namespace

Session::Handled Session::follow_outbox(const std::string& name, const Frame& frame,
                                        Subscription subscription) {
  if (!options_.outbox) {
    return Error{
        "a subscription to the outbox needs a database to read and a place on disk; start the peer "
        "with --database and --state-file"};
  }
  if (auto wrong = base::wrong_cursor_name(name)) return *wrong;
  if (frame.find(durable_name) != nullptr) {
    return Error{
        "outbox names a subscription to the outbox, durable-subscription-name one to the mesh; "
        "give "
        "one of them"};
  }
  if (subscription.of_notices) {
    return Error{"a subscription to the outbox is told of what it has lost by itself; " +
                 std::string(notices) + " can't be one"};
  }
  if (subscription.acknowledge == Acknowledge::automatic) {
    return Error{
        "ack:auto is not for the outbox, where each row is taken by its acknowledgement; add "
        "ack:client or ack:client-individual"};
  }
  const auto from = from_of(frame);
  if (!from) return from.error();
  if (outbox_named(name) != subscriptions_.end()) {
    return Error{"this connection has the subscription '" + name + "' to the outbox already"};
  }
  const auto tag = unanswered_.add(receipt_of(frame));
  effects_.emplace_back(OutboxEffect(OutboxOpen{tag, name, subscription.filter.pattern, *from}));
  subscription.outbox = name;
  subscriptions_.push_back(std::move(subscription));
  return ReceiptDue::later;
}

// For good, whether its client is this one, another one, or none.
Session::Handled Session::remove_outbox(const std::string& name, const Frame& frame) {
  if (!options_.outbox) return Error{"there are no subscriptions to the outbox here"};
  if (auto wrong = base::wrong_cursor_name(name)) return *wrong;
  const auto own = outbox_named(name);
  if (auto refusal = names_another(frame, own)) return *refusal;
  const auto tag = unanswered_.add(receipt_of(frame));
  effects_.emplace_back(OutboxEffect(OutboxRemove{tag, name}));
  if (own != subscriptions_.end()) subscriptions_.erase(own);
  return ReceiptDue::later;
}

Session::Subscriptions::const_iterator Session::outbox_named(const std::string& name) const {
  return std::find_if(subscriptions_.begin(), subscriptions_.end(),
                      [&](const auto& one) { return one.outbox == name; });
}

void Session::answered(Tag tag) { close(unanswered_.done(tag)); }

// A client that waits for that receipt would wait for ever; one that is gone does not.
void Session::given_up(Tag tag) {
  const auto receipt = unanswered_.lost(tag);
  if (receipt == nullptr || state_ == State::ended) return;
  if (!receipt->id.empty() && (state_ == State::open || !last_receipt_.empty())) {
    return fail(Ended::refused, "the subscription to the outbox was given up before it had begun",
                receipt->id);
  }
  finish_if_drained();
}

void Session::give(const std::string& outbox, SubscriptionQueue::Item item) {
  const auto found = std::find_if(subscriptions_.begin(), subscriptions_.end(),
                                  [&](const auto& one) { return one.outbox == outbox; });
  if (found == subscriptions_.end()) return;
  arrivals_ = options_.durable == nullptr ? arrivals_ + 1 : options_.durable->next_arrival();
  found->own_queue.add(arrivals_, std::move(item));
}

bool Session::wants_rows(const std::string& outbox) const {
  const auto found = outbox_named(outbox);
  return found != subscriptions_.end() &&
         found->own_queue.bytes() < base::limits::stomp_outbox_bytes;
}

}  // namespace tidegate::stomp
