#include "command/doors/http/listeners.hpp"

#include <chrono>
#include <utility>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <fcntl.h>
#include <sys/socket.h>

#include "command/doors/activated_sockets.hpp"
#include "command/doors/tcp_address.hpp"

namespace tidegate::http_door {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

constexpr int backlog = 64;
// Before the next try, where the process has no descriptor left.
constexpr auto accept_pause = std::chrono::milliseconds(100);

}  // namespace

Result<std::vector<base::Endpoint>> Listeners::listen_at(const Address& address) {
  const auto* endpoint = std::get_if<base::Endpoint>(&address);
  if (endpoint == nullptr) return take_from_systemd();
  if (auto error = open(*endpoint)) return *error;
  return std::vector{*endpoint};
}

Result<std::vector<base::Endpoint>> Listeners::take_from_systemd() {
  auto sockets = doors::take_activated(doors::ActivatedFor::http);
  if (!sockets) return sockets.error();
  std::vector<base::Endpoint> places;
  for (auto& socket : *sockets) {
    int family = 0;
    socklen_t size = sizeof family;
    getsockopt(socket.get(), SOL_SOCKET, SO_DOMAIN, &family, &size);
    if (family != AF_INET && family != AF_INET6) {
      return Error{"http 'systemd' has got a socket that is no TCP port; write ListenStream=PORT"};
    }
    ErrorCode error;
    tcp::acceptor acceptor(context_);
    // A descriptor of its own, which it closes.
    acceptor.assign(family == AF_INET ? tcp::v4() : tcp::v6(),
                    fcntl(socket.get(), F_DUPFD_CLOEXEC, 0), error);
    if (error) return Error{"can't serve HTTP on a socket of systemd: " + error.message()};
    const auto own = acceptor.local_endpoint(error);
    places.push_back({own.address().to_string(), own.port()});
    const bool token = site_->admission.wants_token();
    if (const auto exposure = exposed(places.back(), token)) return *exposure;
    listeners_.push_back({std::move(acceptor), asio::steady_timer(context_)});
  }
  return places;
}

std::optional<Error> Listeners::open(const base::Endpoint& endpoint) {
  ErrorCode error;
  tcp::acceptor acceptor(context_);
  const tcp::endpoint place(asio::ip::make_address(endpoint.host, error), endpoint.port);
  if (!error) acceptor.open(place.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(place, error);
  if (!error) acceptor.listen(backlog, error);
  if (error) {
    return Error{"can't serve HTTP on " + to_string(endpoint) + ": " + error.message()};
  }
  listeners_.push_back({std::move(acceptor), asio::steady_timer(context_)});
  return std::nullopt;
}

void Listeners::start() {
  for (auto& listener : listeners_) accept(listener);
}

void Listeners::stop() {
  ErrorCode ignored;
  for (auto& listener : listeners_) {
    listener.acceptor.close(ignored);
    listener.pause.cancel();
  }
}

void Listeners::accept(Listener& listener) {
  listener.acceptor.async_accept(
      [self = shared_from_this(), &listener](ErrorCode error, tcp::socket socket) {
        if (!listener.acceptor.is_open()) return;
        if (error) return self->accept_later(listener);
        self->take(std::move(socket));
        self->accept(listener);
      });
}

void Listeners::accept_later(Listener& listener) {
  listener.pause.expires_after(accept_pause);
  listener.pause.async_wait([self = shared_from_this(), &listener](ErrorCode stopped) {
    if (!stopped) self->accept(listener);
  });
}

void Listeners::take(tcp::socket socket) {
  ErrorCode gone;
  const auto client = socket.remote_endpoint(gone);
  if (gone) return;
  socket.set_option(tcp::no_delay(true), gone);
  socket.set_option(asio::socket_base::keep_alive(true), gone);
  std::erase_if(unanswered_, [](const auto& one) {
    const auto connection = one.lock();
    return !connection || !connection->waits();
  });
  if (unanswered_.size() == most_unanswered) {
    if (const auto oldest = unanswered_.front().lock()) oldest->cut();
    unanswered_.pop_front();
    site_->warn("too many", "an HTTP client was cut: there are " + std::to_string(most_unanswered) +
                                " that have asked for nothing");
  }
  const auto own = socket.local_endpoint(gone);
  if (gone) return;
  const auto who = to_string(base::Endpoint{client.address().to_string(), client.port()});
  const bool local = doors::is_loopback(own.address().to_string());
  auto plain = local || site_->terminator == nullptr ? std::optional<Socket>(std::move(socket))
                                                     : decrypt(std::move(socket), who);
  if (plain) unanswered_.push_back(serve(std::move(*plain), site_, {who, local}));
}

std::optional<Socket> Listeners::decrypt(tcp::socket socket, const std::string& who) {
  ErrorCode error;
  const io::Descriptor connection(socket.release(error));
  auto end = site_->terminator->terminate(connection, [site = site_, who](const std::string& why) {
    site->warn("TLS", "HTTP client " + who + " has not made a handshake of TLS: " + why);
  });
  Socket plain(context_);
  // A descriptor of its own, which it closes.
  if (end) {
    plain.assign(asio::local::stream_protocol(), fcntl(end.get(), F_DUPFD_CLOEXEC, 0), error);
  }
  if (!end || error) {
    site_->warn("no pair", "HTTP client " + who + " was cut: there is no descriptor left for it");
    return std::nullopt;
  }
  return plain;
}

}  // namespace tidegate::http_door
