#include "command/doors/tls/terminator.hpp"

#include <array>
#include <chrono>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <sodium.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer/secret_file.hpp"

namespace tidegate::tls {
namespace {

namespace asio = boost::asio;
namespace ssl = asio::ssl;
using ErrorCode = boost::system::error_code;
using Socket = asio::ip::tcp::socket;
using Door = asio::local::stream_protocol::socket;

constexpr std::size_t piece_bytes = std::size_t{16} << 10U;  // a record of TLS
constexpr auto handshake_bound = std::chrono::seconds(10);
// To read the last bytes, once the door has given the client up, or has said all.
constexpr auto linger_bound = std::chrono::seconds(2);

class Tunnel : public std::enable_shared_from_this<Tunnel> {
 public:
  Tunnel(doors::NetworkThread& thread, std::shared_ptr<ssl::context> context,
         std::function<void(const std::string&)> failed)
      : thread_(thread),
        pipe_(thread),
        context_(std::move(context)),
        stream_(Socket(thread.context()), *context_),
        door_(thread.context()),
        timer_(thread.context()),
        failed_(std::move(failed)) {}

  // Takes both over; false: they can't be watched.
  [[nodiscard]] bool take(int client, int door) {
    ErrorCode first;
    ErrorCode second;
    stream_.next_layer().assign(asio::ip::tcp::v4(), client, first);
    door_.assign(asio::local::stream_protocol(), door, second);
    if (first) ::close(client);
    if (second) ::close(door);
    return !first && !second;
  }

  // From then on in the network thread.
  void open() {
    watch_door();
    timer_.expires_after(handshake_bound);
    timer_.async_wait([self = shared_from_this()](ErrorCode stopped) {
      if (!stopped && !self->open_) self->fail("it took too long");
    });
    stream_.async_handshake(ssl::stream_base::server, [self = shared_from_this()](ErrorCode error) {
      if (error) return self->fail(error.message());
      self->open_ = true;
      self->timer_.cancel();
      self->read_client();
      self->read_door();
    });
  }

 private:
  void fail(const std::string& why) {
    if (finished_) return;
    thread_.to_session([failed = failed_, why] { failed(why); });
    finish();
  }

  void read_client() {
    stream_.async_read_some(asio::buffer(from_client_),
                            [self = shared_from_this()](ErrorCode error, std::size_t size) {
                              if (!error) return self->write_to_door(size);
                              ErrorCode ignored;
                              self->door_.shutdown(Door::shutdown_send, ignored);
                            });
  }
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
                            self->close();
                          });
  }
  void write_to_client(std::size_t size) {
    asio::async_write(stream_, asio::buffer(from_door_, size),
                      [self = shared_from_this()](ErrorCode error, std::size_t) {
                        if (error) return self->finish();
                        self->read_door();
                      });
  }

  // Also while a write waits for the client, or the handshake does: a door that cuts a silent
  // client has got rid of it.
  void watch_door() {
    door_.async_wait(Door::wait_error, [self = shared_from_this()](ErrorCode error) {
      if (error) return;
      self->open_ ? self->linger() : self->finish();
    });
  }
  void linger() {
    timer_.expires_after(linger_bound);
    timer_.async_wait([self = shared_from_this()](ErrorCode stopped) {
      if (!stopped) self->finish();
    });
  }

  // The client is told that this was all, and answers or closes.
  void close() {
    if (finished_) return;
    linger();
    stream_.async_shutdown([self = shared_from_this()](ErrorCode) { self->finish(); });
  }

  // With it end all operations that are under way, and then this object.
  void finish() {
    finished_ = true;
    timer_.cancel();
    ErrorCode ignored;
    door_.close(ignored);
    stream_.next_layer().close(ignored);
  }

  doors::NetworkThread& thread_;
  doors::NetworkThread::Pipe pipe_;
  std::shared_ptr<ssl::context> context_;
  ssl::stream<Socket> stream_;
  Door door_;
  asio::steady_timer timer_;
  std::function<void(const std::string&)> failed_;
  bool open_ = false;  // the handshake is done
  bool finished_ = false;
  std::array<char, piece_bytes> from_client_{};
  std::array<char, piece_bytes> from_door_{};
};

Error trouble(const char* setting, const std::string& file, const ErrorCode& error) {
  return Error{std::string(setting) + " " + file + ": " + error.message()};
}

}  // namespace

Result<Terminator::Context> Terminator::read(const Certificate& certificate) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  // Connections are long, so there is nothing to resume; and a client that reads in one thread and
  // writes in another, as stomp.py does, may lose its CONNECT over a ticket that comes meanwhile.
  SSL_CTX_set_num_tickets(context->native_handle(), 0);
  context->set_options(SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  ErrorCode error;
  context->use_certificate_chain_file(certificate.chain_file, error);
  if (error) return trouble("door-certificate", certificate.chain_file, error);
  auto key = peer::read_secret({"door-certificate-key", certificate.key_file, ""});
  if (!key) return key.error();
  // An encrypted key is an error, and nobody is asked for its password.
  context->set_password_callback([](auto, auto) { return std::string(); }, error);
  context->use_private_key(asio::buffer(*key), ssl::context::pem, error);
  sodium_memzero(key->data(), key->size());
  if (error) {
    return Error{trouble("door-certificate-key", certificate.key_file, error).message +
                 "; it has to be the key of " + certificate.chain_file};
  }
  return context;
}

Result<std::unique_ptr<Terminator>> Terminator::open(Certificate certificate,
                                                     doors::NetworkThread& thread) {
  auto context = read(certificate);
  if (!context) return context.error();
  return std::unique_ptr<Terminator>(
      new Terminator(std::move(certificate), std::move(context).value(), thread));
}

std::optional<Error> Terminator::reload() {
  auto context = read(certificate_);
  if (!context) return context.error();
  const std::lock_guard lock(mutex_);
  context_ = std::move(context).value();
  return std::nullopt;
}

// Asio closes by itself what it is given, so it gets a copy of the connection.
io::Descriptor Terminator::terminate(const io::Descriptor& socket,
                                     std::function<void(const std::string& why)> failed) {
  std::array<int, 2> ends{-1, -1};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) {
    return {};
  }
  io::Descriptor door(ends[1]);
  const int on = 1;
  setsockopt(socket.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  const auto context = [this] {
    const std::lock_guard lock(mutex_);
    return context_;
  }();
  const auto tunnel = std::make_shared<Tunnel>(thread_, context, std::move(failed));
  if (!tunnel->take(fcntl(socket.get(), F_DUPFD_CLOEXEC, 0), ends[0])) return {};
  asio::post(thread_.context(), [tunnel] { tunnel->open(); });
  return door;
}

}  // namespace tidegate::tls
