#include "command/doors/http/websocket.hpp"

#include <array>
#include <chrono>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/stream_traits.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <sys/socket.h>
#include <unistd.h>

namespace tidegate::http_door {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using ErrorCode = beast::error_code;

constexpr bool without_deflate = false;
constexpr std::size_t piece_bytes = std::size_t{64} << 10U;

// Of the handshake, and for the answer to a close frame.
constexpr auto handshake_bound = std::chrono::seconds(10);
// To read the last bytes, once the door has given the client up.
constexpr auto linger_bound = std::chrono::seconds(2);

class Pipe : public std::enable_shared_from_this<Pipe> {
 public:
  Pipe(Socket socket, std::shared_ptr<Site> site, std::string who)
      : websocket_(std::move(socket)),
        door_(websocket_.get_executor()),
        linger_(websocket_.get_executor()),
        site_(std::move(site)),
        who_(std::move(who)) {}
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    if (pipe_) --site_->websockets;
  }

  void open(const Request& request, std::optional<std::string> protocol) {
    websocket_.set_option(
        websocket::stream_base::timeout{handshake_bound, websocket::stream_base::none(), false});
    websocket_.set_option(websocket::stream_base::decorator(
        [server = site_->server, protocol = std::move(protocol)](websocket::response_type& answer) {
          answer.set(beast::http::field::server, server);
          if (protocol) answer.set(beast::http::field::sec_websocket_protocol, *protocol);
        }));
    websocket_.read_message_max(site_->message_bytes);
    websocket_.auto_fragment(false);
    websocket_.binary(true);
    websocket_.async_accept(request, [self = shared_from_this()](ErrorCode error) {
      if (!error) self->connect_to_door();
    });
  }

 private:
  void connect_to_door() {
    std::array<int, 2> ends{-1, -1};
    ErrorCode error;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) == 0) {
      door_.assign(asio::local::stream_protocol(), ends[0], error);
      if (error) ::close(ends[0]);
    }
    io::Descriptor end(ends[1]);
    if (!end || error) {
      site_->warn("no pair", "a WebSocket was closed: there is no pair of sockets left for it");
      return close(websocket::close_code::try_again_later);
    }
    pipe_.emplace(site_->thread);
    ++site_->websockets;
    site_->adopt(std::move(end), who_);
    watch_door();
    read_client();
    read_door();
  }

  void read_client() {
    websocket_.async_read_some(asio::buffer(from_client_),
                               [self = shared_from_this()](ErrorCode error, std::size_t size) {
                                 if (error) return self->finish();
                                 self->write_to_door(size);
                               });
  }
  // The door that takes no more closes its end soon; the close handshake reads on.
  void write_to_door(std::size_t size) {
    asio::async_write(door_, asio::buffer(from_client_, size),
                      [self = shared_from_this()](ErrorCode error, std::size_t) {
                        if (!error) self->read_client();
                      });
  }

  void read_door() {
    door_.async_read_some(asio::buffer(from_door_),
                          [self = shared_from_this()](ErrorCode error, std::size_t size) {
                            if (!error) return self->write_to_client(size);
                            self->close(self->site_->leaving ? websocket::close_code::going_away
                                                             : websocket::close_code::normal);
                          });
  }
  void write_to_client(std::size_t size) {
    websocket_.async_write(asio::buffer(from_door_, size),
                           [self = shared_from_this()](ErrorCode error, std::size_t) {
                             if (error) return self->finish();
                             self->read_door();
                           });
  }

  // Also while a write waits for the client.
  void watch_door() {
    door_.async_wait(Door::wait_error, [self = shared_from_this()](ErrorCode error) {
      if (error) return;
      self->linger_.expires_after(linger_bound);
      self->linger_.async_wait([self](ErrorCode stopped) {
        if (!stopped) self->finish();
      });
    });
  }

  void close(websocket::close_code code) {
    if (finished_) return;
    websocket_.async_close(code, [self = shared_from_this()](ErrorCode) { self->finish(); });
  }

  // With it end all operations that are under way, and then this object.
  void finish() {
    finished_ = true;
    linger_.cancel();
    ErrorCode ignored;
    door_.close(ignored);
    beast::get_lowest_layer(websocket_).close(ignored);
  }

  using Door = asio::local::stream_protocol::socket;

  websocket::stream<Socket, without_deflate> websocket_;
  Door door_;
  asio::steady_timer linger_;
  std::shared_ptr<Site> site_;
  std::string who_;
  std::optional<doors::NetworkThread::Pipe> pipe_;
  bool finished_ = false;
  std::array<char, piece_bytes> from_client_{};
  std::array<char, piece_bytes> from_door_{};
};

}  // namespace

void open_websocket(Socket socket, const Request& request, std::optional<std::string> protocol,
                    std::shared_ptr<Site> site, std::string who) {
  std::make_shared<Pipe>(std::move(socket), std::move(site), std::move(who))
      ->open(request, std::move(protocol));
}

}  // namespace tidegate::http_door
