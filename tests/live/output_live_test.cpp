#include <array>
#include <csignal>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include "command/doors/json_lines/output.hpp"
#include "peer/io/descriptor.hpp"

using namespace tidegate;
using namespace tidegate::json_lines;
using namespace std::chrono_literals;
using io::Descriptor;

namespace {

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
    reader = Descriptor(ends[0]);
    writer = Descriptor(ends[1]);
  }
  Descriptor reader;
  Descriptor writer;
};

}  // namespace

TEST_CASE("output that nobody reads is kept and never waited for") {
  Pipe pipe;
  Output output(pipe.writer.get());
  const std::string line(1000, 'x');
  std::size_t lines = 0;
  for (; !output.full(); ++lines) {
    output.line(line);
    output.flush();
  }
  CHECK(output.pending());

  std::string got;
  std::thread reader([&] {
    std::vector<char> buffer(65536);
    while (got.size() < lines * (line.size() + 1)) {
      const auto count = read(pipe.reader.get(), buffer.data(), buffer.size());
      if (count <= 0) break;
      got.append(buffer.data(), static_cast<std::size_t>(count));
    }
  });
  output.drain(10s);
  CHECK_FALSE(output.pending());
  pipe.writer = Descriptor();
  reader.join();
  CHECK(got.size() == lines * (line.size() + 1));
  CHECK(got.substr(0, 1001) == line + "\n");
}

TEST_CASE("draining gives up at its bound") {
  Pipe pipe;
  Output output(pipe.writer.get());
  while (!output.full()) output.line(std::string(1000, 'x'));
  output.drain(20ms);
  CHECK(output.pending());
}

TEST_CASE("output whose reader is gone is closed and takes nothing more") {
  (void)std::signal(SIGPIPE, SIG_IGN);
  Pipe pipe;
  Output output(pipe.writer.get());
  pipe.reader = Descriptor();
  output.line("lost");
  output.flush();
  CHECK(output.closed());
  output.line("lost too");
  CHECK_FALSE(output.pending());
}
