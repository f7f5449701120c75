#include "peer/carriers/zeromq/zeromq.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <map>
#include <memory>
#include <utility>

#include <zmq.hpp>

#include "lib/base/limits.hpp"
#include "peer/carriers/zeromq/curve.hpp"
#include "peer/carriers/zeromq/key_choice.hpp"
#include "peer/carriers/zeromq/listening.hpp"
#include "peer/carriers/zeromq/sockets.hpp"
#include "peer/carriers/zeromq/stranger_check.hpp"
#include "peer/io/headroom.hpp"
#include "peer/io/thread.hpp"

namespace tidegate::zeromq {
namespace {

using carriers::Arrival;
using carriers::LinkBytes;
using carriers::Malformed;
using carriers::RouteBytes;
using carriers::StreamBytes;
using carriers::SubscriptionChange;

using Parts = std::vector<zmq::message_t>;

// Frames that wait for one slow reader. ZeroMQ counts frames, not bytes; beyond it frames are
// dropped for that reader, which notices by the sequences.
constexpr int publish_queue = 10'000;
constexpr int direct_queue = 1'000;

// Never withheld: their number bounds them well enough, and heartbeats are among them.
constexpr std::size_t small_frame = 1024;

// Of a whole peer: libzmq, which has two threads and ends the process where it gets none of these,
// the loop's thread and that of a handler, and all sockets but those to other peers.
constexpr io::Headroom needed{.descriptors = 64, .threads = 4, .bytes = std::size_t{16} << 20U};

// A socket of this carrier.
using SocketId = std::uint64_t;
constexpr SocketId publish_socket = 0;
constexpr SocketId direct_socket = 1;
constexpr SocketId door_socket = 2;                                // of the doorkeeper
constexpr SocketId first_link_socket = std::uint64_t{1} << 32U;    // + link id
constexpr SocketId first_stream_socket = std::uint64_t{2} << 32U;  // + their number

// Questions about strangers that are answered at once: a flood of them starves nobody.
constexpr int questions_at_once = 16;

std::string_view view(const PeerId& peer) {
  return {reinterpret_cast<const char*>(peer.bytes.data()), peer.bytes.size()};
}

std::string_view view(const zmq::message_t& message) {
  return {static_cast<const char*>(message.data()), message.size()};
}

// A frame that all queues share: ZeroMQ lets go of it once the last one has sent it. Its I/O
// threads do that, so the sum is atomic.
struct Outgoing {
  std::string bytes;
  std::shared_ptr<std::atomic<std::size_t>> sum;

