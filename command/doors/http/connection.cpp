#include "command/doors/http/connection.hpp"

#include <array>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

namespace tidegate::http_door {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using http::field;
using http::status;
using ErrorCode = beast::error_code;

constexpr std::uint32_t most_header_bytes = 16384;  // browsers bring cookies of all local servers
// From the connection to the request, and to the last byte of the answer.
constexpr auto request_bound = std::chrono::seconds(10);

// The protocols that a WebSocket of the door has, the best first.
constexpr std::array<const char*, 3> protocols{"v12.stomp", "v11.stomp", "v10.stomp"};

std::vector<std::string> values(const Request& request, field name) {
  std::vector<std::string> all;
  const auto [begin, end] = request.equal_range(name);
  for (auto it = begin; it != end; ++it) all.emplace_back(it->value());
  return all;
}

std::optional<std::string> chosen_protocol(const std::vector<std::string>& offers) {
  for (const auto* protocol : protocols) {
    for (const auto& offer : offers) {
      if (http::token_list(offer).exists(protocol)) return protocol;
    }
  }
  return std::nullopt;
}

class Connection final : public Unanswered, public std::enable_shared_from_this<Connection> {
 public:
  Connection(Socket socket, std::shared_ptr<Site> site, std::string who)
      : socket_(std::move(socket)),
        timer_(socket_.get_executor()),
        site_(std::move(site)),
        who_(std::move(who)) {
    parser_.header_limit(most_header_bytes);
  }

  [[nodiscard]] bool waits() const override { return socket_.is_open(); }
  void cut() override {
    ErrorCode ignored;
    socket_.close(ignored);
    timer_.cancel();
  }

  void start() {
    timer_.expires_after(request_bound);
    timer_.async_wait([self = shared_from_this()](ErrorCode stopped) {
      if (!stopped) self->cut();
    });
    http::async_read_header(
        socket_, buffer_, parser_,
        [self = shared_from_this()](ErrorCode error, std::size_t) { self->answer_read(error); });
  }

 private:
  void answer_read(ErrorCode error) {
    if (!error) return answer_request();
    if (error == http::error::header_limit || error == http::error::buffer_overflow) {
      return answer(status::request_header_fields_too_large,
                    "the head of a request has up to 16 KiB");
    }
    const bool malformed = error.category() == make_error_code(http::error::bad_version).category();
    if (malformed && error != http::error::end_of_stream) {
      return answer(status::bad_request, "this is no request of HTTP: " + error.message());
    }
    cut();
  }

  void answer_request() {
    const auto& request = parser_.get();
    if (const auto refusal = site_->admission.refuses(values(request, field::host),
                                                      values(request, field::origin))) {
      site_->warn("refused", "HTTP client " + who_ + " was refused: " + refusal->text);
      return answer(status(refusal->status), refusal->text);
    }
    const auto target = request.target();
    if (target.substr(0, target.find('?')) != stomp_path) {
      return answer(status::not_found, std::string("there is only ") + stomp_path +
                                           " here, a WebSocket that speaks STOMP 1.0, 1.1 and 1.2");
    }
    if (!beast::websocket::is_upgrade(request)) {
      return answer(status::upgrade_required,
                    std::string(stomp_path) + " is a WebSocket that speaks STOMP 1.0, 1.1 and 1.2");
    }
    open();
  }

  void open() {
    const auto& request = parser_.get();
    const auto offers = values(request, field::sec_websocket_protocol);
    auto protocol = chosen_protocol(offers);
    if (!offers.empty() && !protocol) {
      return answer(status::bad_request,
                    "of the protocols that are offered none is v12.stomp, v11.stomp or v10.stomp");
    }
    if (buffer_.size() > 0 || !parser_.is_done()) {
      return answer(status::bad_request, "a WebSocket is opened before anything is sent over it");
    }
    if (site_->websockets >= most_websockets) {
      return answer(status::service_unavailable,
                    "there are " + std::to_string(site_->websockets) + " WebSockets already");
    }
    timer_.cancel();
    open_websocket(std::move(socket_), request, std::move(protocol), site_, "ws " + who_);
  }

  void answer(status code, const std::string& text) {
    answer_.result(code);
    answer_.version(http_1_1);
    answer_.set(field::server, site_->server);
    answer_.set(field::content_type, "text/plain; charset=utf-8");
    answer_.set(field::cache_control, "no-store");
    answer_.set("X-Content-Type-Options", "nosniff");
    if (code == status::upgrade_required) answer_.set(field::upgrade, "websocket");
    answer_.keep_alive(false);
    answer_.body() = text + "\n";
    answer_.prepare_payload();
    if (parser_.get().method() == http::verb::head) answer_.body().clear();
    http::async_write(socket_, answer_, [self = shared_from_this()](ErrorCode error, std::size_t) {
      if (error) return self->cut();
      ErrorCode ignored;
      self->socket_.shutdown(Socket::shutdown_send, ignored);
      self->discard();
    });
  }

  // A connection that is closed while input waits takes back the answer.
  void discard() {
    buffer_.clear();
    socket_.async_read_some(buffer_.prepare(most_header_bytes),
                            [self = shared_from_this()](ErrorCode error, std::size_t) {
                              if (error) return self->cut();
                              self->discard();
                            });
  }

  static constexpr unsigned http_1_1 = 11;

  Socket socket_;
  asio::steady_timer timer_;
  std::shared_ptr<Site> site_;
  std::string who_;
  beast::flat_buffer buffer_;
  http::request_parser<http::empty_body> parser_;
  http::response<http::string_body> answer_;
};

}  // namespace

std::weak_ptr<Unanswered> serve(Socket socket, std::shared_ptr<Site> site, std::string who) {
  const auto connection =
      std::make_shared<Connection>(std::move(socket), std::move(site), std::move(who));
  connection->start();
  return connection;
}

}  // namespace tidegate::http_door
