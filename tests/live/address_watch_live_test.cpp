// The addresses of a host that change under the watch.
#include <string>
#include <utility>

#include <doctest/doctest.h>
#include <sys/resource.h>

#include "discovery/address_watch.hpp"
#include "tests/live/forked.hpp"
#include "tests/support/sanitized.hpp"

using namespace tidegate;
using namespace tidegate::testing;

// The news had been read from the kernel, and were lost.
TEST_CASE("an address that changes while no open file is left is seen once there is one" *
          doctest::skip(sanitized)) {
  const auto said = in_child([] {
    discovery::AddressWatch watch({"lo"});
    if (watch.blind() || watch.addresses().empty()) return std::string("lo has no address");
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    const auto before = std::exchange(files.rlim_cur, 0);
    setrlimit(RLIMIT_NOFILE, &files);
    const bool changed = !watch.look().empty();
    const bool blind = watch.blind();
    files.rlim_cur = before;
    setrlimit(RLIMIT_NOFILE, &files);
    watch.look();
    return std::string(changed ? "changed, " : "") + (blind ? "blind, " : "") +
           (watch.blind() ? "still blind" : "sees again");
  });
  CHECK(said == "blind, sees again");
}
