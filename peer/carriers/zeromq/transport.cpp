#include "peer/carriers/zeromq/transport.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>

#include <sys/resource.h>
#include <zmq.hpp>

#include "lib/base/limits.hpp"

namespace tidegate::zeromq {
namespace {

using Parts = std::vector<zmq::message_t>;

// Frames that wait for one slow reader. ZeroMQ counts frames, not bytes; beyond it frames are
// dropped for that reader, which notices by the sequences.
constexpr int publish_queue = 10'000;
constexpr int direct_queue = 1'000;

// Never withheld: their number bounds them well enough, and heartbeats are among them.
constexpr std::size_t small_frame = 1024;

constexpr std::uint32_t publish_socket = 0;
constexpr std::uint32_t stream_socket = 1;
constexpr std::uint32_t direct_socket = 2;
constexpr std::uint32_t first_link_socket = 3;  // + link id

// A peer alone needs about thirty; below this not even a small mesh would fit.
constexpr rlim_t fewest_descriptors = 256;

std::string_view view(const PeerId& peer) {
  return {reinterpret_cast<const char*>(peer.bytes.data()), peer.bytes.size()};
}

std::string_view view(const zmq::message_t& message) {
  return {static_cast<const char*>(message.data()), message.size()};
}

std::string tcp(const base::Endpoint& endpoint) {
  const bool ipv6 = endpoint.host.find(':') != std::string::npos;
  const auto host = ipv6 ? "[" + endpoint.host + "]" : endpoint.host;
  return "tcp://" + host + ":" + std::to_string(endpoint.port);
}

constexpr auto* loopback = "127.0.0.1";

std::string ipc(std::uint16_t port) {
  return "ipc://@tidegate-" + std::string(loopback) + ":" + std::to_string(port);
}

// The address of the other end, from what libzmq says of a connection: of a Unix socket
// "localhost:" and who is there, of IPv4 the form that an IPv6 socket has for it.
std::string host_of(std::string_view peer_address) {
  constexpr std::string_view local = "localhost:";
  constexpr std::string_view ipv4 = "::ffff:";
  if (peer_address.starts_with(local)) return loopback;
  if (peer_address.starts_with(ipv4)) peer_address.remove_prefix(ipv4.size());
  return std::string(peer_address);
}

void set_common_options(zmq::socket_t& socket) {
  socket.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(base::limits::frame_bytes));
  socket.set(zmq::sockopt::handshake_ivl, 5'000);      // ms; a silent dialler is cut off
  socket.set(zmq::sockopt::reconnect_ivl, 50);         // ms, doubling up to the next
  socket.set(zmq::sockopt::reconnect_ivl_max, 2'000);  // ms
  socket.set(zmq::sockopt::connect_timeout, 3'000);    // ms
  socket.set(zmq::sockopt::tcp_maxrt, 10'000);         // ms; unacknowledged bytes mean a dead link
  // A connection on which we only read looks in order for ever when the other end was given up and
  // no word of that came through. While the link works there is a heartbeat, and no probe is sent.
  socket.set(zmq::sockopt::tcp_keepalive, 1);
  socket.set(zmq::sockopt::tcp_keepalive_idle, 5);   // s
  socket.set(zmq::sockopt::tcp_keepalive_intvl, 1);  // s
  socket.set(zmq::sockopt::tcp_keepalive_cnt, 5);
  socket.set(zmq::sockopt::backlog, 1'024);
  socket.set(zmq::sockopt::ipv6, true);
  socket.set(zmq::sockopt::linger, 0);
}

// A frame that all queues share: ZeroMQ lets go of it once the last one has sent it. Its I/O
// threads do that, so the sum is atomic.
struct Outgoing {
  std::string bytes;
  std::shared_ptr<std::atomic<std::size_t>> sum;

  static void refused_full(void*, void* self) {
    const std::unique_ptr<Outgoing> outgoing(static_cast<Outgoing*>(self));
    outgoing->sum->fetch_sub(outgoing->bytes.size());
  }
};

// Reads one whole message. Empty: nothing there. Every part is taken, so that the next read begins
// with the next message.
void receive_parts(zmq::socket_t& socket, Parts& parts) {
  parts.clear();
  bool more = true;
  while (more) {
    zmq::message_t part;
    const auto flags = parts.empty() ? zmq::recv_flags::dontwait : zmq::recv_flags::none;
    if (!socket.recv(part, flags)) break;
    more = part.more();
    // A rogue may send any number of parts; more than three are never looked at.
    if (parts.size() < 3) parts.push_back(std::move(part));
  }
}

// A failed send is a full or vanished queue: the receiver's loss, which its sequences show.
void send_or_drop(zmq::socket_t& socket, std::string_view bytes,
                  zmq::send_flags flags = zmq::send_flags::none) {
  try {
    (void)socket.send(zmq::buffer(bytes), flags | zmq::send_flags::dontwait);
  } catch (const zmq::error_t& error) {
    if (error.num() != EHOSTUNREACH) throw;
  }
}

Result<rlim_t> raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return fewest_descriptors;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
  (void)getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < fewest_descriptors) {
    return Error{"only " + std::to_string(limit.rlim_cur) +
                 " open files are allowed; raise the hard limit (ulimit -Hn, LimitNOFILE=) to at "
                 "least " +
                 std::to_string(fewest_descriptors) + " and about 5 for each peer"};
  }
  return limit.rlim_cur;
}

// Binds on all addresses, or on none.
bool bind_everywhere(zmq::socket_t& socket, const std::vector<std::string>& addresses,
                     std::uint16_t port) {
  std::vector<std::string> endpoints;
  for (const auto& address : addresses) {
    endpoints.push_back(tcp({address, port}));
    if (address == loopback) endpoints.push_back(ipc(port));
  }
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    try {
      socket.bind(endpoints[i]);
    } catch (const zmq::error_t&) {
      for (std::size_t k = 0; k < i; ++k) socket.unbind(endpoints[k]);
      return false;
    }
  }
  return true;
}

}  // namespace

class Transport::Sockets {
 public:
  Sockets(PeerId self, LocalTransport local)
      : local_(local),
        publish_(context_, zmq::socket_type::xpub),
        stream_(context_, zmq::socket_type::sub),
        direct_(context_, zmq::socket_type::router) {
    for (auto* socket : {&publish_, &stream_, &direct_}) set_common_options(*socket);
    publish_.set(zmq::sockopt::sndhwm, publish_queue);
    // Never let ZeroMQ drop what has come so far: the loop takes everything and drops by its own
    // bounds, which it reports.
    stream_.set(zmq::sockopt::rcvhwm, 0);
    direct_.set(zmq::sockopt::sndhwm, direct_queue);
    direct_.set(zmq::sockopt::rcvhwm, direct_queue);
    stream_.set(zmq::sockopt::subscribe, "");
    stream_.set(zmq::sockopt::subscribe, "@" + std::string(view(self)));
  }

