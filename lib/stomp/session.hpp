// One client of a STOMP door as a machine: its bytes, the answers of the peer, deliveries and the
// time go in; bytes for it and effects come out.
//
// After each call that is not const the door takes the effects, carries them out in their order,
// and writes output() as far as the socket takes it. Calling step() early is harmless, late only
// delays.
//
// - Nothing is written behind an ERROR, and behind it nothing that the client sends is looked at.
// - A receipt of a SEND, and of the COMMIT of some, is given when the peer has answered: each
//   message has its position, is handed to the sockets, and is retained for repair (Sent); with
//   receipt-when:received all that were ready have it. The others are given at once, and that of
//   DISCONNECT when all before are answered.
// - A receipt that can't be given is never silent. A client that subscribes to /tidegate/notices
//   gets a MESSAGE there with its receipt-id, the reason and the message, and goes on. Every other
//   one gets an ERROR that names all of them, which by the protocol is the end of its connection.
//   Rejected: a RECEIPT with a header that takes it back, since a client in use would not look.
// - A durable subscription is not the session's own: it attaches to one of the door, and gives it
//   back when it ends, with all that the client has not acknowledged.
// - A subscription to an outbox is the door's, too. The session tells what its client has taken,
//   and is given no more rows than it wants; so they end nobody's connection.
// - A client that reads or acknowledges too slowly is bounded: then it gets an ERROR.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/limits.hpp"
#include "lib/stomp/durable_subscriptions.hpp"
#include "lib/stomp/effects.hpp"
#include "lib/stomp/frame_reader.hpp"
#include "lib/stomp/heart_beat.hpp"
#include "lib/stomp/message_frame.hpp"
#include "lib/stomp/outgoing.hpp"
#include "lib/stomp/subscription_queue.hpp"
#include "lib/stomp/transactions.hpp"
#include "lib/stomp/unanswered.hpp"
#include "tidegate/result.hpp"
#include "tidegate/time.hpp"

namespace tidegate::stomp {

// Headers of SUBSCRIBE and UNSUBSCRIBE, with the name of a subscription that outlives its
// connection.
inline constexpr std::string_view durable_name = "durable-subscription-name";
inline constexpr std::string_view outbox_name = "outbox";

struct Login {
  std::string name;
  std::string passcode;
};

struct SessionOptions {
  std::string name;    // of this connection, unique at its door
  std::string server;  // "tidegate/0.1.0"
  std::optional<Login> login;
  std::size_t payload_bytes = std::size_t{1} << 20U;
  std::size_t waiting_bytes = base::limits::stomp_waiting_bytes;
  DurableSubscriptions* durable = nullptr;  // outlives it; nullptr: there is no place for them
  bool outbox = false;                      // there is a database, and a place for cursors
};

// Why a session has ended.
enum class Ended : std::uint8_t {
  politely,     // by DISCONNECT, or its client has closed the connection
  malformed,    // its bytes were no frame
  refused,      // a frame makes no sense, or asks for too much
  login,        // its login or passcode is wrong
  silent,       // it said nothing for too long
  slow,         // it read or acknowledged too slowly
  unpublished,  // a receipt can't be given
  evicted,      // another connection has taken its durable subscription
  peer_leaves,
};
[[nodiscard]] std::string_view to_string(Ended why);

class Session {
 public:
  Session(SessionOptions options, Instant now);

  // Bytes of the client; only while it wants_input(), except for a few that were under way. Then
  // its end.
  void receive(std::string_view bytes, Instant now);
  void input_ended(Instant now);

  // Answers of the peer.
  void sent(Tag tag, std::uint64_t sequence, const std::optional<Position>& position);
  void received(Tag tag, std::string_view without = {});  // peers that may not have it
  void unpublished(Tag tag, std::string_view why, std::string_view json);
  // `behind`: members whose servers don't show it, or that did not answer.
  void covered(Tag tag, Covered covered, std::string_view behind = {});
  void refused(Tag tag, const std::string& why);

  // Answers of the door about subscriptions to the outbox: it has begun, or is removed; it was
  // given up before it had begun.
  void answered(Tag tag);
  void given_up(Tag tag);
  // A row or a loss for the one of that name. False: there is none, or enough waits there.
  void give(const std::string& outbox, SubscriptionQueue::Item item);
  [[nodiscard]] bool wants_rows(const std::string& outbox) const;

  // To each of its subscriptions that matches.
  // Durable ones have got it before, by themselves.
  void deliver(const std::shared_ptr<const Delivery>& delivery);

  // To those that subscribe to notices.
  void notify(std::string_view kind, std::string_view json);

  // Ends it from outside.
  void cut(Ended why, const std::string& message);

  void step(Instant now);
  [[nodiscard]] Instant deadline() const;  // of step(); every other call may change it

  [[nodiscard]] std::vector<Effect> take_effects();

  // Bytes for the client, valid until the next call; wrote() takes them off.
  [[nodiscard]] std::string_view output();
  void wrote(std::size_t bytes, Instant now);

