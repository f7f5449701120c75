#include "peer/carriers/zeromq/zeromq.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <map>
#include <memory>
#include <utility>

#include <zmq.hpp>

#include "lib/base/limits.hpp"
#include "lib/mesh/stream_part.hpp"
#include "peer/carriers/zeromq/allowances.hpp"
#include "peer/carriers/zeromq/callers.hpp"
#include "peer/carriers/zeromq/curve.hpp"
#include "peer/carriers/zeromq/followers.hpp"
#include "peer/carriers/zeromq/guard.hpp"
#include "peer/carriers/zeromq/key_choice.hpp"
#include "peer/carriers/zeromq/listening.hpp"
#include "peer/carriers/zeromq/outgoing.hpp"
#include "peer/carriers/zeromq/receiving.hpp"
#include "peer/carriers/zeromq/sockets.hpp"
#include "peer/carriers/zeromq/stranger_check.hpp"
#include "peer/io/headroom.hpp"
#include "peer/io/thread.hpp"

namespace tidegate::zeromq {
namespace {

using carriers::Arrival;
using carriers::Internal;
using carriers::LinkBytes;
using carriers::Malformed;
using carriers::RouteBytes;
using carriers::StreamBytes;
namespace stream_part = mesh::stream_part;

// Frames that wait for one slow reader. ZeroMQ counts frames, not bytes; beyond it frames are
// dropped for that reader, which notices by the sequences.
constexpr int publish_queue = 10'000;

// Never withheld, nor counted among answers: their number bounds them well enough, and heartbeats
// are among them.
constexpr std::size_t small_frame = 1024;

// Of a whole peer: libzmq, which has two threads and ends the process where it gets none of these,
// the guard's thread, the loop's and that of a handler, and all sockets but those to other peers.
constexpr io::Headroom needed{.descriptors = 64, .threads = 5, .bytes = std::size_t{16} << 20U};

// A socket of this carrier.
using SocketId = std::uint64_t;
constexpr SocketId publish_socket = 0;
constexpr SocketId door_socket = 1;                                // of the doorkeeper
constexpr SocketId first_direct_socket = 2;                        // + number of its ROUTER
constexpr SocketId first_link_socket = std::uint64_t{1} << 33U;    // + link id
constexpr SocketId first_stream_socket = std::uint64_t{2} << 33U;  // + their number

// Questions about strangers that are answered at once: a flood of them starves nobody.
constexpr int questions_at_once = 16;

std::string_view view(const zmq::message_t& message) {
  return {static_cast<const char*>(message.data()), message.size()};
}

zmq::message_t copy_of(std::string_view bytes) { return {bytes.data(), bytes.size()}; }

// A failed send is a full or vanished queue: the receiver's loss, which its sequences show.
void send_or_drop(zmq::socket_t& socket, zmq::message_t message,
                  zmq::send_flags flags = zmq::send_flags::none) {
  try {
    uninterrupted([&] { (void)socket.send(message, flags | zmq::send_flags::dontwait); });
  } catch (const zmq::error_t& error) {
    if (error.num() != EHOSTUNREACH) throw;
  }
}

class ZeroMq final : public carriers::Carrier {
 public:
  explicit ZeroMq(const CarrierOptions& options)
      : self_(options.self),
        local_(options.local),
        keyring_(options.keyring),
        stream_keys_(draw_secret()),
        doorkeeper_(context_, keyring_),
        publish_(context_, zmq::socket_type::xpub) {
    set_common_options(publish_);
    publish_.set(zmq::sockopt::sndhwm, publish_queue);
    expect_small_messages(publish_, longest_subscription);
    if (keyring_.empty()) {
      ask_doorkeeper(publish_);
    } else {
      make_curve_server(publish_, stream_keys_.secret);
    }
  }

  // Nothing: strangers are refused, or there are no keys.
  [[nodiscard]] std::optional<Error> check() {
    if (keyring_.empty()) return std::nullopt;
    const auto& client = keyring_.first().client;
    auto direct = callers_.make();
    auto error =
        check_strangers(context_, doorkeeper_, direct, keyring_.first().direct.open, client);
    if (!error) error = check_strangers(context_, doorkeeper_, publish_, stream_keys_.open, client);
    return error;
  }

