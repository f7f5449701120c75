#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "peer/io/clock.hpp"
#include "peer/lead.hpp"
#include "support/eventually.hpp"

using namespace tidegate;
using namespace tidegate::support;
using namespace std::chrono_literals;

namespace {

// The peer's own thread, whose turns last until somebody wakes it.
class Owner {
 public:
  Owner() : thread_([this] { run(); }) {}
  ~Owner() {
    lead.keep();
    thread_.join();
  }

  std::atomic<int> wakes = 0;
  std::atomic<bool> leads = false;
  peer::Lead lead{[this] { ++wakes; }};

 private:
  void run() {
    lead.take_over();
    while (!lead.kept()) {
      leads = true;
      const auto before = wakes.load();
      while (wakes == before && !lead.kept()) std::this_thread::sleep_for(1ms);
      if (!lead.wanted()) continue;
      leads = false;
      lead.hand_on(false);
      lead.take_over();
    }
    leads = true;
  }

  std::thread thread_;
};

Instant soon() { return io::clock_now() + 10s; }

}  // namespace

TEST_CASE("the own thread leads at the beginning, and hands on to whoever waits") {
  Owner owner;
  CHECK(eventually(10s, [&] { return owner.leads.load(); }));
  CHECK(owner.lead.take(soon()));
  CHECK_FALSE(owner.leads);
  CHECK_FALSE(owner.lead.take(io::clock_now() + 1ms));  // one at a time
  owner.lead.hand_on(false);
  CHECK(owner.lead.take(soon()));
  owner.lead.hand_on(false);
}

TEST_CASE("the own thread takes over once the application stays away") {
  Owner owner;
  REQUIRE(owner.lead.take(soon()));
  std::this_thread::sleep_for(5 * peer::Lead::grace);  // it sleeps by now
  owner.lead.hand_on(false);
  CHECK_FALSE(owner.leads);
  CHECK(eventually(10s, [&] { return owner.leads.load(); }));
}

TEST_CASE("work that is left is done by the own thread") {
  Owner owner;
  REQUIRE(owner.lead.take(soon()));
  SUBCASE("by the one who hands on") { owner.lead.hand_on(true); }
  SUBCASE("by somebody else, later") {
    owner.lead.hand_on(false);
    owner.lead.call();
  }
  CHECK(eventually(10s, [&] { return owner.leads.load(); }));
}

TEST_CASE("one publish is done by its caller, the next ones by the own thread") {
  Owner owner;
  REQUIRE(owner.lead.take(soon()));
  CHECK_FALSE(owner.lead.take_for_once());
  owner.lead.hand_on(false);
  CHECK(owner.lead.take_for_once());
  owner.lead.hand_on(false);
  CHECK_FALSE(owner.lead.take_for_once());
  CHECK(eventually(10s, [&] { return owner.leads.load(); }));
  CHECK_FALSE(owner.lead.take_for_once());
}

TEST_CASE("whoever leads is woken for the work of others, not for its own") {
  Owner owner;
  REQUIRE(owner.lead.take(soon()));
  const auto before = owner.wakes.load();
  owner.lead.call();
  CHECK(owner.wakes == before);
  std::thread([&] { owner.lead.call(); }).join();
  CHECK(owner.wakes == before + 1);
  owner.lead.hand_on(false);
}

TEST_CASE("a lead that is kept is nobody else's, also of those who wait for it") {
  Owner owner;
  REQUIRE(owner.lead.take(soon()));
  auto waits = std::async(std::launch::async, [&] { return owner.lead.take(never); });
  std::this_thread::sleep_for(10ms);
  owner.lead.keep();
  CHECK_FALSE(waits.get());
  owner.lead.hand_on(false);
  CHECK(eventually(10s, [&] { return owner.leads.load(); }));
  CHECK_FALSE(owner.lead.take(never));
}

TEST_CASE("threads that compete for the lead never have it together") {
  Owner owner;
  std::atomic<int> leaders = 0;
  std::atomic<int> most = 0;
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 200; ++round) {
        if (!owner.lead.take(soon())) continue;
        most = std::max(most.load(), ++leaders);
        if (owner.leads) most = 100;
        --leaders;
        owner.lead.hand_on(round % 3 == 0);
        if (round % 5 == 0) owner.lead.call();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(most == 1);
}