  // The first free port from `from` on; 0: none.
  static std::uint16_t bind(zmq::socket_t& socket, const TransportOptions& options,
                            std::uint16_t from) {
    for (std::uint32_t port = from; port <= options.last_port; ++port) {
      if (bind_everywhere(socket, options.addresses, static_cast<std::uint16_t>(port))) {
        return static_cast<std::uint16_t>(port);
      }
    }
    return 0;
  }

  bool bind(const TransportOptions& options) {
    publish_port = bind(publish_, options, options.first_port);
    if (publish_port == 0 || publish_port == options.last_port) return false;
    direct_port = bind(direct_, options, static_cast<std::uint16_t>(publish_port + 1));
    return direct_port != 0;
  }

  bool dial(mesh::LinkId link, const base::Endpoint& endpoint) {
    try {
      zmq::socket_t socket(context_, zmq::socket_type::dealer);
      set_common_options(socket);
      socket.set(zmq::sockopt::sndhwm, direct_queue);
      socket.set(zmq::sockopt::rcvhwm, direct_queue);
      socket.connect(to(endpoint));
      links_.insert_or_assign(link, std::move(socket));
      mark(first_link_socket + link);
      return true;
    } catch (const zmq::error_t&) {
      return false;
    }
  }

  void undial(mesh::LinkId link) {
    links_.erase(link);
    unmark(first_link_socket + link);
  }

