// A STOMP client that writes its frames by hand.
#pragma once

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>
#include <sys/socket.h>

#include "lib/stomp/frame_reader.hpp"
#include "peer/io/listener.hpp"
#include "support/eventually.hpp"
#include "tests/live/command_mesh.hpp"

namespace tidegate::testing {

// Over a Unix socket.
class HandWritten {
 public:
  explicit HandWritten(const std::string& path) {
    REQUIRE(support::eventually(command_bound, [&] {
      auto socket = io::connect_to_unix(path);
      if (socket && *socket) socket_ = std::move(*socket);
      return static_cast<bool>(socket_);
    }));
  }
  HandWritten& connect() {
    using namespace std::string_literals;
    write("CONNECT\naccept-version:1.2\n\n\0"s);
    CHECK(frame().command == "CONNECTED");
    reader_.follow(stomp::Version::v1_2);
    return *this;
  }

  void write(const std::string& bytes) const {
    std::string_view rest = bytes;
    while (!rest.empty()) {
      const auto sent = send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent > 0) rest.remove_prefix(static_cast<std::size_t>(sent));
      if (sent < 0) REQUIRE(errno == EAGAIN);
    }
  }

  // The next frame; "END" when the door has closed the connection.
  stomp::Frame frame() {
    while (true) {
      auto frame = reader_.next();
      REQUIRE(frame.ok());
      if (*frame) return std::move(**frame);
      REQUIRE(support::readable(socket_, command_bound));
      std::string buffer(65536, '\0');
      const auto got = recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (got <= 0) return {"END", {}, ""};
      reader_.add(std::string_view(buffer).substr(0, static_cast<std::size_t>(got)));
    }
  }

  [[nodiscard]] const io::Descriptor& socket() const { return socket_; }

 private:
  io::Descriptor socket_;
  stomp::FrameReader reader_{std::size_t{32} << 20U};
};

inline std::string receipt_of(const stomp::Frame& frame) {
  const auto* id = frame.find("receipt-id");
  return frame.command + " " + (id == nullptr ? "" : *id);
}

}  // namespace tidegate::testing
