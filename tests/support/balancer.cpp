#include "tests/support/balancer.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace tidegate::testing {
namespace {

using io::Descriptor;

std::filesystem::path socket_in(const std::filesystem::path& directory) {
  return directory / ".s.PGSQL.5432";
}

sockaddr_un address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.string().size() >= sizeof address.sun_path) {
    throw std::runtime_error("the path of a socket is too long: " + path.string());
  }
  std::memcpy(address.sun_path, path.c_str(), path.string().size());
  return address;
}

Descriptor new_socket() { return Descriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)); }

Descriptor connected(const std::filesystem::path& path) {
  auto made = new_socket();
  const auto address = address_of(path);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  return connect(made.get(), generic, sizeof address) == 0 ? std::move(made) : Descriptor();
}

// All that is there to read. False: nothing will come any more, or nobody takes it.
bool hand_on(const Descriptor& from, const Descriptor& to) {
  std::array<char, 65536> bytes{};
  const auto got = read(from.get(), bytes.data(), bytes.size());
  for (ssize_t sent = 0; sent < got;) {
    const auto written =
        send(to.get(), bytes.data() + sent, static_cast<std::size_t>(got - sent), MSG_NOSIGNAL);
    if (written <= 0) return false;
    sent += written;
  }
  return got > 0;
}

using Connection = std::pair<Descriptor, Descriptor>;

}  // namespace

Balancer::Balancer(const support::Server& server)
    : target_(socket_in(server.socket_directory())),
      listener_(new_socket()),
      end_(eventfd(0, EFD_CLOEXEC)) {
  const auto address = address_of(socket_in(directory_.path()));
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (bind(listener_.get(), generic, sizeof address) != 0 || listen(listener_.get(), 64) != 0) {
    throw std::runtime_error("the balancer can't listen: " + std::string(std::strerror(errno)));
  }
  thread_ = std::thread([this] { run(); });
}

Balancer::~Balancer() {
  const std::uint64_t one = 1;
  if (write(end_.get(), &one, sizeof one) == sizeof one) thread_.join();
}

void Balancer::lead_to(const support::Server& server) {
  const std::lock_guard lock(mutex_);
  target_ = socket_in(server.socket_directory());
}

std::string Balancer::connection_string() const {
  return "host=" + directory_.path().string() + " port=5432 user=postgres dbname=postgres";
}

void Balancer::run() {
  std::vector<Connection> connections;
  for (;;) {
    std::vector<pollfd> watched = {{end_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
    for (const auto& [client, server] : connections) {
      watched.push_back({client.get(), POLLIN, 0});
      watched.push_back({server.get(), POLLIN, 0});
    }
    if (poll(watched.data(), watched.size(), -1) < 0) continue;
    if (watched[0].revents != 0) return;
    auto next = watched.begin() + 2;
    std::erase_if(connections, [&](const Connection& one) {
      const bool from_client = (next++)->revents != 0;
      const bool from_server = (next++)->revents != 0;
      return (from_client && !hand_on(one.first, one.second)) ||
             (from_server && !hand_on(one.second, one.first));
    });
    if (watched[1].revents == 0) continue;
    Descriptor client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    const std::lock_guard lock(mutex_);
    if (auto server = connected(target_))
      connections.emplace_back(std::move(client), std::move(server));
  }
}

}  // namespace tidegate::testing