  // Before others may call. An error: there is no thread for it.
  [[nodiscard]] std::optional<Error> guard() {
    auto guard = Guard::start(context_);
    if (!guard) return guard.error();
    guard_ = std::move(guard).value();
    publish_guard_ = guard_->watch(publish_, Guard::Side::listens, of_follower(!keyring_.empty()));
    callers_.guard_with(*guard_);
    return std::nullopt;
  }

  [[nodiscard]] bool bind(const CarrierOptions& options) {
    return listening_.begin(options.addresses, options.first_port, options.last_port);
  }

  std::vector<std::string> listen_on(const std::vector<std::string>& addresses) override {
    return listening_.also_on(addresses);
  }

  [[nodiscard]] carriers::Ports ports() const override { return listening_.ports(); }

  [[nodiscard]] mesh::StreamKey stream_key() const override {
    return keyring_.empty() ? mesh::StreamKey{} : stream_keys_.open;
  }

  void attach(io::Reactor& reactor) override {
    reactor_ = &reactor;
    fixed_watches_.push_back(watch(publish_, publish_socket));
    fixed_watches_.push_back(watch(doorkeeper_.socket(), door_socket));
    callers_.watch_with([this](const zmq::socket_t& socket, Callers::Number number) {
      mark(first_direct_socket + number);
      return watch(socket, first_direct_socket + number);
    });
    mark(door_socket);  // its readiness may have been seen before
  }

  [[nodiscard]] std::vector<mesh::LinkId> use_keys(const keys::Keyring& keyring) override {
    const bool other_first = keyring.first().id != keyring_.first().id;
    const bool fewer = keyring.lacks_some_of(keyring_);
    keyring_ = keyring;
    key_choice_.forget();
    if (other_first || fewer) listening_.direct_anew();
    if (fewer) listening_.publish_anew();
    for (auto& [id, stream] : streams_) {
      try {
        if (other_first) connect(id, stream);
      } catch (const zmq::error_t&) {
        // No room for another socket: it stays as it is, and is followed anew when it falls silent.
      }
    }
    std::vector<mesh::LinkId> ended;
    for (const auto& [id, link] : links_) {
      if (keyring_.find(link.key) == nullptr) ended.push_back(id);
    }
    return ended;
  }

  [[nodiscard]] bool dial(mesh::LinkId link, const base::Endpoint& endpoint,
                          mesh::KeyId said) override {
    try {
      zmq::socket_t socket(context_, zmq::socket_type::dealer);
      set_common_options(socket);
      socket.set(zmq::sockopt::sndhwm, direct_queue);
      auto guarded = guard_->watch(socket, Guard::Side::dials, of_link);
      keys::KeyId key = 0;
      if (!keyring_.empty()) {
        const auto& keys = key_choice_.choose(keyring_, to(endpoint), said);
        make_curve_client(socket, keys.client, keys.direct.open);
        key = keys.id;
      }
      uninterrupted([&] { socket.connect(to(endpoint)); });
      auto ready = watch(socket, first_link_socket + link);
      links_.emplace(link, Link{to(endpoint), said, key, std::move(socket), std::move(guarded),
                                std::move(ready), inlet()});
      mark(first_link_socket + link);
      return true;
    } catch (const zmq::error_t&) {
      return false;
    }
  }

  void undial(mesh::LinkId link) override {
    const auto found = links_.find(link);
    if (found == links_.end()) return;
    if (!found->second.answered) key_choice_.failed(found->second.endpoint, found->second.said);
    links_.erase(found);
    unmark(first_link_socket + link);
  }

