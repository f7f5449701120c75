// The least that the kernel needs to bring one message to many processes: no library, no framing
// worth the name, no repair. A floor shows how much of a latency is the machine's.
//
// Each receiver tells the sender its address by datagrams until one comes back.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "bench/carrier.hpp"
#include "bench/carriers/socket_ready.hpp"
#include "bench/sleep.hpp"
#include "peer/io/descriptor.hpp"
#include "support/port.hpp"

namespace tidegate::bench {
namespace {

using namespace std::chrono_literals;

constexpr Duration between_hellos = 20ms;
constexpr const char* group = "239.255.70.70";

void check(bool good, const char* what) {
  if (!good) throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
}

struct Address : sockaddr_in {
  explicit Address(const char* ip = "127.0.0.1", std::uint16_t port = 0) : sockaddr_in{} {
    sin_family = AF_INET;
    sin_port = htons(port);
    inet_pton(AF_INET, ip, &sin_addr);
  }
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(this); }
  [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(this); }
  [[nodiscard]] bool operator==(const Address& other) const { return sin_port == other.sin_port; }
};

io::Descriptor make_socket(int type, const Address& bound) {
  io::Descriptor made(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
  check(static_cast<bool>(made), "socket");
  const int on = 1;
  check(::setsockopt(made.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0, "SO_REUSEADDR");
  check(::bind(made.get(), bound.get(), sizeof(sockaddr_in)) == 0, "bind");
  return made;
}

class Port : public Broker {
 public:
  [[nodiscard]] std::string address() const override { return std::to_string(port_); }

 private:
  std::uint16_t port_ = support::unused_port();
};

std::uint16_t port_of(const std::string& address) {
  return static_cast<std::uint16_t>(std::stoul(address));
}

// --- datagrams ----------------------------------------------------------------------------------

// One system call for all receivers, or one datagram to their group.
class DatagramSender : public Sender {
 public:
  DatagramSender(std::uint16_t port, bool multicast)
      : multicast_(multicast),
        socket_(make_socket(SOCK_DGRAM, Address("127.0.0.1", port))),
        group_(group, port) {
    const Address loopback;
    check(::setsockopt(socket_.get(), IPPROTO_IP, IP_MULTICAST_IF, &loopback.sin_addr,
                       sizeof loopback.sin_addr) == 0,
          "IP_MULTICAST_IF");
  }

  void wait_for(std::size_t receivers, Duration bound) override {
    const auto end = io::clock_now() + bound;
    while (receivers_.size() < receivers) {
      if (!socket_ready(socket_.get(), POLLIN, end)) {
        throw std::runtime_error("the receivers have not come");
      }
      Address from;
      socklen_t size = sizeof(sockaddr_in);
      char hello = 0;
      if (::recvfrom(socket_.get(), &hello, 1, 0, from.get(), &size) < 0) continue;
      if (std::ranges::find(receivers_, from) == receivers_.end()) receivers_.push_back(from);
      (void)!::sendto(socket_.get(), &hello, 1, 0, from.get(), size);
    }
    if (multicast_) receivers_ = {group_};
    content_ = {};
    for (auto& receiver : receivers_) {
      mmsghdr one{};
      one.msg_hdr.msg_name = receiver.get();
      one.msg_hdr.msg_namelen = sizeof(sockaddr_in);
      one.msg_hdr.msg_iov = &content_;
      one.msg_hdr.msg_iovlen = 1;
      calls_.push_back(one);
    }
  }

  void send(std::string_view payload) override {
    content_ = {const_cast<char*>(payload.data()), payload.size()};
    for (std::size_t sent = 0; sent < calls_.size();) {
      const int more = ::sendmmsg(socket_.get(), calls_.data() + sent,
                                  static_cast<unsigned>(calls_.size() - sent), 0);
      check(more > 0, "sendmmsg");
      sent += static_cast<std::size_t>(more);
    }
  }

 private:
  bool multicast_;
  io::Descriptor socket_;
  Address group_;
  std::vector<Address> receivers_;
  iovec content_{};
  std::vector<mmsghdr> calls_;
};

class DatagramReceiver : public Receiver {
 public:
  DatagramReceiver(std::uint16_t port, bool multicast)
      : sender_("127.0.0.1", port), own_(make_socket(SOCK_DGRAM, Address())) {
    if (!multicast) return;
    joined_ = make_socket(SOCK_DGRAM, Address(group, port));
    const ip_mreq membership{.imr_multiaddr = Address(group).sin_addr,
                             .imr_interface = Address().sin_addr};
    check(::setsockopt(joined_.get(), IPPROTO_IP, IP_ADD_MEMBERSHIP, &membership,
                       sizeof membership) == 0,
          "IP_ADD_MEMBERSHIP");
  }

  void receive(Instant until, const std::function<void(std::string_view)>& take) override {
    while (!met_ && io::clock_now() < until) say_hello();
    if (!met_) return;
    const int from = joined_ ? joined_.get() : own_.get();
    if (!socket_ready(from, POLLIN, until)) return;
    for (;;) {
      const auto size = ::recv(from, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
      if (size < 0) return;
      take({buffer_.data(), static_cast<std::size_t>(size)});
    }
  }

 private:
  void say_hello() {
    (void)!::sendto(own_.get(), "h", 1, 0, sender_.get(), sizeof(sockaddr_in));
    if (!socket_ready(own_.get(), POLLIN, io::clock_now() + between_hellos)) return;
    met_ = ::recv(own_.get(), buffer_.data(), 1, MSG_DONTWAIT) == 1;
  }

  Address sender_;
  io::Descriptor own_;
  io::Descriptor joined_;  // to the group
  bool met_ = false;
  std::array<char, 65'536> buffer_{};
};

// --- streams ------------------------------------------------------------------------------------

void at_once(const io::Descriptor& socket) {
  const int on = 1;
  check(::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0, "TCP_NODELAY");
}

using Length = std::uint32_t;  // before each message

// One write for each message and receiver.
class StreamSender : public Sender {
 public:
  explicit StreamSender(std::uint16_t port)
      : listener_(make_socket(SOCK_STREAM, Address("127.0.0.1", port))) {
    check(::listen(listener_.get(), 256) == 0, "listen");
  }

  void wait_for(std::size_t receivers, Duration bound) override {
    const auto end = io::clock_now() + bound;
    while (connections_.size() < receivers) {
      if (!socket_ready(listener_.get(), POLLIN, end)) {
        throw std::runtime_error("the receivers have not come");
      }
      io::Descriptor one(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      check(static_cast<bool>(one), "accept");
      at_once(one);
      connections_.push_back(std::move(one));
    }
  }

  void send(std::string_view payload) override {
    const auto length = static_cast<Length>(payload.size());
    frame_.assign(reinterpret_cast<const char*>(&length), sizeof length).append(payload);
    for (const auto& connection : connections_) {
      for (std::string_view left = frame_; !left.empty();) {
        const auto sent = ::send(connection.get(), left.data(), left.size(), MSG_NOSIGNAL);
        check(sent > 0, "send");
        left.remove_prefix(static_cast<std::size_t>(sent));
      }
    }
  }

 private:
  io::Descriptor listener_;
  std::vector<io::Descriptor> connections_;
  std::string frame_;
};

class StreamReceiver : public Receiver {
 public:
  explicit StreamReceiver(std::uint16_t port) : sender_("127.0.0.1", port) {}

  void receive(Instant until, const std::function<void(std::string_view)>& take) override {
    while (!connection_ && io::clock_now() < until) connect();
    if (!connection_ || !socket_ready(connection_.get(), POLLIN, until)) return;
    const auto kept = buffer_.size();
    buffer_.resize(kept + most_at_once);
    const auto size = ::recv(connection_.get(), buffer_.data() + kept, most_at_once, MSG_DONTWAIT);
    buffer_.resize(kept + static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    std::string_view left = buffer_;
    Length length = 0;
    while (left.size() >= sizeof length) {
      std::memcpy(&length, left.data(), sizeof length);
      if (left.size() < sizeof length + length) break;
      take(left.substr(sizeof length, length));
      left.remove_prefix(sizeof length + length);
    }
    buffer_.erase(0, buffer_.size() - left.size());
  }

 private:
  static constexpr std::size_t most_at_once = 65'536;

  void connect() {
    auto made = make_socket(SOCK_STREAM, Address());
    if (::connect(made.get(), sender_.get(), sizeof(sockaddr_in)) != 0) {
      sleep_until(io::clock_now() + between_hellos);
      return;
    }
    at_once(made);
    connection_ = std::move(made);
  }

  Address sender_;
  io::Descriptor connection_;
  std::string buffer_;
};

Carrier floor(std::string name, std::string title) {
  return {.name = std::move(name),
          .title = std::move(title),
          .missing = [] { return std::string(); },
          .start = [](const std::filesystem::path&) { return std::make_unique<Port>(); },
          .floor = true};
}

Carrier datagrams(std::string name, std::string title, bool multicast) {
  auto made = floor(std::move(name), std::move(title));
  made.sender = [multicast](const std::string& address) {
    return std::make_unique<DatagramSender>(port_of(address), multicast);
  };
  made.receiver = [multicast](const std::string& address) {
    return std::make_unique<DatagramReceiver>(port_of(address), multicast);
  };
  return made;
}

}  // namespace

Carrier tcp_floor() {
  auto made = floor("floor-tcp", "floor: TCP, a write each");
  made.sender = [](const std::string& address) {
    return std::make_unique<StreamSender>(port_of(address));
  };
  made.receiver = [](const std::string& address) {
    return std::make_unique<StreamReceiver>(port_of(address));
  };
  return made;
}

Carrier udp_floor() { return datagrams("floor-udp", "floor: UDP, one sendmmsg", false); }
Carrier multicast_floor() { return datagrams("floor-multicast", "floor: UDP multicast", true); }

}  // namespace tidegate::bench
