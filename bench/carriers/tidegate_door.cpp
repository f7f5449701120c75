// tidegate through the STOMP door: each process has a peer beside it, and is its client on a Unix
// socket, as an application in another language is. Beside `tidegate` it shows what the door adds.
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <sys/un.h>

#include "bench/carrier.hpp"
#include "bench/carriers/missing.hpp"
#include "bench/carriers/socket_ready.hpp"
#include "bench/member.hpp"
#include "bench/sleep.hpp"
#include "peer/io/descriptor.hpp"
#include "support/process.hpp"
#include "support/temporary_directory.hpp"

namespace tidegate::bench {
namespace {

using namespace std::chrono_literals;

// Written at once; a client would not keep more either.
constexpr std::size_t most_unwritten = std::size_t{64} << 10U;

constexpr auto longest_start = 10s;

support::Command peer_command(const std::string& address, const std::filesystem::path& socket) {
  return {.arguments = {tidegate_program(), "peer", "--mesh", "bench-" + address, "--beacon-port",
                        std::to_string(std::stoi(address)), "--door", "unix:" + socket.string()},
          .output = support::Stream::pipe,
          .errors = support::Stream::null};
}

// A peer, and a client of its door.
class Client {
 public:
  explicit Client(const std::string& address)
      : directory_("door"), peer_(peer_command(address, directory_.path() / "door")) {
    const auto until = io::clock_now() + longest_start;
    while (!connect()) {
      if (io::clock_now() > until) throw std::runtime_error("tidegate peer: its door stays shut");
      sleep_until(io::clock_now() + 10ms);
    }
    call("CONNECT\naccept-version:1.2\nhost:tidegate\n\n", "CONNECTED\n");
  }

  support::Process& peer() { return peer_; }

  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto written = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (written < 0) fail("write");
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
  }

  // A frame without a body, and the beginning of the one that answers it.
  void call(const std::string& frame, std::string_view answer) {
    write(frame + '\0');
    const auto until = io::clock_now() + longest_start;
    std::string_view found;
    while (!(found = next()).starts_with(answer)) {
      if (!found.empty() || !read(until)) throw std::runtime_error("the door answers otherwise");
    }
  }

  bool read(Instant until) {
    if (!socket_ready(socket_.get(), POLLIN, until)) return false;
    unread_.erase(0, std::exchange(at_, 0));
    const auto before = unread_.size();
    unread_.resize(before + most_unwritten);
    const auto bytes = ::recv(socket_.get(), unread_.data() + before, most_unwritten, 0);
    if (bytes <= 0) fail("read");
    unread_.resize(before + static_cast<std::size_t>(bytes));
    return true;
  }

  // The next frame, without its last NUL, valid until read(); "": it is not whole.
  std::string_view next() {
    while (at_ < unread_.size() && unread_[at_] == '\n') ++at_;
    const auto rest = std::string_view(unread_).substr(at_);
    const auto head = rest.find("\n\n");
    if (head == std::string_view::npos) return {};
    const auto size = head + 2 + body_size(rest.substr(0, head));
    if (rest.size() <= size) return {};
    at_ += size + 1;
    return rest.substr(0, size);
  }

 private:
  bool connect() {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::strncpy(name.sun_path, (directory_.path() / "door").c_str(), sizeof name.sun_path - 1);
    socket_ = io::Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0;
  }

  static std::size_t body_size(std::string_view head) {
    constexpr std::string_view name = "\ncontent-length:";
    const auto at = head.find(name);
    if (at == std::string_view::npos) return 0;
    return std::stoul(std::string(head.substr(at + name.size(), 20)));
  }

  [[noreturn]] static void fail(const std::string& doing) {
    throw std::runtime_error("tidegate's door: " + doing + ": " + std::strerror(errno));
  }

  support::TemporaryDirectory directory_;
  support::Process peer_;
  io::Descriptor socket_;
  std::string unread_;
  std::size_t at_ = 0;  // of unread_
};

class DoorSender : public Sender {
 public:
  explicit DoorSender(const std::string& address) : client_(address) {}

  void wait_for(std::size_t receivers, Duration bound) override {
    const auto until = io::clock_now() + bound;
    while (receivers > 0) {
      const auto line = client_.peer().read_line(until - io::clock_now());
      if (!line) throw std::runtime_error("the receivers are not ready");
      if (line->find("\"peer_ready\"") != std::string::npos) --receivers;
    }
  }

  void send(std::string_view payload) override {
    unwritten_ += "SEND\ndestination:bench/fanout\ndepends:none\ncontent-length:";
    unwritten_ += std::to_string(payload.size());
    unwritten_ += "\n\n";
    unwritten_ += payload;
    unwritten_ += '\0';
    if (unwritten_.size() > most_unwritten) flush();
  }

  void flush() override {
    client_.write(unwritten_);
    unwritten_.clear();
  }

 private:
  Client client_;
  std::string unwritten_;
};

class DoorReceiver : public Receiver {
 public:
  explicit DoorReceiver(const std::string& address) : client_(address) {
    client_.call("SUBSCRIBE\nid:0\ndestination:#\nreceipt:0\n\n", "RECEIPT\n");
  }

  void receive(Instant until, const std::function<void(std::string_view)>& take) override {
    bool taken = false;
    do {
      for (auto frame = client_.next(); !frame.empty(); frame = client_.next()) {
        take(frame.substr(frame.find("\n\n") + 2));
        taken = true;
      }
    } while (!taken && client_.read(until));
  }

 private:
  Client client_;
};

class Meeting : public Broker {
 public:
  [[nodiscard]] std::string address() const override { return address_; }

 private:
  std::string address_ = mesh_address(LocalTransport::tcp);
};

}  // namespace

Carrier tidegate_door() {
  return {.name = "tidegate-door",
          .title = "tidegate, by its door",
          .missing =
              [] {
                return tidegate_program().empty() ? std::string("the program tidegate is not built")
                                                  : std::string();
              },
          .start = [](const std::filesystem::path&) { return std::make_unique<Meeting>(); },
          .sender = [](const std::string& at) { return std::make_unique<DoorSender>(at); },
          .receiver = [](const std::string& at) { return std::make_unique<DoorReceiver>(at); }};
}

}  // namespace tidegate::bench
