#include "command/doors/stomp/stomp_door.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/socket.h>

#include "command/doors/json_lines/json.hpp"
#include "lib/base/decimal.hpp"
#include "lib/base/limits.hpp"
#include "peer/io/clock.hpp"
#include "tidegate/version.hpp"

namespace tidegate::stomp_door {
namespace {

using command::LogLevel;

// Read of one client at a time before the others have their turn.
constexpr int most_portions = 16;

constexpr Duration pause_between_looks = std::chrono::seconds(1);

// The same when the peer leaves: what has been written to the sockets by then.
constexpr int most_last_portions = 1024;

std::string refusal(Publish answer) {
  switch (answer) {
    case Publish::no_primary:
      return "not published: there is no primary to ask for the position of the commit; start the "
             "peer with --primary, or send depends:none or position";
    case Publish::no_database:
      return "not published: this peer reads no server; start it with --database, or send "
             "depends:none";
    case Publish::bad_headers:
      return "not published: its headers have more than " +
             std::to_string(base::limits::header_bytes) + " bytes of names and values together";
    case Publish::leaving:
      return "not published: the peer leaves";
    default:
      return "not published: " + std::string(to_string(answer));
  }
}

std::string text_of(const DoorCounters& c) {
  return fmt::format(
      "STOMP: {} clients, {} more turned away; {} messages published, {} of them not sent; {} "
      "acknowledged, {} refused; clients cut: {} malformed, {} refused, {} login, {} silent, {} "
      "slow, {} unpublished, {} evicted",
      c.connected, c.turned_away, c.published, c.unpublished, c.acknowledged, c.refused_by_client,
      c.malformed, c.refused, c.login, c.silent, c.slow, c.left_unpublished, c.evicted);
}

std::string line_of(const Notice& notice) {
  return json_lines::to_text(json_lines::to_json(notice));
}

}  // namespace

Result<std::unique_ptr<StompDoor>> StompDoor::open(DoorOptions options, io::Reactor& reactor,
                                                   DrivenPeer& peer, doors::PeerPatterns& patterns,
                                                   doors::OutboxSubscriptions& outboxes,
                                                   DurableStore* durable, spdlog::logger& log) {
  std::vector<Listening> all;
  const Protection protection{.certificate = options.terminator != nullptr,
                              .login = options.login.has_value()};
  for (const auto& address : options.addresses) {
    auto some = listen_at(address, options.sharing, protection);
    if (!some) return some.error();
    for (auto& one : some.value()) all.push_back(std::move(one));
  }
  return std::unique_ptr<StompDoor>(new StompDoor(std::move(options), std::move(all), reactor, peer,
                                                  patterns, outboxes, durable, log));
}

StompDoor::StompDoor(DoorOptions options, std::vector<Listening> listening, io::Reactor& reactor,
                     DrivenPeer& peer, doors::PeerPatterns& patterns,
                     doors::OutboxSubscriptions& outboxes, DurableStore* durable,
                     spdlog::logger& log)
    : options_(std::move(options)),
      reactor_(reactor),
      peer_(peer),
      patterns_(patterns),
      outboxes_(outboxes),
      durable_(durable),
      log_(log),
      listening_(std::move(listening)),
      timer_(reactor.timer()) {
  for (const auto& each : listening_) {
    listen_watches_.push_back(reactor.watch_input(
        each.descriptor(), [this, &each](io::Readiness) { accept_clients(each); }));
    const bool encrypted = each.tcp() && options_.terminator != nullptr;
    tell("", LogLevel::info,
         "STOMP clients may connect to " + each.place() + (encrypted ? " by TLS" : ""));
  }
  if (durable_ != nullptr) begin_durable();
}

StompDoor::~StompDoor() {
  for (const auto& line : digest_.rest(io::clock_now())) command::write(log_, line);
  command::write(log_, {LogLevel::info, text_of(counters_)});
}

DoorCounters StompDoor::counters() const {
  auto counters = counters_;
  counters.clients = clients_.size();
  return counters;
}

void StompDoor::accept_clients(const Listening& listening) {
  for (std::size_t taken = 0; taken < base::limits::stomp_clients; ++taken) {
    auto socket = listening.accept();
    if (!socket) return;
    auto who = client_of(socket);
    if (listening.tcp() && options_.terminator != nullptr) socket = terminate(socket, who);
    if (socket) adopt(std::move(socket), std::move(who));
  }
}

io::Descriptor StompDoor::terminate(const io::Descriptor& socket, const std::string& who) {
  auto plain = options_.terminator->terminate(socket, [this, who](const std::string& why) {
    tell("TLS", LogLevel::warning,
         "STOMP client " + who + " has not made a handshake of TLS: " + why);
  });
  if (!plain) {
    tell("no pair", LogLevel::warning,
         "STOMP client " + who + " was cut: there is no pair of sockets left for it");
  }
  return plain;
}

void StompDoor::adopt(io::Descriptor socket, std::string who) {
  if (clients_.size() == base::limits::stomp_clients) {
    turn_away(socket);
    ++counters_.turned_away;
    return tell("turned away", LogLevel::warning,
                "a STOMP client was turned away: there are " + std::to_string(clients_.size()) +
                    " already");
  }
  const auto number = ++counters_.connected;
  auto& connection = clients_.emplace_back();
  connection.number = number;
  connection.client = std::make_unique<Client>(
      std::move(socket), std::move(who),
      stomp::SessionOptions{.name = std::to_string(number),
                            .server = "tidegate/" + std::string(version()),
                            .login = options_.login,
                            .payload_bytes = options_.payload_bytes,
                            .durable = durable_ == nullptr ? nullptr : &durable_->subscriptions(),
                            .outbox = outboxes_.possible()},
      reactor_,
      [this, &connection] {
        const auto now = io::clock_now();
        for (int i = 0; i < most_portions && connection.client->read(now); ++i) {
          carry_out(connection);
        }
        serve(connection);
      },
      [this] { write_durable(); }, io::clock_now());
  connection.outbox = std::make_shared<OutboxClient>(connection.client->session);
  tell("", LogLevel::debug,
       "STOMP client " + std::to_string(number) + " is " + connection.client->who());
  serve(connection);
}

// An ERROR as far as it fits, which it does.
void StompDoor::turn_away(const io::Descriptor& socket) const {
  stomp::Session session({.name = "", .server = ""}, io::clock_now());
  session.cut(stomp::Ended::refused, "there are " + std::to_string(base::limits::stomp_clients) +
                                         " clients already; try again later");
  const auto output = session.output();
  (void)send(socket.get(), output.data(), output.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void StompDoor::handle(const Incoming& incoming) {
  if (const auto* delivery = std::get_if<Delivery>(&incoming)) {
    const bool nobody = durable_ == nullptr || durable_->subscriptions().empty();
    if (clients_.empty() && nobody) return;
    const auto shared = std::make_shared<const Delivery>(*delivery);
    if (durable_ != nullptr) durable_->subscriptions().deliver(shared);
    if (!patterns_.for_all(*delivery)) return;
    for (auto& connection : clients_) connection.client->session.deliver(shared);
    return;
  }
  answer(std::get<Notice>(incoming));
}

void StompDoor::answer(const Notice& notice) {
  if (const auto* sent = std::get_if<Sent>(&notice)) return answer(*sent);
  if (const auto* received = std::get_if<Received>(&notice)) return answer(*received);
  if (const auto* unpublished = std::get_if<Unpublished>(&notice)) return answer(*unpublished);
  if (const auto* coverage = std::get_if<Coverage>(&notice)) return answer(*coverage);
  if (durable_ != nullptr) {
    auto& durable = durable_->subscriptions();
    if (const auto* lost = std::get_if<Undelivered>(&notice)) durable.undelivered(*lost);
    if (const auto* lost = std::get_if<NotResumed>(&notice)) durable.not_resumed(*lost);
  }
  if (!std::holds_alternative<Undelivered>(notice) && !std::holds_alternative<Undone>(notice)) {
    return;
  }
  const auto* kind = std::holds_alternative<Undone>(notice) ? "undone" : "undelivered";
  const auto line = line_of(notice);
  for (auto& connection : clients_) connection.client->session.notify(kind, line);
}

void StompDoor::answer(const Sent& sent) {
  const auto found = askers_.find(sent.ticket);
  if (found == askers_.end()) return;
  const auto asker = found->second;
  if (!asker.acknowledged) askers_.erase(found);
  auto* client = client_of_connection(asker.connection);
  if (client != nullptr) client->session.sent(asker.tag, sent.sequence, sent.position);
}

void StompDoor::answer(const Received& received) {
  const auto asker = take_asker(received.ticket);
  auto* client = asker ? client_of_connection(asker->connection) : nullptr;
  if (client == nullptr) return;
  std::string without;
  for (const auto& peer : received.without) without += (without.empty() ? "" : ", ") + peer.name;
  client->session.received(asker->tag, without);
}

void StompDoor::answer(const Unpublished& unpublished) {
  const auto asker = take_asker(unpublished.ticket);
  if (!asker) return;
  ++counters_.unpublished;
  auto* client = client_of_connection(asker->connection);
  if (client == nullptr) return;
  client->session.unpublished(asker->tag, to_string(unpublished.why), line_of(unpublished));
}

void StompDoor::answer(const Coverage& coverage) {
  const auto question = questions_.extract(coverage.ticket);
  if (question.empty()) return;  // of another door
  auto* client = client_of_connection(question.mapped().connection);
  if (client == nullptr) return;
  std::string behind;
  for (const auto& member : coverage.members) {
    if (member.answered && (!member.reads || member.covered == Covered::visible)) continue;
    behind += (behind.empty() ? "" : ", ") + member.name;
  }
  client->session.covered(question.mapped().tag, coverage.covered, behind);
}

std::optional<StompDoor::Asker> StompDoor::take_asker(Ticket ticket) {
  auto asker = askers_.extract(ticket);
  return asker.empty() ? std::nullopt : std::optional(asker.mapped());
}

Client* StompDoor::client_of_connection(std::uint64_t number) {
  const auto found = std::find_if(clients_.begin(), clients_.end(),
                                  [&](const auto& one) { return one.number == number; });
  return found == clients_.end() ? nullptr : found->client.get();
}

void StompDoor::peer_has_turned() {
  const auto now = io::clock_now();
  if (durable_ != nullptr) follow_durable(now);
  cut_the_slowest();
  auto next = digest_.deadline();
  for (auto& connection : clients_) {
    auto& client = *connection.client;
    client.session.step(now);
    if (leaving_) {
      carry_out(connection);  // what the peer had no room for is refused now
      client.session.cut(stomp::Ended::peer_leaves, "the peer leaves");
    }
    serve(connection);
  }
  sweep();
  for (auto& connection : clients_) next = std::min(next, connection.client->deadline());
  for (const auto& line : digest_.due(now)) command::write(log_, line);
  timer_.set(next);
}

bool StompDoor::pending() const {
  return leaving_ && std::any_of(clients_.begin(), clients_.end(), [](const auto& connection) {
           return !connection.client->session.over();
         });
}

void StompDoor::serve(Connection& connection) {
  carry_out(connection);
  connection.client->write(io::clock_now());
  carry_out(connection);
  tell_end(connection);
}

void StompDoor::carry_out(Connection& connection) {
  publish_waiting(connection);
  for (auto& effect : connection.client->session.take_effects()) {
    if (auto* publish = std::get_if<stomp::PublishEffect>(&effect)) {
      connection.client->waiting.push_back(std::move(*publish));
      publish_waiting(connection);
    } else if (const auto* asked = std::get_if<stomp::AskEffect>(&effect)) {
      ask(connection, *asked);
    } else if (const auto* want = std::get_if<stomp::WantEffect>(&effect)) {
      patterns_.add(want->pattern);
    } else if (const auto* unwant = std::get_if<stomp::UnwantEffect>(&effect)) {
      patterns_.remove(unwant->pattern);
    } else if (const auto* other = std::get_if<stomp::EvictEffect>(&effect)) {
      evict(*other);
    } else if (const auto* outbox = std::get_if<stomp::OutboxEffect>(&effect)) {
      stomp_door::carry_out(*outbox, connection.outbox, outboxes_);
    } else {
      const bool taken = std::get<stomp::AcknowledgedEffect>(effect).taken;
      ++(taken ? counters_.acknowledged : counters_.refused_by_client);
    }
  }
  write_durable();
}

void StompDoor::ask(Connection& connection, const stomp::AskEffect& asked) {
  const auto& [position, timeout, where] = asked.question;
  const auto [answer, ticket] = peer_.when_covered(position, timeout, where);
  if (answer == Ask::accepted) {
    questions_.emplace(ticket, Asker{connection.number, asked.tag});
  } else {
    connection.client->session.refused(asked.tag, "not asked: " + std::string(to_string(answer)));
  }
}

void StompDoor::evict(const stomp::EvictEffect& evict) {
  const auto number = base::parse_number<std::uint64_t>(evict.connection).value_or(0);
  auto* client = client_of_connection(number);
  if (client != nullptr) client->session.cut(stomp::Ended::evicted, evict.why);
}

// --- durable subscriptions ----------------------------------------------------------------------

void StompDoor::begin_durable() {
  auto& subscriptions = durable_->subscriptions();
  for (const auto& pattern : subscriptions.patterns()) patterns_.add(pattern);
  const auto self = peer_.status();
  for (const auto& cursor : peer_.cursors()) {
    if (cursor.publisher.peer != self.origin.peer) continue;
    subscriptions.own_stream_begins(cursor, self.name);
  }
}

// Now and then, and at the end, they learn how far the streams are in which nothing was for them.
void StompDoor::follow_durable(Instant now) {
  auto& subscriptions = durable_->subscriptions();
  for (const auto& text : subscriptions.take_full()) tell("durable", LogLevel::warning, text);
  if (!subscriptions.empty() && (now >= look_at_ || leaving_)) {
    const auto cursors = peer_.cursors();
    if (!cursors.empty()) {
      look_at_ = now + pause_between_looks;
      subscriptions.passed(cursors);
    }
    if (leaving_) {
      const auto self = peer_.status();
      subscriptions.own_stream_left(self.origin.peer, self.last_sequence);
    }
  }
  write_durable();
}

void StompDoor::write_durable() {
  if (durable_ == nullptr) return;
  const auto word = durable_->write(io::clock_now());
  if (!word) return;
  tell("durable file", word->trouble ? LogLevel::error : LogLevel::info, word->text);
}

void StompDoor::publish_waiting(Connection& connection) {
  auto& waiting = connection.client->waiting;
  while (!waiting.empty()) {
    auto& [tag, publication] = waiting.front();
    const auto [answer, ticket] = peer_.publish(publication);
    if (answer == Publish::queue_full) return;
    if (answer == Publish::accepted) {
      ++counters_.published;
      askers_.emplace(ticket, Asker{connection.number, tag, publication.acknowledged});
    } else {
      connection.client->session.refused(tag, refusal(answer));
    }
    waiting.pop_front();
  }
}

void StompDoor::cut_the_slowest() {
  std::size_t all = 0;
  Client* slowest = nullptr;
  for (auto& connection : clients_) {
    const auto waiting = connection.client->session.waiting();
    all += waiting;
    if (slowest == nullptr || waiting > slowest->session.waiting()) {
      slowest = connection.client.get();
    }
  }
  if (all <= base::limits::stomp_clients_bytes) return;
  slowest->session.cut(stomp::Ended::slow, "too slow: all clients together kept " +
                                               std::to_string(all) +
                                               " bytes waiting, and this one the most");
}

void StompDoor::sweep() {
  const auto now = io::clock_now();
  std::erase_if(clients_, [&](const auto& connection) { return connection.client->gone(now); });
}

void StompDoor::tell_end(Connection& connection) {
  const auto& session = connection.client->session;
  if (connection.told || !session.ended()) return;
  connection.told = true;
  const auto why = *session.ended();
  const auto count = [&]() -> std::uint64_t* {
    switch (why) {
      case stomp::Ended::malformed:
        return &counters_.malformed;
      case stomp::Ended::refused:
        return &counters_.refused;
      case stomp::Ended::login:
        return &counters_.login;
      case stomp::Ended::silent:
        return &counters_.silent;
      case stomp::Ended::slow:
        return &counters_.slow;
      case stomp::Ended::unpublished:
        return &counters_.left_unpublished;
      case stomp::Ended::evicted:
        return &counters_.evicted;
      case stomp::Ended::politely:
      case stomp::Ended::peer_leaves:
        break;
    }
    return nullptr;
  }();
  const auto text = "STOMP client " + std::to_string(connection.number) + " (" +
                    connection.client->who() + "): " + command::harmless(session.reason());
  if (count == nullptr) return tell("", LogLevel::debug, text);
  ++*count;
  tell(std::string(to_string(why)), LogLevel::warning, text);
}

void StompDoor::tell(const std::string& kind, LogLevel level, const std::string& text) {
  for (const auto& line : digest_.add(kind, {level, text}, io::clock_now())) {
    command::write(log_, line);
  }
}

// All that the clients have written by now is published yet and answered; then they are told.
void StompDoor::peer_leaves() {
  listen_watches_.clear();
  listening_.clear();
  const auto now = io::clock_now();
  for (auto& connection : clients_) {
    for (int i = 0; i < most_last_portions && connection.client->read(now); ++i) {
      carry_out(connection);
    }
    serve(connection);
  }
  leaving_ = true;
}

}  // namespace tidegate::stomp_door