  bool follow(const base::Endpoint& endpoint) {
    try {
      stream_.connect(to(endpoint));
      mark(stream_socket);
      return true;
    } catch (const zmq::error_t&) {
      return false;
    }
  }

  void unfollow(const base::Endpoint& endpoint) {
    try {
      stream_.disconnect(to(endpoint));
    } catch (const zmq::error_t&) {
      // Never connected: follow() failed before.
    }
    mark(stream_socket);
  }

  void to_link(mesh::LinkId link, std::string_view bytes) {
    const auto found = links_.find(link);
    if (found == links_.end()) return;
    send_or_drop(found->second, bytes);
    mark(first_link_socket + link);
  }

  void to_route(const mesh::RoutingId& route, std::string_view bytes) {
    send_or_drop(direct_, route, zmq::send_flags::sndmore);
    send_or_drop(direct_, bytes);
    mark(direct_socket);
  }

  void broadcast(std::string bytes) {
    const auto size = bytes.size();
    if (size > small_frame && *outgoing_ + size > base::limits::outgoing_bytes) {
      ++suppressed;
      return;
    }
    outgoing_->fetch_add(size);
    auto* outgoing = new Outgoing{std::move(bytes), outgoing_};
    zmq::message_t frame(outgoing->bytes.data(), size, &Outgoing::refused_full, outgoing);
    (void)publish_.send(frame, zmq::send_flags::dontwait);
    mark(publish_socket);
  }

  [[nodiscard]] std::size_t outgoing_bytes() const { return *outgoing_; }

  std::optional<Arrival> receive() {
    while (!marked_.empty()) {
      const auto socket = marked_.front();
      if (auto arrival = receive_from(socket)) {
        // In turns, so that a flood on one socket starves no other.
        std::rotate(marked_.begin(), marked_.begin() + 1, marked_.end());
        return arrival;
      }
      unmark(socket);
    }
    return std::nullopt;
  }

  int link_descriptor(mesh::LinkId link) {
    const auto found = links_.find(link);
    return found == links_.end() ? -1 : found->second.get(zmq::sockopt::fd);
  }

  zmq::socket_t& fixed(std::uint32_t socket) {
    return socket == publish_socket ? publish_ : socket == stream_socket ? stream_ : direct_;
  }

  [[nodiscard]] bool marked() const { return !marked_.empty(); }

  void mark(std::uint32_t socket) {
    if (std::find(marked_.begin(), marked_.end(), socket) == marked_.end()) {
      marked_.push_back(socket);
    }
  }

  void close(Duration linger) {
    const auto milliseconds =
        static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(linger).count());
    publish_.set(zmq::sockopt::linger, milliseconds);
    links_.clear();
    marked_.clear();
    publish_.close();
    stream_.close();
    direct_.close();
    context_.close();
  }

  std::uint16_t publish_port = 0;
  std::uint16_t direct_port = 0;
  std::uint64_t suppressed = 0;

 private:
  static zmq::context_t make_context() {
    zmq::context_t context;
    context.set(zmq::ctxopt::max_sockets, static_cast<int>(2 * base::limits::peers));
    return context;
  }

  [[nodiscard]] std::string to(const base::Endpoint& endpoint) const {
    const bool local = local_ == LocalTransport::ipc && endpoint.host == loopback;
    return local ? ipc(endpoint.port) : tcp(endpoint);
  }