  static void release(void*, void* self) {
    const std::unique_ptr<Outgoing> outgoing(static_cast<Outgoing*>(self));
    outgoing->sum->fetch_sub(outgoing->bytes.size());
  }
};

// Reads one whole message. Empty: nothing there. Every part is taken, so that the next read begins
// with the next message; none is waited for, since libzmq may swallow the last one of a stranger's.
void receive_parts(zmq::socket_t& socket, Parts& parts) {
  parts.clear();
  bool more = true;
  while (more) {
    zmq::message_t part;
    if (!uninterrupted([&] { return socket.recv(part, zmq::recv_flags::dontwait); })) break;
    more = part.more();
    // A rogue may send any number of parts; more than three are never looked at.
    if (parts.size() < 3) parts.push_back(std::move(part));
  }
}

// A failed send is a full or vanished queue: the receiver's loss, which its sequences show.
void send_or_drop(zmq::socket_t& socket, std::string_view bytes,
                  zmq::send_flags flags = zmq::send_flags::none) {
  try {
    uninterrupted(
        [&] { (void)socket.send(zmq::buffer(bytes), flags | zmq::send_flags::dontwait); });
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
        doorkeeper_(keyring_.empty() ? nullptr : std::make_unique<Doorkeeper>(context_, keyring_)),
        publish_(context_, zmq::socket_type::xpub),
        direct_(context_, zmq::socket_type::router) {
    for (auto* socket : {&publish_, &direct_}) set_common_options(*socket);
    publish_.set(zmq::sockopt::sndhwm, publish_queue);
    direct_.set(zmq::sockopt::sndhwm, direct_queue);
    direct_.set(zmq::sockopt::rcvhwm, direct_queue);
    if (keyring_.empty()) return;
    make_curve_server(publish_, stream_keys_.secret);
    make_curve_server(direct_, keyring_.first().direct.secret);
  }

  // Nothing: strangers are refused, or there are no keys.
  [[nodiscard]] std::optional<Error> check() {
    if (keyring_.empty()) return std::nullopt;
    const auto& client = keyring_.first().client;
    auto error =
        check_strangers(context_, *doorkeeper_, direct_, keyring_.first().direct.open, client);
    if (!error)
      error = check_strangers(context_, *doorkeeper_, publish_, stream_keys_.open, client);
    return error;
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
    for (const auto socket : {publish_socket, direct_socket}) {
      fixed_watches_.push_back(watch(fixed(socket), socket));
    }
    if (doorkeeper_) {
      fixed_watches_.push_back(watch(doorkeeper_->socket(), door_socket));
      mark(door_socket);  // its readiness may have been seen before
    }
  }

  [[nodiscard]] std::vector<mesh::LinkId> use_keys(const keys::Keyring& keyring) override {
    const bool other_first = keyring.first().id != keyring_.first().id;
    const bool fewer = keyring.lacks_some_of(keyring_);
    keyring_ = keyring;
    key_choice_.forget();
    if (other_first || fewer) {
      make_curve_server(direct_, keyring_.first().direct.secret);
      listening_.direct_anew();
    }
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
      socket.set(zmq::sockopt::rcvhwm, direct_queue);
      keys::KeyId key = 0;
      if (!keyring_.empty()) {
        const auto& keys = key_choice_.choose(keyring_, to(endpoint), said);
        make_curve_client(socket, keys.client, keys.direct.open);
        key = keys.id;
      }
      uninterrupted([&] { socket.connect(to(endpoint)); });
      auto ready = watch(socket, first_link_socket + link);
      links_.insert_or_assign(link,
                              Link{to(endpoint), said, key, std::move(socket), std::move(ready)});
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
      Stream stream{publisher, to(endpoint), key, {}, {}};
      connect(id, stream);
      streams_.emplace(id, std::move(stream));
      streams_of_.insert_or_assign(publisher, id);
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
  }

  void to_link(mesh::LinkId link, std::string_view bytes) override {
    const auto found = links_.find(link);
    if (found == links_.end()) return;
    send_or_drop(found->second.socket, bytes);
    mark(first_link_socket + link);
  }

  void to_route(const mesh::RoutingId& route, std::string_view bytes) override {
    send_or_drop(direct_, route, zmq::send_flags::sndmore);
    send_or_drop(direct_, bytes);
    mark(direct_socket);
  }

  void broadcast(std::string bytes) override {
    const auto size = bytes.size();
    if (size > small_frame && *outgoing_ + size > base::limits::outgoing_bytes) {
      ++suppressed_;
      return;
    }
    outgoing_->fetch_add(size);
    auto* outgoing = new Outgoing{std::move(bytes), outgoing_};
    zmq::message_t frame(outgoing->bytes.data(), size, &Outgoing::release, outgoing);
    uninterrupted([&] { (void)publish_.send(frame, zmq::send_flags::dontwait); });
    mark(publish_socket);
  }

  [[nodiscard]] std::size_t outgoing_bytes() const override { return *outgoing_; }
  [[nodiscard]] std::uint64_t suppressed() const override { return suppressed_; }
  [[nodiscard]] std::uint64_t strangers() const override {
    return doorkeeper_ ? doorkeeper_->refused() : 0;
  }

  [[nodiscard]] std::optional<Arrival> receive() override {
    if (doorkeeper_ && is_marked(door_socket) && !doorkeeper_->answer(questions_at_once)) {
      unmark(door_socket);
    }
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
    fixed_watches_.clear();
    marked_.clear();
    publish_.close();
    direct_.close();
    if (doorkeeper_) doorkeeper_->socket().close();
    context_.close();
  }

 private:
  struct Link {
    std::string endpoint;
    keys::KeyId said;  // of the other end, by the one that wanted it
    keys::KeyId key;   // that it was dialled with
    zmq::socket_t socket;
    io::Reactor::Watch ready;
    bool answered = false;
  };
  struct Stream {
    Origin publisher;
    std::string endpoint;
    mesh::StreamKey key;
    zmq::socket_t socket;
    io::Reactor::Watch ready;
  };

  static zmq::context_t make_context() {
    zmq::context_t context;
    // Two for each peer, and our own.
    context.set(zmq::ctxopt::max_sockets, static_cast<int>(3 * base::limits::peers));
    return context;
  }

  [[nodiscard]] std::string to(const base::Endpoint& endpoint) const {
    const bool local = local_ == LocalTransport::ipc && endpoint.host == loopback;
    return local ? ipc(endpoint.port) : tcp(endpoint);
  }

  // With a socket of its own, or a new one: a connection keeps the key that it was made with.
  void connect(SocketId id, Stream& stream) {
    zmq::socket_t socket(context_, zmq::socket_type::sub);
    set_common_options(socket);
    // Never let ZeroMQ drop what has come so far: the loop takes everything and drops by its own
    // bounds, which it reports.
    socket.set(zmq::sockopt::rcvhwm, 0);
    if (!keyring_.empty()) make_curve_client(socket, keyring_.first().client, stream.key);
    socket.set(zmq::sockopt::subscribe, "");
    socket.set(zmq::sockopt::subscribe, "@" + std::string(view(self_)));
    uninterrupted([&] { socket.connect(stream.endpoint); });
    stream.ready.stop();
    stream.socket = std::move(socket);
    stream.ready = watch(stream.socket, id);
    mark(id);
  }

  zmq::socket_t& fixed(SocketId socket) { return socket == publish_socket ? publish_ : direct_; }

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

  // The answer refers to `parts_`.
  std::optional<Arrival> receive_from(SocketId socket) {
    if (socket >= first_stream_socket) return receive_from_stream(socket);
    if (socket >= first_link_socket) {
      return receive_from_link(static_cast<mesh::LinkId>(socket - first_link_socket));
    }
    do {
      receive_parts(fixed(socket), parts_);
      // A subscription to everything: every reader has one.
    } while (socket == publish_socket && parts_.size() == 1 && parts_[0].size() == 1);
    if (parts_.empty()) return std::nullopt;
    if (socket == direct_socket) {
      if (parts_.size() != 2) return Malformed{};
      // None comes with what a ZeroMQ older than any peer's has sent. zmq::message_t::gets() would
      // throw then.
      const auto* host = zmq_msg_gets(parts_[1].handle(), "Peer-Address");
      if (host == nullptr) return Malformed{};
      return RouteBytes{mesh::RoutingId(view(parts_[0])), host_of(host), view(parts_[1])};
    }
    if (parts_.size() != 1) return Malformed{};
    return reader_change(view(parts_[0]));
  }

  std::optional<Arrival> receive_from_link(mesh::LinkId id) {
    const auto found = links_.find(id);
    if (found == links_.end()) return std::nullopt;
    auto& link = found->second;
    receive_parts(link.socket, parts_);
    if (parts_.empty()) return std::nullopt;
    if (!std::exchange(link.answered, true)) key_choice_.answered(link.endpoint);
    if (parts_.size() != 1) return Malformed{};
    return LinkBytes{id, view(parts_[0])};
  }

  std::optional<Arrival> receive_from_stream(SocketId id) {
    const auto found = streams_.find(id);
    if (found == streams_.end()) return std::nullopt;
    receive_parts(found->second.socket, parts_);
    if (parts_.empty()) return std::nullopt;
    if (parts_.size() != 1) return Malformed{};
    return StreamBytes{found->second.publisher, view(parts_[0])};
  }

  // A subscription: 1 (comes) or 0 (goes), then the topic.
  static Arrival reader_change(std::string_view bytes) {
    SubscriptionChange change;
    constexpr std::size_t id_at = 2;
    if (bytes.size() != id_at + change.peer.bytes.size() || bytes[1] != '@' ||
        (bytes[0] != 0 && bytes[0] != 1)) {
      return Malformed{};
    }
    std::copy(bytes.begin() + id_at, bytes.end(), change.peer.bytes.begin());
    change.present = bytes[0] == 1;
    return change;
  }

  std::shared_ptr<std::atomic<std::size_t>> outgoing_ =
      std::make_shared<std::atomic<std::size_t>>(0);
  std::uint64_t suppressed_ = 0;
  PeerId self_;
  LocalTransport local_;
  keys::Keyring keyring_;
  keys::CurveKeys stream_keys_;  // of this process
  zmq::context_t context_ = make_context();
  std::unique_ptr<Doorkeeper> doorkeeper_;  // without keys there is none; before all sockets
  zmq::socket_t publish_;
  zmq::socket_t direct_;
  Listening listening_{publish_, direct_};
  io::Reactor* reactor_ = nullptr;
  std::vector<io::Reactor::Watch> fixed_watches_;
  std::map<mesh::LinkId, Link> links_;
  KeyChoice key_choice_;
  std::map<SocketId, Stream> streams_;
  std::map<Origin, SocketId> streams_of_;
  std::uint64_t next_stream_ = 0;
  std::vector<SocketId> marked_;
  Parts parts_;  // what was received last
};

}  // namespace

Result<std::unique_ptr<carriers::Carrier>> open(const CarrierOptions& options) {
  if (auto error = raise_descriptor_limit()) return *error;
  if (auto error = io::lacks(needed)) return *error;
  try {
    const io::SignalsBlocked blocked;  // its threads start here
    auto carrier = std::make_unique<ZeroMq>(options);
    if (auto error = carrier->check()) return std::move(*error);
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
