#include "command/doors/http/listeners.hpp"

#include <chrono>
#include <utility>

#include <boost/asio/ip/address.hpp>

namespace tidegate::http_door {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

constexpr int backlog = 64;
// Before the next try, where the process has no descriptor left.
constexpr auto accept_pause = std::chrono::milliseconds(100);

}  // namespace

std::optional<Error> Listeners::listen_at(const base::Endpoint& endpoint) {
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
  const base::Endpoint who{client.address().to_string(), client.port()};
  unanswered_.push_back(serve(std::move(socket), site_, to_string(who)));
}

}  // namespace tidegate::http_door
