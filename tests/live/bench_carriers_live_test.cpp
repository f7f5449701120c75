// The systems that tidegate is compared with carry every message whole and in order, and leave no
// process behind; those that are not installed say so.
#include <chrono>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <unistd.h>

#include "bench/carrier.hpp"
#include "peer/io/clock.hpp"
#include "support/process.hpp"
#include "support/temporary_directory.hpp"
#include "tests/live/mesh.hpp"
#include "tests/support/sanitized.hpp"

using namespace tidegate;
using namespace tidegate::io;
using namespace tidegate::bench;
using namespace tidegate::support;
using namespace tidegate::testing;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t count = 1'000;
constexpr std::size_t size = 256;

// Every byte occurs, also the null byte at both ends.
std::string payload(std::size_t number) {
  std::string bytes = std::string(1, '\0') + std::to_string(number);
  for (auto byte = bytes.size(); byte < size; ++byte) bytes += static_cast<char>(255 - byte);
  return bytes;
}

// Handles stay with the process even when its id is used again.
void watch_descendants(pid_t pid, std::vector<Descriptor>& handles) {
  for (const auto child : children_of(pid)) {
    handles.push_back(watch_process(child));
    watch_descendants(child, handles);
  }
}

// How many of them have come as they were sent, in order, before anything else came.
std::size_t received(Receiver& receiver) {
  std::size_t good = 0;
  bool wrong = false;
  const std::function<void(std::string_view)> take = [&](std::string_view message) {
    if (message != payload(good)) wrong = true;
    if (!wrong) ++good;
  };
  const auto bound = clock_now() + 30s;
  while (good < count && !wrong && clock_now() < bound) receiver.receive(clock_now() + 1s, take);
  return good;
}

void carry(const Carrier& carrier) {
  const auto reason = carrier.missing();
  if (!reason.empty()) {
    MESSAGE(carrier.title, ": ", reason);
    return;
  }
  std::vector<Descriptor> processes;
  {
    const TemporaryDirectory directory("carrier");
    const auto broker = carrier.start(directory.path());
    const auto first = carrier.receiver(broker->address());
    const auto second = carrier.receiver(broker->address());
    const auto sender = carrier.sender(broker->address());
    watch_descendants(::getpid(), processes);
    sender->wait_for(2, 10s);
    for (std::size_t i = 0; i < count; ++i) {
      sender->send(payload(i));
      if (i % 10 == 0) sender->flush();
    }
    sender->flush();
    CHECK(received(*first) == count);
    CHECK(received(*second) == count);

    const auto begin = clock_now();
    first->receive(begin + 20ms, [](std::string_view) { FAIL("more than was sent"); });
    CHECK(clock_now() >= begin + 15ms);  // about: librabbitmq rounds to milliseconds
  }
  CHECK_FALSE(processes.empty());
  // A sanitizer's own helper is a descendant too, and stays.
  if (sanitized) return;
  for (const auto& process : processes) CHECK(readable(process, 10s));
}

}  // namespace

TEST_CASE("the door of tidegate carries the messages of the benches") { carry(tidegate_door()); }
TEST_CASE("NATS carries the messages of the benches") { carry(nats()); }
TEST_CASE("Redis carries the messages of the benches") { carry(redis()); }
TEST_CASE("Mosquitto carries the messages of the benches") { carry(mosquitto()); }
TEST_CASE("LISTEN and NOTIFY carry the messages of the benches") { carry(postgres_notify()); }
// Its server needs ten seconds to start.
TEST_CASE("RabbitMQ carries the messages of the benches" * long_test) { carry(rabbitmq()); }