  [[nodiscard]] bool follow(const Origin& publisher, const base::Endpoint& endpoint,
                            const mesh::StreamKey& key) override {
    // To a publisher without a key nothing of this mesh is sent.
    if (keyring_.empty() != (key == mesh::StreamKey{})) return true;
    try {
      const auto id = first_stream_socket + next_stream_++;
      Stream stream{publisher, to(endpoint), key, {}, {}, {}, inlet()};
      connect(id, stream);
      streams_.emplace(id, std::move(stream));
      streams_of_.insert_or_assign(publisher, id);
      followers_.know(publisher);
      return true;
    } catch (const zmq::error_t&) {
      return false;
    }
  }

  void unfollow(const Origin& publisher) override {
    const auto found = streams_of_.find(publisher);
    if (found == streams_of_.end()) return;
    streams_.erase(found->second);
    unmark(found->second);
    streams_of_.erase(found);
    followers_.forget(publisher);
  }

  void subscribe_shared(const Origin& publisher, bool wanted) override {
    const auto found = streams_of_.find(publisher);
    if (found == streams_of_.end()) return;
    auto& stream = streams_.at(found->second);
    if (std::exchange(stream.shared, wanted) == wanted) return;
    if (wanted) {
      stream.socket.set(zmq::sockopt::subscribe, stream_part::shared);
    } else {
      stream.socket.set(zmq::sockopt::unsubscribe, stream_part::shared);
    }
    mark(found->second);
  }

  void to_link(mesh::LinkId link, std::string_view bytes) override {
    const auto found = links_.find(link);
    if (found == links_.end()) return;
    send_or_drop(found->second.socket, copy_of(bytes));
    mark(first_link_socket + link);
  }

  void to_route(const mesh::RoutingId& route, std::string_view bytes) override {
    const auto [number, id] = Callers::parse(route);
    auto* router = callers_.find(number);
    if (router == nullptr) return;
    send_or_drop(router->socket, copy_of(id), zmq::send_flags::sndmore);
    send_or_drop(router->socket,
                 bytes.size() > small_frame ? answers_.frame(route, bytes) : copy_of(bytes));
    mark(first_direct_socket + number);
  }

  void broadcast(std::string bytes) override {
    const auto size = bytes.size();
    if (size > small_frame && *outgoing_ + size > base::limits::outgoing_bytes) {
      ++suppressed_;
      return;
    }
    auto frame = counted(std::move(bytes), {outgoing_, nullptr});
    uninterrupted([&] { (void)publish_.send(frame, zmq::send_flags::dontwait); });
    mark(publish_socket);
  }

  [[nodiscard]] std::size_t outgoing_bytes() const override { return *outgoing_; }
  [[nodiscard]] std::uint64_t suppressed() const override { return suppressed_; }
  [[nodiscard]] bool congested(const mesh::RoutingId& route) const override {
    return answers_.congested(route);
  }
  [[nodiscard]] std::uint64_t strangers() const override {
    return doorkeeper_.refused() + guard_->failed_handshakes();
  }
  [[nodiscard]] carriers::Floods floods() const override { return guard_->floods(); }

  [[nodiscard]] bool greets(std::string_view first) const override { return is_greeting(first); }

  [[nodiscard]] std::optional<Arrival> receive() override {
    let_in();
    // The door is no source of arrivals; it stays marked until it has nothing to do.
    for (auto left = marked_.size(); left > 0; --left) {
      const auto socket = marked_.front();
      if (socket == door_socket) {
        std::rotate(marked_.begin(), marked_.begin() + 1, marked_.end());
        continue;
      }
      if (auto arrival = receive_from(socket)) {
        // In turns, so that a flood on one socket starves no other.
        std::rotate(marked_.begin(), marked_.begin() + 1, marked_.end());
        return arrival;
      }
      unmark(socket);
      if (socket == publish_socket) let_in();
    }
    return std::nullopt;
  }

  [[nodiscard]] bool pending() const override { return !marked_.empty(); }

  void close(Duration linger) override {
    const auto milliseconds =
        static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(linger).count());
    publish_.set(zmq::sockopt::linger, milliseconds);
    links_.clear();
    streams_.clear();
    publish_guard_ = {};
    callers_.close();
    guard_->stop();
    fixed_watches_.clear();
    marked_.clear();
    publish_.close();
    doorkeeper_.socket().close();
    context_.close();
  }

