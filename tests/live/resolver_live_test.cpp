#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <poll.h>

#include "peer/io/clock.hpp"
#include "peer/io/resolver.hpp"
#include "support/eventually.hpp"

using namespace tidegate;
using namespace tidegate::io;
using namespace std::chrono_literals;

namespace {

// A name server by script, which may be silent until it is told to go on.
class Script {
 public:
  Resolver::Lookup lookup() {
    return [state = state_](const std::string& name) { return state->answer(name); };
  }
  void set(const std::string& name, std::vector<std::string> addresses) {
    const std::lock_guard lock(state_->mutex);
    state_->addresses[name] = std::move(addresses);
  }
  void silent(bool is) {
    const std::lock_guard lock(state_->mutex);
    state_->silent = is;
    state_->changed.notify_all();
  }
  [[nodiscard]] int lookups() const { return state_->lookups; }
  ~Script() { silent(false); }

 private:
  struct State {
    Resolver::Answer answer(const std::string& name) {
      std::unique_lock lock(mutex);
      ++lookups;
      changed.wait(lock, [this] { return !silent; });
      const auto found = addresses.find(name);
      if (found == addresses.end()) return {name, {}, "nobody knows it"};
      return {name, found->second, ""};
    }
    std::mutex mutex;
    std::condition_variable changed;
    bool silent = false;
    std::map<std::string, std::vector<std::string>> addresses;
    std::atomic<int> lookups = 0;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

bool readable(const Resolver& resolver, std::chrono::milliseconds timeout = 5s) {
  pollfd look{resolver.descriptor(), POLLIN, 0};
  return poll(&look, 1, static_cast<int>(timeout.count())) == 1;
}

// The next answers, or none within the bound.
std::vector<Resolver::Answer> answers(Resolver& resolver, std::size_t count = 1) {
  std::vector<Resolver::Answer> all;
  while (all.size() < count && readable(resolver)) {
    for (auto& answer : resolver.take(clock_now())) all.push_back(std::move(answer));
  }
  return all;
}

}  // namespace

TEST_CASE("a name has all its addresses, looked up anew with each question") {
  Script script;
  script.set("db", {"192.0.2.1", "2001:db8::1"});
  Resolver resolver(5s, script.lookup());
  resolver.ask("db", clock_now());
  auto answer = answers(resolver).at(0);
  CHECK(answer.name == "db");
  CHECK(answer.addresses == std::vector<std::string>{"192.0.2.1", "2001:db8::1"});
  CHECK(answer.trouble == "");
  CHECK(resolver.deadline() == never);
  script.set("db", {"192.0.2.9"});
  resolver.ask("db", clock_now());
  answer = answers(resolver).at(0);
  CHECK(answer.addresses == std::vector<std::string>{"192.0.2.9"});
  resolver.ask("unknown", clock_now());
  CHECK(answers(resolver).at(0).trouble == "nobody knows it");
}

TEST_CASE("a silent name server counts as failed after a while, and nothing waits for it") {
  Script script;
  script.silent(true);
  auto resolver = std::make_unique<Resolver>(5s, script.lookup());
  const auto begin = clock_now();
  resolver->ask("db", begin);
  CHECK(resolver->deadline() == begin + 5s);
  CHECK(resolver->take(begin + 4s).empty());
  const auto answer = resolver->take(begin + 5s).at(0);
  CHECK(answer.addresses.empty());
  CHECK(answer.trouble == "no name server has answered for 5 s; look at /etc/resolv.conf");
  CHECK(resolver->deadline() == never);
  // Its thread is still there.
  resolver.reset();
  CHECK(clock_now() - begin < 2s);
}

TEST_CASE("a lookup that is stuck is joined, and its late answer serves the next question") {
  Script script;
  script.set("db", {"192.0.2.1"});
  script.silent(true);
  Resolver resolver(5s, script.lookup());
  auto now = clock_now();
  for (int i = 0; i < 10; ++i) {
    resolver.ask("db", now);
    now += 5s;
    CHECK(resolver.take(now).size() == 1);
  }
  CHECK(support::eventually(5s, [&] { return script.lookups() == 1; }));
  script.silent(false);
  // Nobody has asked, so nobody is woken.
  CHECK_FALSE(readable(resolver, 50ms));
  resolver.ask("db", now);
  CHECK(answers(resolver).at(0).addresses == std::vector<std::string>{"192.0.2.1"});
  CHECK(script.lookups() == 1);
}

TEST_CASE("few lookups are under way at once, and the others have their turn") {
  Script script;
  script.silent(true);
  Resolver resolver(1min, script.lookup());
  for (int i = 0; i < 9; ++i) resolver.ask("host" + std::to_string(i), clock_now());
  CHECK(support::eventually(5s, [&] { return script.lookups() == 4; }));
  script.silent(false);
  CHECK(answers(resolver, 9).size() == 9);
}

TEST_CASE("localhost is found as the system is configured, and an address is no name") {
  const auto answer = Resolver::look_up("localhost");
  CHECK(std::find(answer.addresses.begin(), answer.addresses.end(), "127.0.0.1") !=
        answer.addresses.end());
  for (const std::string address : {"127.0.0.1", "::1", "2001:db8::7"}) CHECK(is_address(address));
  for (const std::string name : {"localhost", "db.example", "", "1.2.3.4.5"}) {
    CHECK_FALSE(is_address(name));
  }
}
