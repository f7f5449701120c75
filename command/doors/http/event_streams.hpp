// The connections over which /events is told, in the network thread. An event is one text for all
// of them.
//
// A client that does not read costs a bounded queue, and then it is cut: it connects again and is
// told the status as it is by then. Rejected: to leave out events for it, since it could not know.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/generic/stream_protocol.hpp>

namespace tidegate::http_door {

class EventStreams : public std::enable_shared_from_this<EventStreams> {
 public:
  using Socket = boost::asio::generic::stream_protocol::socket;

  static constexpr std::size_t most_streams = 16;
  static constexpr std::size_t most_waiting_bytes = std::size_t{1} << 20U;  // of one client

  // Of how many there are now, and of a client that was cut.
  using Changed = std::function<void(std::size_t count)>;
  using Cut = std::function<void(const std::string& who)>;
  EventStreams(Changed changed, Cut cut) : changed_(std::move(changed)), cut_(std::move(cut)) {}

  [[nodiscard]] bool full() const { return streams_.size() >= most_streams; }

  // `head`: of the answer, which is sent first.
  void open(Socket socket, std::string head, std::string who);
  void send(const std::string& event);
  void close();

 private:
  class Stream;
  void ended(const Stream* stream);

  Changed changed_;
  Cut cut_;
  std::vector<std::shared_ptr<Stream>> streams_;
};

}  // namespace tidegate::http_door
