#include "peer/carriers/zeromq/sockets.hpp"

#include <cerrno>

#include <doctest/doctest.h>

using namespace tidegate;

TEST_CASE("a call of ZeroMQ that signals interrupt is made again until it is done") {
  int calls = 0;
  const auto result = zeromq::uninterrupted([&] {
    if (++calls < 4) throw zmq::error_t(EINTR);
    return calls;
  });
  CHECK(result == 4);
}

TEST_CASE("what ZeroMQ refuses is not tried again") {
  int calls = 0;
  const auto call = [&]() -> int {
    ++calls;
    throw zmq::error_t(EHOSTUNREACH);
  };
  CHECK_THROWS_AS(zeromq::uninterrupted(call), zmq::error_t);
  CHECK(calls == 1);
}
