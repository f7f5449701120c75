// A publisher and its readers on the loopback interface, each with a port of its own
// (peer/carriers/ datagrams/port.hpp), and a raw socket that speaks like any of them.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/time.h>

#include "peer/carriers/datagrams/address.hpp"
#include "peer/carriers/datagrams/port.hpp"
#include "peer/carriers/datagrams/sockets.hpp"
#include "peer/io/clock.hpp"

namespace tidegate::testing {

// A frame with bytes of its own.
struct Got {
  datagrams::Frame frame;
  std::string bytes;
};

class DatagramEnd {
 public:
  explicit DatagramEnd(bool sealed) : port_(sealed) { port_.attach(reactor_); }

  datagrams::Port* operator->() { return &port_; }

  // Takes all that has come, without waiting longer than that.
  void turn(std::chrono::milliseconds longest = std::chrono::milliseconds(0)) {
    reactor_.run_once(port_.pending() ? std::chrono::milliseconds(0) : longest);
    while (auto arrival = port_.receive()) {
      if (const auto* frame = std::get_if<datagrams::Frame>(&*arrival)) {
        frames.push_back({*frame, std::string(frame->bytes)});
      } else if (const auto* ack = std::get_if<datagrams::Ack>(&*arrival)) {
        acks.push_back(*ack);
      } else if (const auto* broken = std::get_if<datagrams::BrokenPath>(&*arrival)) {
        broken_paths.push_back(broken->path);
      } else {
        ++malformed;
      }
    }
    CHECK_FALSE(port_.pending());
  }

  // False: that did not become so in 5 s.
  template <typename Condition>
  [[nodiscard]] bool until(Condition is) {
    const auto end = io::clock_now() + std::chrono::seconds(5);
    while (!is()) {
      if (io::clock_now() > end) return false;
      turn(std::chrono::milliseconds(100));
    }
    return true;
  }

  std::deque<Got> frames;
  std::vector<datagrams::Ack> acks;
  std::vector<mesh::PathId> broken_paths;
  std::size_t malformed = 0;

 private:
  io::Reactor reactor_;
  datagrams::Port port_;
};

inline Origin sample_publisher(std::uint8_t number) { return {PeerId{{number}}, number}; }

// A publisher and as many readers, path i to reader i, all admitted. Of a sealed one each reader
// has the key from a probe, which was number 1.
class DatagramMesh {
 public:
  DatagramMesh(bool sealed, std::size_t count, std::string host = "127.0.0.1")
      : publisher(sealed), host_(std::move(host)) {
    for (std::size_t at = 0; at < count; ++at) {
      readers.push_back(std::make_unique<DatagramEnd>(sealed));
      open(at);
      publisher->probe(number(at), 548);
      REQUIRE(readers[at]->until([&] { return readers[at]->frames.size() == 1; }));
      readers[at]->frames.clear();
    }
  }

  // Also anew, as another path.
  void open(std::size_t at) {
    paths.resize(readers.size());
    offers.resize(readers.size());
    sent.resize(readers.size());
    paths[at] = next_path_++;
    sent[at] = 0;
    const auto opened = (*readers[at])->open(origin, paths[at], host_);
    REQUIRE(opened);
    offers[at] = *opened;
    REQUIRE(publisher->admit(paths[at], endpoint(at), opened->secret));
  }

  [[nodiscard]] base::Endpoint endpoint(std::size_t at) const { return {host_, offers[at].port}; }

  // The next one of this reader.
  mesh::PathNumber number(std::size_t at) { return {paths[at], ++sent[at]}; }

  void send(const std::string& frame) {
    std::vector<mesh::PathNumber> numbers;
    for (std::size_t at = 0; at < readers.size(); ++at) numbers.push_back(number(at));
    publisher->send(numbers, frame);
  }

  const Origin origin = sample_publisher(1);
  DatagramEnd publisher;
  std::vector<std::unique_ptr<DatagramEnd>> readers;
  std::vector<mesh::PathId> paths;
  std::vector<mesh::PathSocket> offers;
  std::vector<std::uint64_t> sent;

 private:
  std::string host_;
  mesh::PathId next_path_ = 0x1122334455667788;
};

// Speaks to a port as it likes.
class RawDatagrams {
 public:
  RawDatagrams()
      : socket_(datagrams::open_socket(*datagrams::parse_address("127.0.0.1", 0),
                                       datagrams::Errors::plain)) {
    REQUIRE(socket_);
  }

  [[nodiscard]] std::uint16_t port() const { return datagrams::bound_to(socket_)->port(); }

  void send(std::uint16_t port, const std::vector<std::uint8_t>& bytes) const {
    const auto to = *datagrams::parse_address("127.0.0.1", port);
    CHECK(sendto(socket_.get(), bytes.data(), bytes.size(), 0, to.generic(), to.size) >= 0);
  }

  // The next one that has come, and from where. Empty: none in 5 s.
  std::vector<std::uint8_t> receive() {
    std::vector<std::uint8_t> bytes(65536);
    const timeval patience{5, 0};
    REQUIRE(setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
    REQUIRE(fcntl(socket_.get(), F_SETFL, 0) == 0);
    from_.size = datagrams::Address::room;
    const auto size =
        recvfrom(socket_.get(), bytes.data(), bytes.size(), 0, from_.generic(), &from_.size);
    bytes.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    return bytes;
  }
  [[nodiscard]] std::uint16_t sender() const { return from_.port(); }

 private:
  io::Descriptor socket_;
  datagrams::Address from_;
};

}  // namespace tidegate::testing
