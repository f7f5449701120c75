// A master: announces a change and hears of the others'. Start it twice.
//
//     master [mesh [database [primary]]]
#include <chrono>
#include <cstdio>

#include <tidegate/peer.hpp>

using namespace std::chrono_literals;

int main(int argc, char** argv) {
  tidegate::Options options;
  if (argc > 1) options.mesh = argv[1];
  if (argc > 2) options.database = argv[2];  // the server that this master reads
  if (argc > 3) options.primary = argv[3];   // the server where changes are committed

  auto started = tidegate::Peer::start(options);
  if (!started) {
    std::fprintf(stderr, "%s\n", started.error().message.c_str());
    return 1;
  }
  auto& peer = **started;
  peer.subscribe(*tidegate::Pattern::parse("builds/#"));
  if (!peer.wait_ready(1, 5s)) std::fprintf(stderr, "nobody else is here yet\n");

  // ... INSERT, UPDATE, COMMIT on the primary, and then:
  const tidegate::Dependency dependency = argc > 3 ? tidegate::Dependency(tidegate::AfterCommit{})
                                                   : tidegate::Dependency(tidegate::NoChange{});
  const auto answer = peer.publish(*tidegate::Topic::parse("builds/42/new"), "hello", dependency);
  if (answer != tidegate::Publish::accepted) {
    std::fprintf(stderr, "not published: %s\n", std::string(to_string(answer)).c_str());
  }

  while (auto incoming = peer.next(2s)) {
    if (const auto* delivery = std::get_if<tidegate::Delivery>(&*incoming)) {
      // The row is readable now: SELECT it.
      std::printf("%s from %s: %s\n", to_string(delivery->message.topic).c_str(),
                  delivery->origin_name.c_str(), delivery->message.payload.c_str());
    }
  }
  return 0;
}
