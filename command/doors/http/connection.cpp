#include "command/doors/http/connection.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <sstream>
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

#include "command/doors/http/page.hpp"
#include "command/doors/http/replies.hpp"
#include "lib/base/must.hpp"

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
// A session that has not answered by then is stuck, or drowns.
constexpr auto report_bound = std::chrono::seconds(2);

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

// All that is served.
enum class Page : std::uint8_t { live, health, readiness, metrics, status, events, stomp };

struct Path {
  std::string_view path;
  Page page;
};
constexpr std::array paths{Path{"/", Page::live},
                           Path{"/healthz", Page::health},
                           Path{"/readyz", Page::readiness},
                           Path{"/metrics", Page::metrics},
                           Path{"/status", Page::status},
                           Path{"/events", Page::events},
                           Path{stomp_path, Page::stomp}};

std::optional<Page> page_at(std::string_view path) {
  for (const auto& each : paths) {
    if (each.path == path) return each.page;
  }
  return std::nullopt;
}

std::string all_paths() {
  std::string all;
  for (const auto& each : paths) all += (all.empty() ? "" : " ") + std::string(each.path);
  return all;
}

class Connection final : public Unanswered, public std::enable_shared_from_this<Connection> {
 public:
  Connection(Socket socket, std::shared_ptr<Site> site, Client client)
      : socket_(std::move(socket)),
        timer_(socket_.get_executor()),
        patience_(socket_.get_executor()),
        site_(std::move(site)),
        client_(std::move(client)) {
    parser_.header_limit(most_header_bytes);
  }

  [[nodiscard]] bool waits() const override { return socket_.is_open(); }
  void cut() override {
    ErrorCode ignored;
    socket_.close(ignored);
    timer_.cancel();
    patience_.cancel();
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
    const std::string_view target(request.target().data(), request.target().size());
    const auto question = std::min(target.find('?'), target.size());
    const auto page = page_at(target.substr(0, question));
    if (const auto refusal =
            site_->admission.refuses({values(request, field::host), values(request, field::origin),
                                      values(request, field::authorization),
                                      page == Page::health || page == Page::readiness})) {
      site_->warn("refused", "HTTP client " + client_.who + " was refused: " + refusal->text);
      return answer(status(refusal->status), refusal->text);
    }
    if (!page) return answer(status::not_found, "there is only this here: " + all_paths());
    if (page == Page::stomp) return answer_stomp();
    if (request.method() != http::verb::get && request.method() != http::verb::head) {
      return answer(status::method_not_allowed, "this is to be read, with GET or HEAD");
    }
    if (page == Page::live) return answer(live_page());
    if (page == Page::events) return answer_events();
    ask(*page, target.substr(std::min(question + 1, target.size())));
  }

  void answer_events() {
    if (site_->events->full()) {
      return answer(status::service_unavailable, "there are " +
                                                     std::to_string(EventStreams::most_streams) +
                                                     " clients of /events already");
    }
    const Reply stream{200, "text/event-stream", ""};
    if (parser_.get().method() == http::verb::head) return answer(stream);
    fill_head(stream);
    // A proxy would collect events until they fill its buffer.
    answer_.set("X-Accel-Buffering", "no");
    std::ostringstream head;
    head << answer_.base();
    timer_.cancel();
    site_->events->open(std::move(socket_), head.str(), client_.who);
  }

  // A report that comes late finds another answer given, or nobody.
  void ask(Page page, std::string_view query) {
    patience_.expires_after(report_bound);
    patience_.async_wait([self = shared_from_this()](ErrorCode stopped) {
      if (stopped || self->answered_) return;
      self->answer(status::service_unavailable,
                   "this peer does not answer: it hangs, or has too much to do");
    });
    site_->report([weak = weak_from_this(), page, asked = std::string(query)](const auto& report) {
      const auto self = weak.lock();
      if (!self || self->answered_ || !self->waits()) return;
      self->patience_.cancel();
      self->answer(self->reply(page, asked, report));
    });
  }

  Reply reply(Page page, const std::string& query, const json_lines::PeerReport& report) const {
    switch (page) {
      case Page::health:
        return health();
      case Page::readiness:
        return site_->leaving ? leaving() : readiness(report, query);
      case Page::metrics:
        return metrics(report);
      case Page::status:
        return status_document(report);
      case Page::live:
      case Page::events:
      case Page::stomp:
        break;
    }
    TIDEGATE_MUST(false && "it is no reply");
  }

  void answer_stomp() {
    const auto& request = parser_.get();
    if (!client_.local) {
      return answer(status::forbidden, std::string(stomp_path) +
                                           " is served on loopback alone; `--door tcp:` has TLS "
                                           "for a network");
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
    open_websocket(std::move(socket_), request, std::move(protocol), site_, "ws " + client_.who);
  }

  void answer(status code, const std::string& text) {
    answer({static_cast<unsigned>(code), Reply().type, text + "\n"});
  }

  void fill_head(const Reply& reply) {
    const auto code = status(reply.status);
    answer_.result(code);
    answer_.version(http_1_1);
    answer_.set(field::server, site_->server);
    answer_.set(field::content_type, reply.type);
    answer_.set(field::cache_control, "no-store");
    answer_.set("X-Content-Type-Options", "nosniff");
    answer_.set("Referrer-Policy", "no-referrer");
    answer_.set("Content-Security-Policy", reply.policy);
    if (code == status::upgrade_required) answer_.set(field::upgrade, "websocket");
    if (code == status::method_not_allowed) answer_.set(field::allow, "GET, HEAD");
    if (code == status::unauthorized) {
      answer_.set(field::www_authenticate, "Basic realm=\"tidegate\", charset=\"UTF-8\"");
    }
    answer_.keep_alive(false);
  }

  void answer(Reply reply) {
    answered_ = true;
    fill_head(reply);
    answer_.body() = std::move(reply.body);
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
  asio::steady_timer patience_;  // with the session
  std::shared_ptr<Site> site_;
  Client client_;
  bool answered_ = false;
  beast::flat_buffer buffer_;
  http::request_parser<http::empty_body> parser_;
  http::response<http::string_body> answer_;
};

}  // namespace

std::weak_ptr<Unanswered> serve(Socket socket, std::shared_ptr<Site> site, Client client) {
  const auto connection =
      std::make_shared<Connection>(std::move(socket), std::move(site), std::move(client));
  connection->start();
  return connection;
}

}  // namespace tidegate::http_door
