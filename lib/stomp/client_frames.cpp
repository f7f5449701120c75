// The frames of a client, one function for each command: Session::handle() and what it calls.
#include <algorithm>
#include <array>
#include <utility>

#include "lib/base/decimal.hpp"
#include "lib/stomp/frame_writer.hpp"
#include "lib/stomp/session.hpp"

namespace tidegate::stomp {
namespace {

std::string text_of(const Frame& frame, std::string_view name) {
  const auto* value = frame.find(name);
  return value == nullptr ? std::string() : *value;
}

Error needs(const Frame& frame, std::string_view header) {
  return Error{frame.command + " needs the header " + std::string(header)};
}

// The highest that the client and this side know; nothing: there is none.
std::optional<Version> common_version(const Frame& connect) {
  const auto* list = connect.find("accept-version");
  if (list == nullptr) return Version::v1_0;
  std::optional<Version> best;
  std::string_view rest = *list;
  while (!rest.empty()) {
    const auto comma = std::min(rest.find(','), rest.size());
    auto one = rest.substr(0, comma);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    for (const auto version : {Version::v1_0, Version::v1_1, Version::v1_2}) {
      if (one == to_string(version) && (!best || *best < version)) best = version;
    }
  }
  return best;
}

std::string_view without_blanks(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// Takes as long whatever the difference is, so that nobody finds the words out piece by piece.
bool same_secret(std::string_view given, std::string_view wanted) {
  unsigned difference = given.size() == wanted.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const char against = wanted.empty() ? '\0' : wanted[i % wanted.size()];
    difference |= static_cast<unsigned char>(given[i] ^ against);
  }
  return difference == 0;
}

}  // namespace

void Session::handle(Frame frame) {
  const auto receipt = text_of(frame, "receipt");
  if (state_ == State::opening) {
    const auto refusal = connect(frame);
    if (refusal) fail(Ended::refused, refusal->message);
    return;
  }
  const auto handled = handle_open(frame);
  if (!handled) return fail(Ended::refused, handled.error().message, receipt);
  if (*handled == ReceiptDue::now && !receipt.empty()) write_receipt({.id = receipt});
}

Session::Handled Session::handle_open(Frame& frame) {
  const auto& command = frame.command;
  if (command == "SEND") return send(frame);
  if (!frame.body.empty() && version_ != Version::v1_0) {
    return Error{command + " has a body; only SEND may have one"};
  }
  if (command == "SUBSCRIBE") return subscribe(frame);
  if (command == "UNSUBSCRIBE") return unsubscribe(frame);
  if (command == "ACK") return acknowledge(frame);
  if (command == "NACK" && version_ != Version::v1_0) return acknowledge(frame);
  if (command == "BEGIN") return begin(frame);
  if (command == "COMMIT") return commit(frame);
  if (command == "ABORT") return abort(frame);
  if (command == "DISCONNECT") return disconnect(frame);
  return Error{"the command " + command + " has no place in STOMP " +
               std::string(to_string(*version_)) + " here"};
}

std::optional<Error> Session::connect(const Frame& frame) {
  if (frame.command != "CONNECT" && frame.command != "STOMP") {
    return Error{"the first frame is CONNECT or STOMP, not " + frame.command};
  }
  if (!frame.body.empty()) return Error{frame.command + " has a body; only SEND may have one"};
  const auto version = common_version(frame);
  if (!version) return Error{"the supported versions of STOMP are 1.0, 1.1 and 1.2"};
  const auto heart_beats = parse_heart_beats(
      frame.find("heart-beat") == nullptr ? std::string_view("0,0") : *frame.find("heart-beat"));
  if (!heart_beats) return heart_beats.error();
  version_ = version;
  reader_.follow(*version);
  if (!may_enter(frame)) {
    fail(Ended::login, "Authentication failed: login or passcode is wrong");
    return std::nullopt;
  }
  state_ = State::open;
  until_ = never;
  heart_beat_.agree(*heart_beats, now_);
  FrameWriter writer(outgoing_.buffer(), *version_, "CONNECTED");
  writer.header("version", to_string(*version_))
      .header("session", options_.name)
      .header("server", options_.server)
      .header("heart-beat",
              std::to_string(own_heart_beats.sends) + "," + std::to_string(own_heart_beats.wants))
      .end();
  outgoing_.added();
  return std::nullopt;
}

// Clients of 1.0 pad values with blanks.
bool Session::may_enter(const Frame& connect) const {
  if (!options_.login) return true;
  const auto name = text_of(connect, "login");
  const auto passcode = text_of(connect, "passcode");
  const bool padded = version_ == Version::v1_0;
  const bool right_name = same_secret(padded ? without_blanks(name) : name, options_.login->name);
  const bool right_passcode =
      same_secret(padded ? without_blanks(passcode) : passcode, options_.login->passcode);
  return right_name && right_passcode;
}

Session::Handled Session::send(Frame& frame) {
  const auto* destination = frame.find("destination");
  if (destination != nullptr && *destination == questions) return ask(frame);
  auto publication = take_publication(frame);
  if (!publication) return publication.error();
  if (const auto* transaction = frame.find("transaction")) {
    const auto stated = dependency_of(frame);
    if (!stated) return stated.error();
    auto refusal = transactions_.add(*transaction, std::move(*publication), *stated);
    if (refusal) return *refusal;
    return ReceiptDue::now;
  }
  publish(std::move(*publication),
          std::make_shared<Receipt>(Receipt{.id = text_of(frame, "receipt")}));
  return ReceiptDue::later;
}

Session::Handled Session::ask(const Frame& frame) {
  auto question = question_of(frame);
  if (!question) return question.error();
  const auto tag =
      unanswered_.add(std::make_shared<Receipt>(Receipt{.id = text_of(frame, "receipt")}));
  effects_.emplace_back(AskEffect{tag, std::move(*question)});
  return ReceiptDue::later;
}

void Session::publish(Publication publication, const Unanswered::Shared& receipt) {
  publication.acknowledged = publication.acknowledged && !receipt->id.empty();
  receipt->acknowledged = publication.acknowledged;
  effects_.emplace_back(PublishEffect{unanswered_.add(receipt), std::move(publication)});
}

Session::Handled Session::subscribe(const Frame& frame) {
  auto subscription = subscription_of(frame);
  if (!subscription) return subscription.error();
  if (const auto* name = frame.find(outbox_name)) {
    return follow_outbox(*name, frame, std::move(*subscription));
  }
  if (const auto* name = frame.find(durable_name)) {
    if (auto refusal = attach(*name, *subscription)) return *refusal;
  } else if (!subscription->of_notices) {
    effects_.emplace_back(WantEffect{subscription->filter.pattern});
  }
  subscriptions_.push_back(std::move(*subscription));
  return ReceiptDue::now;
}

std::optional<Error> Session::attach(const std::string& name, Subscription& subscription) {
  if (options_.durable == nullptr) {
    return Error{"a durable subscription needs a place on disk; start the peer with --state-file"};
  }
  if (subscription.acknowledge == Acknowledge::automatic) {
    return Error{
        "a durable subscription ends with an acknowledgement of each message; add ack:client "
        "or ack:client-individual"};
  }
  for (const auto& other : subscriptions_) {
    if (other.durable == nullptr || other.durable->name() != name) continue;
    return Error{"this connection has the durable subscription '" + name + "' already"};
  }
  auto attached = options_.durable->attach(name, subscription.destination, options_.name,
                                           subscription.own_queue.window());
  if (!attached) return attached.error();
  if (attached->is_new) effects_.emplace_back(WantEffect{subscription.filter.pattern});
  if (!attached->before.empty()) {
    effects_.emplace_back(EvictEffect{attached->before,
                                      "a newer connection has taken the durable "
                                      "subscription '" +
                                          name + "'"});
  }
  subscription.durable = std::move(attached->subscription);
  return std::nullopt;
}

Result<Session::Subscription> Session::subscription_of(const Frame& frame) const {
  const auto* destination = frame.find("destination");
  const auto* id = frame.find("id");
  if (destination == nullptr) return needs(frame, "destination");
  if (id == nullptr && version_ != Version::v1_0) return needs(frame, "id");
  if (subscriptions_.size() == base::limits::stomp_subscriptions) {
    return Error{"a client has at most " + std::to_string(base::limits::stomp_subscriptions) +
                 " subscriptions"};
  }
  auto acknowledge = Acknowledge::automatic;
  if (const auto* ack = frame.find("ack"); ack != nullptr && *ack != "auto") {
    acknowledge = *ack == "client" ? Acknowledge::cumulative : Acknowledge::each;
    if (*ack != "client" && *ack != "client-individual") {
      return Error{"the header ack is '" + *ack + "'; write auto, client or client-individual"};
    }
  }
  auto window = base::limits::stomp_window;
  if (const auto* count = frame.find("prefetch-count")) {
    const auto number = base::parse_number<std::size_t>(*count);
    if (!number || *number == 0) return Error{"prefetch-count is not a number from 1"};
    window = std::min(window, *number);
  }
  Subscription subscription{
      .id = id == nullptr ? std::nullopt : std::optional(*id),
      .destination = *destination,
      .of_notices = *destination == notices,
      .filter = {},
      .acknowledge = acknowledge,
      .own_queue = SubscriptionQueue(acknowledge == Acknowledge::automatic ? 0 : window),
      .durable = nullptr};
  for (const auto& other : subscriptions_) {
    if (other.id == subscription.id && (id != nullptr || other.destination == *destination)) {
      return Error{"there is a subscription '" + subscription.name() + "' already"};
    }
  }
  if (!subscription.of_notices) {
    auto filter = filter_of(*destination);
    if (!filter) return filter.error();
    subscription.filter = std::move(*filter);
  }
  return subscription;
}

Session::Subscriptions::const_iterator Session::find_subscription(const Frame& frame) const {
  const auto* id = frame.find("id");
  const auto* destination = frame.find("destination");
  return std::find_if(subscriptions_.begin(), subscriptions_.end(), [&](const auto& one) {
    return id != nullptr ? one.id == *id
                         : destination != nullptr && one.destination == *destination;
  });
}

Session::Handled Session::unsubscribe(const Frame& frame) {
  if (const auto* name = frame.find(outbox_name)) return remove_outbox(*name, frame);
  if (const auto* name = frame.find(durable_name)) return remove_durable(*name, frame);
  if (frame.find("id") == nullptr && version_ != Version::v1_0) return needs(frame, "id");
  const auto found = find_subscription(frame);
  if (found == subscriptions_.end()) return Error{"there is no such subscription"};
  if (found->durable != nullptr) {
    found->durable->detach();
  } else if (!found->outbox.empty()) {
    effects_.emplace_back(OutboxEffect(OutboxClose{found->outbox}));
  } else if (!found->of_notices) {
    effects_.emplace_back(UnwantEffect{found->filter.pattern});
    queued_ -= found->own_queue.bytes();
  }
  subscriptions_.erase(found);
  return ReceiptDue::now;
}

// For good, whether its client is this one, another one, or none.
Session::Handled Session::remove_durable(const std::string& name, const Frame& frame) {
  if (options_.durable == nullptr) return Error{"there are no durable subscriptions here"};
  const auto own = std::find_if(subscriptions_.begin(), subscriptions_.end(), [&](const auto& one) {
    return one.durable != nullptr && one.durable->name() == name;
  });
  if (auto refusal = names_another(frame, own)) return *refusal;
  const auto removed = options_.durable->remove(name);
  if (!removed) return removed.error();
  effects_.emplace_back(UnwantEffect{removed->pattern});
  if (own != subscriptions_.end()) {
    subscriptions_.erase(own);
  } else if (!removed->owner.empty()) {
    effects_.emplace_back(EvictEffect{removed->owner,
                                      "another connection has removed the durable "
                                      "subscription '" +
                                          name + "'"});
  }
  return ReceiptDue::now;
}

std::optional<Error> Session::names_another(const Frame& frame,
                                            Subscriptions::const_iterator own) const {
  if (frame.find("id") == nullptr) return std::nullopt;
  const auto named = find_subscription(frame);
  if (named == subscriptions_.end() || named == own) return std::nullopt;
  return Error{"the subscription '" + named->name() +
               "' is another one than that which is to be removed; leave out the header id"};
}

Session::Handled Session::acknowledge(const Frame& frame) {
  const auto* transaction = frame.find("transaction");
  auto refusal = transaction == nullptr ? acknowledge_now(frame)
                                        : transactions_.add(*transaction, frame, std::nullopt);
  if (refusal) return *refusal;
  return ReceiptDue::now;
}

// A message that waits for no acknowledgement, because it was acknowledged before or its
// subscription has ended meanwhile, is no error: client and door may say so at the same time.
std::optional<Error> Session::acknowledge_now(const Frame& frame) {
  const bool taken = frame.command == "ACK";
  if (version_ == Version::v1_2) {
    const auto* id = frame.find("id");
    if (id == nullptr) return needs(frame, "id");
    const auto number = base::parse_number<std::uint64_t>(*id);
    if (!number || *number == 0 || *number > numbers_) {
      return Error{frame.command + " names '" + *id + "', and no message has that ack header"};
    }
    for (auto& subscription : subscriptions_) acknowledge_in(subscription, *number, taken);
    return std::nullopt;
  }
  const auto* text = frame.find("message-id");
  const auto* subscription_id = frame.find("subscription");
  if (text == nullptr) return needs(frame, "message-id");
  if (subscription_id == nullptr && version_ == Version::v1_1) return needs(frame, "subscription");
  const auto id = message_id_from(*text);
  if (!id) return Error{frame.command + " names '" + *text + "', which is no message-id"};
  for (auto& subscription : subscriptions_) {
    if (subscription_id != nullptr && subscription.id != *subscription_id) continue;
    acknowledge_in(subscription, subscription.queue().number_of(*id), taken);
  }
  return std::nullopt;
}

void Session::acknowledge_in(Subscription& subscription, std::uint64_t number, bool taken) {
  const bool through = subscription.acknowledge == Acknowledge::cumulative;
  const auto tell = [&](const MessageId& id) {
    effects_.emplace_back(AcknowledgedEffect{subscription.name(), id, taken});
  };
  if (auto* durable = subscription.durable.get()) {
    using Reach = DurableSubscription::Reach;
    const auto reach = through ? Reach::all_before : Reach::one;
    for (const auto& id : durable->acknowledge(number, reach)) tell(id);
    return;
  }
  auto& queue = subscription.own_queue;
  const auto all = through ? queue.acknowledge_through(number) : queue.acknowledge(number);
  for (const auto& one : all) {
    tell(one.id);
    if (subscription.outbox.empty()) continue;
    effects_.emplace_back(OutboxEffect(OutboxTaken{subscription.outbox, one.ticket}));
  }
}

Session::Handled Session::begin(const Frame& frame) {
  const auto* name = frame.find("transaction");
  if (name == nullptr || name->empty()) return needs(frame, "transaction");
  if (auto refusal = transactions_.begin(*name)) return *refusal;
  return ReceiptDue::now;
}

Session::Handled Session::commit(const Frame& frame) {
  const auto* name = frame.find("transaction");
  if (name == nullptr) return needs(frame, "transaction");
  const auto stated = dependency_of(frame);
  if (!stated) return stated.error();
  const auto acknowledged = wants_acknowledgement(frame);
  if (!acknowledged) return acknowledged.error();
  auto transaction = transactions_.end(*name);
  if (!transaction) return transaction.error();
  if (auto refusal = agree(transaction->dependency, *stated)) return *refusal;
  const auto receipt = std::make_shared<Receipt>(Receipt{.id = text_of(frame, "receipt")});
  // First all that may be refused: nothing of such a transaction counts.
  for (const auto& step : transaction->steps) {
    const auto* ack = std::get_if<Frame>(&step);
    if (ack == nullptr) continue;
    if (auto refusal = acknowledge_now(*ack)) return *refusal;
  }
  for (auto& step : transaction->steps) {
    auto* publication = std::get_if<Publication>(&step);
    if (publication == nullptr) continue;
    publication->dependency = transaction->dependency.value_or(AfterCommit{});
    publication->acknowledged = *acknowledged;
    publish(std::move(*publication), receipt);
  }
  return receipt->open == 0 ? ReceiptDue::now : ReceiptDue::later;
}

Session::Handled Session::abort(const Frame& frame) {
  const auto* name = frame.find("transaction");
  if (name == nullptr) return needs(frame, "transaction");
  const auto transaction = transactions_.end(*name);
  if (!transaction) return transaction.error();
  return ReceiptDue::now;
}

Session::Handled Session::disconnect(const Frame& frame) {
  drain(text_of(frame, "receipt"));
  return ReceiptDue::later;
}

}  // namespace tidegate::stomp