 private:
  struct Link {
    std::string endpoint;
    keys::KeyId said;  // of the other end, by the one that wanted it
    keys::KeyId key;   // that it was dialled with
    zmq::socket_t socket;
    Guard::Watch guarded;
    io::Reactor::Watch ready;
    Inlet inlet;
    bool answered = false;
  };
  struct Stream {
    Origin publisher;
    std::string endpoint;
    mesh::StreamKey key;
    zmq::socket_t socket;
    Guard::Watch guarded;
    io::Reactor::Watch ready;
    Inlet inlet;
    bool shared = true;  // it is subscribed to that part
  };

  [[nodiscard]] std::string to(const base::Endpoint& endpoint) const {
    const bool local = local_ == LocalTransport::ipc && endpoint.host == loopback;
    return local ? ipc(endpoint.port) : tcp(endpoint);
  }

  // With a socket of its own, or a new one: a connection keeps the key that it was made with.
  void connect(SocketId id, Stream& stream) {
    zmq::socket_t socket(context_, zmq::socket_type::sub);
    set_common_options(socket);
    auto guarded = guard_->watch(socket, Guard::Side::dials, of_stream);
    if (!keyring_.empty()) make_curve_client(socket, keyring_.first().client, stream.key);
    socket.set(zmq::sockopt::subscribe, stream_part::everyone);
    if (stream.shared) socket.set(zmq::sockopt::subscribe, stream_part::shared);
    socket.set(zmq::sockopt::subscribe, stream_part::alone(self_));
    socket.set(zmq::sockopt::subscribe, stream_part::marker(self_));
    uninterrupted([&] { socket.connect(stream.endpoint); });
    stream.ready.stop();
    stream.guarded = std::move(guarded);  // before the socket that it has guarded so far
    stream.socket = std::move(socket);
    stream.inlet = inlet();
    stream.ready = watch(stream.socket, id);
    mark(id);
  }

  io::Reactor::Watch watch(const zmq::socket_t& socket, SocketId id) {
    return reactor_->watch_input(socket.get(zmq::sockopt::fd),
                                 [this, id](io::Readiness) { mark(id); });
  }

  [[nodiscard]] bool is_marked(SocketId socket) const {
    return std::find(marked_.begin(), marked_.end(), socket) != marked_.end();
  }

  void mark(SocketId socket) {
    if (!is_marked(socket)) marked_.push_back(socket);
  }

  void unmark(SocketId socket) {
    const auto found = std::find(marked_.begin(), marked_.end(), socket);
    if (found != marked_.end()) marked_.erase(found);
  }

  // Some of those that wait at the door, once all that followers have brought is taken. To part
  // with a follower takes time that grows with the number of those that are to go: if more came
  // than go, it would never end.
  void let_in() {
    if (!is_marked(door_socket) || is_marked(publish_socket)) return;
    if (!doorkeeper_.answer(questions_at_once)) unmark(door_socket);
    mark(publish_socket);
  }

  // The answer refers to `parts_`.
  std::optional<Arrival> receive_from(SocketId socket) {
    if (socket >= first_stream_socket) return receive_from_stream(socket);
    if (socket >= first_link_socket) {
      return receive_from_link(static_cast<mesh::LinkId>(socket - first_link_socket));
    }
    if (socket == publish_socket) return receive_from_followers();
    return receive_from_callers(static_cast<Callers::Number>(socket - first_direct_socket));
  }

  std::optional<Arrival> receive_from_followers() {
    zmq::message_t part;
    if (!take_part(publish_, part, publish_guard_.intake())) return std::nullopt;
    if (part.more()) return Malformed{};
    const auto change = subscription_in(view(part));
    if (!change && is_of_a_part(view(part))) return Internal{};
    if (!change) return Malformed{};
    if (change->present) {
      followers_.came(change->peer, zmq_msg_get(part.handle(), ZMQ_SRCFD));
    } else {
      followers_.went(change->peer);
    }
    return *change;
  }

