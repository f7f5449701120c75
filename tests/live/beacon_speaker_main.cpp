// A peer that does nothing but meet others: announces itself at the pace of a real one and says on
// its output what happens, a line each. Ends, with a farewell, when its input ends.
//
//   tidegate-beacon-speaker INTERFACE PORT NUMBER
//
//   open TIME                                     it can hear from now on
//   heard|left|own NUMBER PATH SOURCE TIME  an announcement of peer NUMBER; "own" is its own
//   garbage TIME                                  a datagram that is no announcement, the first one
//   trouble TEXT, works                           its interface
//
// TIME is in nanoseconds of the steady clock, which all processes of a host share.
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <variant>

#include <poll.h>
#include <unistd.h>

#include "discovery/beacon.hpp"
#include "lib/mesh/announcement.hpp"
#include "lib/mesh/beacon_pace.hpp"

using namespace tidegate;
using namespace tidegate::base;
using namespace tidegate::discovery;
using namespace tidegate::mesh;

namespace {

Instant read_clock() { return Instant(std::chrono::steady_clock::now().time_since_epoch()); }

long long count(Instant instant) { return instant.time_since_epoch().count(); }

Announcement announcement_of(int number) {
  Announcement announcement;
  announcement.mesh = "speakers";
  announcement.origin.incarnation = static_cast<std::uint64_t>(number);
  announcement.publish_port = 1;
  announcement.direct_port = 2;
  return announcement;
}

class Speaker {
 public:
  Speaker(Beacon beacon, int number)
      : beacon_(std::move(beacon)),
        announcement_(announcement_of(number)),
        pace_(Random(static_cast<std::uint64_t>(number)), read_clock()) {}

  void run() {
    std::printf("open %lld\n", count(read_clock()));
    while (wait()) {
      const auto now = read_clock();
      hear(now);
      announcement_.reply_wanted = pace_.in_burst();
      if (pace_.take_due(now)) send(now);
    }
    announcement_.leaving = true;
    send(read_clock());
  }

 private:
  // Until something is to be done; false when the input has ended.
  bool wait() {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(pace_.deadline() - read_clock());
    std::array<pollfd, 2> ready = {{{beacon_.descriptor(), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}}};
    poll(ready.data(), ready.size(), left.count() > 0 ? static_cast<int>(left.count()) : 0);
    return ready[1].revents == 0;
  }

  void hear(Instant now) {
    for (int i = 0; i < 100; ++i) {
      const auto datagram = beacon_.receive();
      if (!datagram) return;
      const auto decoded = decode_announcement(datagram->bytes());
      const auto* heard = std::get_if<Announcement>(&decoded);
      if (heard == nullptr) {
        if (!garbage_seen_) std::printf("garbage %lld\n", count(now));
        garbage_seen_ = true;
        continue;
      }
      const bool own = heard->origin == announcement_.origin;
      std::printf("%s %d %s %s %lld\n",
                  own              ? "own"
                  : heard->leaving ? "left"
                                   : "heard",
                  static_cast<int>(heard->origin.incarnation),
                  datagram->path == BeaconPath::multicast ? "multicast" : "broadcast",
                  to_string(datagram->source).c_str(), count(now));
      if (own || heard->leaving) continue;
      if (known_.insert(heard->origin).second) {
        pace_.newcomer(now);
      } else if (heard->reply_wanted) {
        pace_.asked(now);
      }
    }
  }

  void send(Instant now) {
    for (const auto& change : beacon_.send(encode(announcement_))) {
      if (change.trouble.empty()) {
        std::printf("works\n");
        pace_.restart(now);
      } else {
        std::printf("trouble %s\n", change.trouble.c_str());
      }
    }
  }

  Beacon beacon_;
  Announcement announcement_;
  BeaconPace pace_;
  std::set<Origin> known_;
  bool garbage_seen_ = false;
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) return 2;
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  auto beacon = Beacon::open(
      {.interfaces = {arguments[1]}, .port = static_cast<std::uint16_t>(std::atoi(arguments[2]))});
  if (!beacon) {
    std::printf("refused %s\n", beacon.error().message.c_str());
    return 1;
  }
  Speaker(std::move(*beacon), std::atoi(arguments[3])).run();
}