  void unmark(std::uint32_t socket) {
    const auto found = std::find(marked_.begin(), marked_.end(), socket);
    if (found != marked_.end()) marked_.erase(found);
  }

  // What it answers refers to `parts_`.
  std::optional<Arrival> receive_from(std::uint32_t socket) {
    if (socket >= first_link_socket) {
      const mesh::LinkId id = socket - first_link_socket;
      const auto found = links_.find(id);
      if (found == links_.end()) return std::nullopt;
      receive_parts(found->second, parts_);
      if (parts_.empty()) return std::nullopt;
      if (parts_.size() != 1) return Malformed{};
      return LinkBytes{id, view(parts_[0])};
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
    if (socket == stream_socket) return StreamBytes{view(parts_[0])};
    return reader_change(view(parts_[0]));
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
  LocalTransport local_;
  zmq::context_t context_ = make_context();
  zmq::socket_t publish_;
  zmq::socket_t stream_;
  zmq::socket_t direct_;
  std::map<mesh::LinkId, zmq::socket_t> links_;
  std::vector<std::uint32_t> marked_;
  Parts parts_;  // what was received last
};

Transport::Transport(std::unique_ptr<Sockets> sockets) : sockets_(std::move(sockets)) {}
Transport::Transport(Transport&&) noexcept = default;
Transport::~Transport() = default;

Result<Transport> Transport::open(const TransportOptions& options) {
  if (const auto limit = raise_descriptor_limit(); !limit) return limit.error();
  try {
    auto sockets = std::make_unique<Sockets>(options.self, options.local);
    if (!sockets->bind(options)) {
      return Error{"no two free TCP ports from " + std::to_string(options.first_port) + " to " +
                   std::to_string(options.last_port) + "; choose another range"};
    }
    return Transport(std::move(sockets));
  } catch (const zmq::error_t& error) {
    return Error{std::string("ZeroMQ gives no socket: ") + error.what() +
                 "; look at the limits of open files and of memory"};
  }
}

std::uint16_t Transport::publish_port() const { return sockets_->publish_port; }
std::uint16_t Transport::direct_port() const { return sockets_->direct_port; }
bool Transport::dial(mesh::LinkId link, const base::Endpoint& endpoint) {
  return sockets_->dial(link, endpoint);
}
void Transport::undial(mesh::LinkId link) { sockets_->undial(link); }
bool Transport::follow(const base::Endpoint& endpoint) { return sockets_->follow(endpoint); }
void Transport::unfollow(const base::Endpoint& endpoint) { sockets_->unfollow(endpoint); }
void Transport::to_link(mesh::LinkId link, std::string_view bytes) {
  sockets_->to_link(link, bytes);
}
void Transport::to_route(const mesh::RoutingId& route, std::string_view bytes) {
  sockets_->to_route(route, bytes);
}
void Transport::broadcast(std::string bytes) { sockets_->broadcast(std::move(bytes)); }
std::size_t Transport::outgoing_bytes() const { return sockets_->outgoing_bytes(); }
std::uint64_t Transport::suppressed() const { return sockets_->suppressed; }
std::optional<Transport::Arrival> Transport::receive() { return sockets_->receive(); }
bool Transport::marked() const { return sockets_->marked(); }
void Transport::mark(std::uint32_t socket) { sockets_->mark(socket); }
void Transport::close(Duration linger) { sockets_->close(linger); }

std::vector<Transport::Watch> Transport::fixed_watches() const {
  std::vector<Watch> watches;
  for (const auto socket : {publish_socket, stream_socket, direct_socket}) {
    watches.push_back({sockets_->fixed(socket).get(zmq::sockopt::fd), socket});
  }
  return watches;
}

Transport::Watch Transport::link_watch(mesh::LinkId link) const {
  return {sockets_->link_descriptor(link), first_link_socket + link};
}

}  // namespace tidegate::zeromq