  std::optional<Arrival> receive_from_callers(Callers::Number number) {
    auto* router = callers_.find(number);
    if (router == nullptr) return std::nullopt;
    const auto taken = router->inlet.take(router->socket, parts_, router->guarded.intake());
    if (taken == Taken::nothing) return std::nullopt;
    if (taken == Taken::rest) return Internal{};
    if (parts_.size() != 2) return Malformed{};
    // None comes with what a ZeroMQ older than any peer's has sent. zmq::message_t::gets() would
    // throw then.
    const auto* host = zmq_msg_gets(parts_[1].handle(), "Peer-Address");
    if (host == nullptr) return Malformed{};
    return RouteBytes{Callers::route(number, view(parts_[0])), host_of(host), view(parts_[1])};
  }

  std::optional<Arrival> receive_from_link(mesh::LinkId id) {
    const auto found = links_.find(id);
    if (found == links_.end()) return std::nullopt;
    auto& link = found->second;
    const auto taken = link.inlet.take(link.socket, parts_, link.guarded.intake());
    if (taken == Taken::nothing) return std::nullopt;
    if (!std::exchange(link.answered, true)) key_choice_.answered(link.endpoint);
    if (taken == Taken::rest) return Internal{};
    if (parts_.size() != 1) return Malformed{};
    return LinkBytes{id, view(parts_[0])};
  }

  std::optional<Arrival> receive_from_stream(SocketId id) {
    const auto found = streams_.find(id);
    if (found == streams_.end()) return std::nullopt;
    auto& stream = found->second;
    const auto taken = stream.inlet.take(stream.socket, parts_, stream.guarded.intake());
    if (taken == Taken::nothing) return std::nullopt;
    if (taken == Taken::rest) return Internal{};
    const auto frame = parts_.size() == 1 ? stream_part::frame_in(view(parts_[0])) : std::nullopt;
    if (!frame) return Malformed{};
    return StreamBytes{stream.publisher, *frame};
  }

  [[nodiscard]] Inlet inlet() const { return {!keyring_.empty(), false}; }

  ByteSum outgoing_ = std::make_shared<std::atomic<std::size_t>>(0);
  Answers answers_;
  std::uint64_t suppressed_ = 0;
  PeerId self_;
  LocalTransport local_;
  keys::Keyring keyring_;
  keys::CurveKeys stream_keys_;  // of this process
  zmq::context_t context_ = make_context();
  Doorkeeper doorkeeper_;  // before all sockets
  zmq::socket_t publish_;
  std::unique_ptr<Guard> guard_;  // before all that it watches
  Guard::Watch publish_guard_;
  Followers followers_{guard_};
  io::Reactor* reactor_ = nullptr;
  std::vector<io::Reactor::Watch> fixed_watches_;
  Callers callers_{context_, keyring_};
  Listening listening_{publish_, callers_};
  std::map<mesh::LinkId, Link> links_;
  KeyChoice key_choice_;
  std::map<SocketId, Stream> streams_;
  std::map<Origin, SocketId> streams_of_;
  std::uint64_t next_stream_ = 0;
  std::vector<SocketId> marked_;
  std::vector<zmq::message_t> parts_;  // what was received last
};

}  // namespace

Result<std::unique_ptr<carriers::Carrier>> open(const CarrierOptions& options) {
  if (auto error = raise_descriptor_limit()) return *error;
  if (auto error = io::lacks(needed)) return *error;
  try {
    const io::SignalsBlocked blocked;  // its threads start here
    auto carrier = std::make_unique<ZeroMq>(options);
    if (auto error = carrier->check()) return std::move(*error);
    if (auto error = carrier->guard()) return std::move(*error);
    if (!carrier->bind(options)) {
      return Error{"no two free TCP ports from " + std::to_string(options.first_port) + " to " +
                   std::to_string(options.last_port) + "; choose another range"};
    }
    return std::unique_ptr<carriers::Carrier>(std::move(carrier));
  } catch (const zmq::error_t& error) {
    return Error{std::string("ZeroMQ gives no socket: ") + error.what() +
                 "; look at the limits of open files and of memory"};
  }
}

}  // namespace tidegate::zeromq
