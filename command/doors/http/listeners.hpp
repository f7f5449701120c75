// The sockets on which the HTTP server listens, and the connections that have said nothing yet. Of
// those there is a bound: the oldest makes room, so that one who opens many and says nothing shuts
// out nobody.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "command/doors/http/address.hpp"
#include "command/doors/http/connection.hpp"
#include "command/doors/http/site.hpp"
#include "lib/base/endpoint.hpp"
#include "tidegate/result.hpp"

namespace tidegate::http_door {

class Listeners : public std::enable_shared_from_this<Listeners> {
 public:
  Listeners(boost::asio::io_context& context, std::shared_ptr<Site> site)
      : context_(context), site_(std::move(site)) {}

  // Before start(). The result tells where; several for the sockets of systemd.
  Result<std::vector<base::Endpoint>> listen_at(const Address& address);

  // In the thread of the server.
  void start();
  void stop();

 private:
  struct Listener {
    boost::asio::ip::tcp::acceptor acceptor;
    boost::asio::steady_timer pause;
  };

  std::optional<Error> open(const base::Endpoint& endpoint);
  Result<std::vector<base::Endpoint>> take_from_systemd();
  void accept(Listener& listener);
  void accept_later(Listener& listener);
  void take(boost::asio::ip::tcp::socket socket);
  // The plain end of a connection that speaks TLS; nothing: it is closed, and said why.
  std::optional<Socket> decrypt(boost::asio::ip::tcp::socket socket, const std::string& who);

  boost::asio::io_context& context_;
  std::shared_ptr<Site> site_;
  std::deque<Listener> listeners_;
  std::deque<std::weak_ptr<Unanswered>> unanswered_;
};

}  // namespace tidegate::http_door
