#include "command/doors/http/event_streams.hpp"

#include <array>
#include <deque>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

namespace tidegate::http_door {
namespace {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;
using Text = std::shared_ptr<const std::string>;

}  // namespace

class EventStreams::Stream : public std::enable_shared_from_this<Stream> {
 public:
  Stream(Socket socket, std::weak_ptr<EventStreams> owner, std::string who)
      : socket_(std::move(socket)), owner_(std::move(owner)), who_(std::move(who)) {}

  [[nodiscard]] const std::string& who() const { return who_; }

  // Nothing is expected from the client but its end.
  void watch() {
    socket_.async_read_some(asio::buffer(ignored_),
                            [self = shared_from_this()](ErrorCode error, std::size_t) {
                              if (error) return self->end();
                              self->watch();
                            });
  }

  // False: too much waits already.
  bool send(const Text& text) {
    if (waiting_ + text->size() > most_waiting_bytes) return false;
    waiting_ += text->size();
    queue_.push_back(text);
    if (queue_.size() == 1) write();
    return true;
  }

  void close() {
    ErrorCode ignored;
    socket_.close(ignored);
  }

 private:
  void write() {
    asio::async_write(socket_, asio::buffer(*queue_.front()),
                      [self = shared_from_this()](ErrorCode error, std::size_t size) {
                        if (error) return self->end();
                        self->waiting_ -= size;
                        self->queue_.pop_front();
                        if (!self->queue_.empty()) self->write();
                      });
  }

  void end() {
    close();
    if (const auto owner = owner_.lock()) owner->ended(this);
  }

  Socket socket_;
  std::weak_ptr<EventStreams> owner_;
  std::string who_;
  std::deque<Text> queue_;  // the first one is being written
  std::size_t waiting_ = 0;
  std::array<char, 256> ignored_{};
};

void EventStreams::open(Socket socket, std::string head, std::string who) {
  auto stream = std::make_shared<Stream>(std::move(socket), weak_from_this(), std::move(who));
  stream->send(std::make_shared<const std::string>(std::move(head)));
  stream->watch();
  streams_.push_back(std::move(stream));
  changed_(streams_.size());
}

void EventStreams::send(const std::string& event) {
  const auto text = std::make_shared<const std::string>(event);
  const auto taken_off = std::erase_if(streams_, [&](const auto& stream) {
    if (stream->send(text)) return false;
    stream->close();
    cut_(stream->who());
    return true;
  });
  if (taken_off > 0) changed_(streams_.size());
}

void EventStreams::close() {
  for (const auto& stream : streams_) stream->close();
}

// One that was cut is not among them any more.
void EventStreams::ended(const Stream* stream) {
  const auto taken_off =
      std::erase_if(streams_, [&](const auto& each) { return each.get() == stream; });
  if (taken_off > 0) changed_(streams_.size());
}

}  // namespace tidegate::http_door
