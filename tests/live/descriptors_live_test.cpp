// A process that runs out of file descriptors, because strangers or the application hold them: the
// members of a mesh go on, and others are met once there are some again.
#include <chrono>
#include <csignal>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>

#include "peer/io/descriptor.hpp"
#include "support/eventually.hpp"
#include "tests/live/attacked_pair.hpp"
#include "tests/live/forked.hpp"
#include "tests/live/mesh.hpp"
#include "tests/support/raw_zmtp.hpp"
#include "tests/support/sanitized.hpp"

using namespace tidegate;
using namespace tidegate::testing;
using namespace std::chrono_literals;

TEST_CASE("500 half-open connections to a process with 400 files disturb no member") {
  AttackedPair pair(false, {}, 400);
  std::vector<io::Descriptor> half_open;
  const auto toll = pair.during([&] {
    for (int i = 0; i < 500; ++i) {
      half_open.push_back(connect_tcp(i % 2 == 0 ? pair.direct_port() : pair.publish_port()));
    }
    std::this_thread::sleep_for(1s);
  });
  CHECK(toll.longest < 2s);
  CHECK(toll.grown < memory_bound(std::size_t{30} << 20U));
  wait_for_log(pair.attacked(), "nearly all open files were in use; raise LimitNOFILE");
  CHECK(pair.counted("floods") >= 100);
  // They time out, and newcomers are let in.
  auto newcomer = pair.mesh().start(peer_command(pair.options("newcomer")));
  for (int i = 0; i < 2; ++i) wait_for(newcomer, "peer_ready");
}

TEST_CASE("a dial that found no open file is tried again, and the warning says what to raise" *
          doctest::skip(sanitized)) {
  const auto options = private_mesh();
  const auto other = fork_to([&] {
    const auto peer = start(options, "other");
    ::pause();
    return 0;
  });
  ::kill(other, SIGSTOP);
  const auto said = in_child([&]() -> std::string {
    const rlimit limit{300, 300};
    ::setrlimit(RLIMIT_NOFILE, &limit);
    auto peer = start(options, "peer");
    std::vector<io::Descriptor> taken;
    while (taken.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC))) {
    }
    ::kill(other, SIGCONT);
    const auto warning = next_notice<Warning>(*peer);
    if (!warning) return "no warning";
    taken.clear();
    return warning->text + (peer->wait_ready(1, 15s) ? "; met" : "; not met");
  });
  ::kill(other, SIGKILL);
  ::waitpid(other, nullptr, 0);
  CHECK(contains(said, "no open file is left; raise LimitNOFILE (ulimit -n)"));
  CHECK(contains(said, "; met"));
}