  [[nodiscard]] bool wants_input() const;
  // Bytes that wait for the client.
  [[nodiscard]] std::size_t waiting() const { return queued_ + outgoing_.size(); }

  // Nothing comes any more; the connection may be closed once output() is empty, or at once when
  // the client takes too long to read the last of it.
  [[nodiscard]] bool over() const { return state_ == State::ended && outgoing_.size() == 0; }
  [[nodiscard]] std::optional<Ended> ended() const { return ended_; }
  [[nodiscard]] const std::string& reason() const { return reason_; }  // of its end, for people
  [[nodiscard]] std::optional<Version> version() const { return version_; }

 private:
  enum class State : std::uint8_t {
    opening,  // CONNECT has not come
    open,
    draining,  // the client sends no more; answers are waited for
    ended,     // the last bytes are being written
  };
  enum class Acknowledge : std::uint8_t { automatic, cumulative, each };
  struct Subscription {
    std::optional<std::string> id;
    std::string destination;
    bool of_notices = false;
    Filter filter;
    Acknowledge acknowledge = Acknowledge::automatic;
    SubscriptionQueue own_queue;
    std::shared_ptr<DurableSubscription> durable;  // has the queue then
    std::string outbox = {};                       // its name, if it is one to the outbox

    [[nodiscard]] const SubscriptionQueue& queue() const {
      return durable == nullptr ? own_queue : durable->queue();
    }
    [[nodiscard]] const std::string& name() const { return id ? *id : destination; }
  };
  using Subscriptions = std::vector<Subscription>;
  // When the receipt of a frame is due.
  enum class ReceiptDue : std::uint8_t { now, later };
  using Handled = Result<ReceiptDue>;

  // client_frames.cpp: the frames of the client.
  void handle(Frame frame);
  Handled handle_open(Frame& frame);
  std::optional<Error> connect(const Frame& frame);
  Handled send(Frame& frame);
  Handled ask(const Frame& frame);
  Handled subscribe(const Frame& frame);
  Handled unsubscribe(const Frame& frame);
  Handled acknowledge(const Frame& frame);
  Handled begin(const Frame& frame);
  Handled commit(const Frame& frame);
  Handled abort(const Frame& frame);
  Handled disconnect(const Frame& frame);
  [[nodiscard]] bool may_enter(const Frame& connect) const;
  std::optional<Error> acknowledge_now(const Frame& frame);
  void acknowledge_in(Subscription& subscription, std::uint64_t number, bool taken);
  void publish(Publication publication, const Unanswered::Shared& receipt);
  [[nodiscard]] Result<Subscription> subscription_of(const Frame& frame) const;
  std::optional<Error> attach(const std::string& name, Subscription& subscription);
  Handled remove_durable(const std::string& name, const Frame& frame);
  [[nodiscard]] std::optional<Error> names_another(const Frame& frame,
                                                   Subscriptions::const_iterator own) const;
  [[nodiscard]] Subscriptions::const_iterator find_subscription(const Frame& frame) const;

  // outbox_frames.cpp: what is about the outbox.
  Handled follow_outbox(const std::string& name, const Frame& frame, Subscription subscription);
  Handled remove_outbox(const std::string& name, const Frame& frame);
  [[nodiscard]] Subscriptions::const_iterator outbox_named(const std::string& name) const;

  // session.cpp: its life, and what is written.
  void read_frames();
  void drain(std::string receipt);
  void give_up_subscriptions();
  void finish_if_drained();
  void tell_lost();
  void fail(Ended why, const std::string& message, std::string_view receipt = {});
  void end(Ended why, std::string reason);
  void write_receipt(const Receipt& receipt);
  void close(const Unanswered::Shared& receipt);
  void fill_output();
  void write_next(Subscription& subscription);
  [[nodiscard]] Subscription* next_ready();
  [[nodiscard]] Addressee addressee(const Subscription& subscription) const;
  bool write_notices(const NoticeFrame& notice);
  void check_bound();

  SessionOptions options_;
  State state_ = State::opening;
  std::optional<Version> version_;
  FrameReader reader_;
  HeartBeat heart_beat_;
  Instant now_;    // of the last call that told it
  Instant until_;  // CONNECT has to come, the answers, or the last bytes have to be read
  Subscriptions subscriptions_;
  Transactions transactions_;
  Unanswered unanswered_;
  std::vector<std::string> lost_receipts_;
  std::size_t lost_untold_ = 0;  // messages without a receipt
  std::string last_receipt_;     // of DISCONNECT
  std::vector<Effect> effects_;
  Outgoing outgoing_;
  std::size_t queued_ = 0;  // bytes of all subscriptions
  std::uint64_t arrivals_ = 0;
  std::uint64_t numbers_ = 0;  // of messages to be acknowledged
  std::uint64_t notices_ = 0;
  std::optional<Ended> ended_;
  std::string reason_;
};

}  // namespace tidegate::stomp
