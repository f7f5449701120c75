// A mesh that goes from one key to another while its members talk.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "lib/keys/keyring.hpp"
#include "lib/keys/mesh_key.hpp"
#include "peer/carriers/zeromq/zeromq.hpp"
#include "peer/io/reactor.hpp"
#include "support/temporary_directory.hpp"
#include "tests/lib/keys/sample_key.hpp"
#include "tests/live/mesh.hpp"
#include "tests/support/contains.hpp"

using namespace tidegate;
using namespace tidegate::testing;
using namespace std::chrono_literals;
using support::eventually;

namespace {

const auto old_key = to_text(sample_key(1));
const auto new_key = to_text(sample_key(2));
const std::array<std::string, 3> steps = {
    old_key + "\n" + new_key,
    new_key + "\n" + old_key,
    new_key,
};

void write_keys(const std::filesystem::path& file, const std::string& keys) {
  std::filesystem::remove(file);
  std::ofstream(file) << keys << "\n";
  std::filesystem::permissions(file, std::filesystem::perms{0600});
}

// A member with a key file of its own, and all that it has received.
class Member {
 public:
  Member(Options options, const std::filesystem::path& directory, const std::string& name,
         const std::string& keys)
      : name_(name), file_(directory / (name + ".key")) {
    write_keys(file_, keys);
    options.key_file = file_.string();
    peer_ = start(std::move(options), name);
    const auto refused =
        peer_->on_incoming([this](const Incoming& incoming) { receive(incoming); });
    REQUIRE_FALSE(refused);
  }

  [[nodiscard]] Peer* peer() const { return peer_.get(); }
  [[nodiscard]] const std::string& name() const { return name_; }

  void take_on(const std::string& keys) const {
    write_keys(file_, keys);
    const auto names = peer_->reload_keys();
    if (!names) FAIL(names.error().message);
  }

  void publish() {
    if (peer_->publish(topic("x"), std::to_string(published_ + 1)) == Publish::accepted) {
      ++published_;
    }
  }
  [[nodiscard]] int published() const { return published_; }

  // The numbers that came from that member, in the order of their arrival.
  [[nodiscard]] std::vector<int> from(const std::string& other) {
    const std::lock_guard lock(mutex_);
    return came_[other];
  }
  [[nodiscard]] int last_from(const std::string& other) {
    const auto numbers = from(other);
    return numbers.empty() ? 0 : numbers.back();
  }
  // Between two messages of one member, while it has spoken.
  [[nodiscard]] double longest_pause_ms() {
    const std::lock_guard lock(mutex_);
    return milliseconds(longest_pause_);
  }
  [[nodiscard]] std::string losses() {
    const std::lock_guard lock(mutex_);
    return losses_;
  }

 private:
  void receive(const Incoming& incoming) {
    const std::lock_guard lock(mutex_);
    if (const auto* delivery = std::get_if<Delivery>(&incoming)) {
      auto& numbers = came_[delivery->origin_name];
      numbers.push_back(std::stoi(delivery->message.payload));
      const auto now = std::chrono::steady_clock::now();
      auto& last = last_[delivery->origin_name];
      if (numbers.size() > 1) longest_pause_ = std::max(longest_pause_, now - last);
      last = now;
    } else if (const auto* lost = std::get_if<Undelivered>(&std::get<Notice>(incoming))) {
      losses_ += lost->name + " " + std::to_string(lost->first) + "\n";
    }
  }

  std::string name_;
  std::filesystem::path file_;
  std::atomic<int> published_ = 0;
  std::mutex mutex_;
  std::map<std::string, std::vector<int>> came_;
  std::map<std::string, std::chrono::steady_clock::time_point> last_;
  std::chrono::steady_clock::duration longest_pause_{};
  std::string losses_;
  std::unique_ptr<Peer> peer_;  // ends before the rest
};

// Every member publishes, each few milliseconds, until this ends.
class Traffic {
 public:
  explicit Traffic(std::vector<Member*> members)
      : thread_([this, members = std::move(members)] {
          while (!stopped_) {
            for (auto* member : members) member->publish();
            std::this_thread::sleep_for(3ms);
          }
        }) {}
  ~Traffic() {
    stopped_ = true;
    thread_.join();
  }
  Traffic(const Traffic&) = delete;
  Traffic& operator=(const Traffic&) = delete;

 private:
  std::atomic<bool> stopped_ = false;
  std::thread thread_;
};

std::vector<int> numbers(int from, int to) {
  std::vector<int> all;
  for (int i = from; i <= to; ++i) all.push_back(i);
  return all;
}

}  // namespace

TEST_CASE("a mesh of four goes from one key to another under traffic, and no message is lost") {
  const auto options = private_mesh();
  const support::TemporaryDirectory directory("keys");
  std::vector<std::unique_ptr<Member>> members;
  std::vector<Member*> all;
  for (const auto* name : {"a", "b", "c", "d"}) {
    members.push_back(std::make_unique<Member>(options, directory.path(), name, old_key));
    all.push_back(members.back().get());
  }
  for (const auto* member : all) REQUIRE(member->peer()->wait_ready(3, 10s));

  std::unique_ptr<Member> fifth;
  {
    const Traffic traffic(all);
    for (const auto& step : steps) {
      // The third one finds a mesh that has the new key alone in a member that has just come.
      if (&step == &steps[2]) {
        fifth = std::make_unique<Member>(options, directory.path(), "e", new_key);
        REQUIRE(fifth->peer()->wait_ready(4, 10s));
      }
      for (const auto* member : all) {
        member->take_on(step);
        std::this_thread::sleep_for(100ms);  // the traffic is the point
      }
    }
  }
  for (auto* to : all) {
    for (const auto* from : all) {
      if (to == from) continue;
      CAPTURE(to->name());
      CAPTURE(from->name());
      CHECK(eventually(20s, [&] { return to->last_from(from->name()) == from->published(); }));
      CHECK(to->from(from->name()) == numbers(1, from->published()));
    }
    CHECK(to->losses() == "");
    // A stream that was refused for good would be silent until it is followed anew.
    CHECK(to->longest_pause_ms() < 4'000);
    MESSAGE("longest pause at " << to->name() << ": " << to->longest_pause_ms() << " ms");
  }
  for (const auto* from : all) {
    CAPTURE(from->name());
    CHECK(eventually(20s, [&] { return fifth->last_from(from->name()) == from->published(); }));
    const auto came = fifth->from(from->name());
    REQUIRE_FALSE(came.empty());
    CHECK(came == numbers(came.front(), from->published()));
  }
  const auto status = all[0]->peer()->status();
  CHECK(status.keys.size() == 1);
  for (const auto& peer : status.peers) CHECK(peer.key == status.keys.front());
}

TEST_CASE("a key that is taken out cuts off those that have only that one, in both directions") {
  const auto options = private_mesh();
  const support::TemporaryDirectory directory("keys");
  Member a(options, directory.path(), "a", old_key);
  Member b(options, directory.path(), "b", old_key);
  Member spy(options, directory.path(), "spy", old_key);
  for (const auto* member : {&a, &b, &spy}) REQUIRE(member->peer()->wait_ready(2, 10s));
  a.publish();
  REQUIRE(eventually(10s, [&] { return spy.last_from("a") == 1; }));
  for (const auto& step : steps) {
    for (const auto* member : {&a, &b}) member->take_on(step);
  }
  REQUIRE(eventually(10s, [&] {
    return a.peer()->status().peers.size() == 2 && a.peer()->wait_ready(1, 0ms) &&
           b.peer()->wait_ready(1, 0ms);
  }));
  spy.publish();
  a.publish();
  REQUIRE(eventually(10s, [&] { return b.last_from("a") == 2; }));
  std::this_thread::sleep_for(1500ms);  // three heartbeats
  CHECK(spy.last_from("a") == 1);
  CHECK(a.last_from("spy") == 0);
  CHECK(b.last_from("spy") == 0);

  // Nor does it come back, and neither does a new one.
  const Member stranger(options, directory.path(), "stranger", old_key);
  CHECK_FALSE(stranger.peer()->wait_ready(2, 1500ms));  // the spy is there
  const auto status = a.peer()->status();
  for (const auto& peer : status.peers) {
    CHECK(peer.name != "stranger");
    CHECK((peer.name == "b" || peer.state != PeerState::ready));
  }
}

TEST_CASE("a carrier names the links that were dialled with a key that is gone") {
  const auto ring = [](const std::vector<keys::Secret>& secrets) {
    return keys::Keyring(secrets, "rotation");
  };
  const Options defaults;
  io::Reactor reactor;
  const auto carrier = zeromq::open({.self = {},
                                     .addresses = {"127.0.0.1"},
                                     .first_port = defaults.first_port,
                                     .last_port = defaults.last_port,
                                     .keyring = ring({sample_key(1)})});
  REQUIRE(carrier.ok());
  (*carrier)->attach(reactor);
  REQUIRE((*carrier)->dial(7, {"127.0.0.1", 1}, 0));
  const auto ended = [&](const keys::Keyring& keyring) { return (*carrier)->use_keys(keyring); };
  CHECK(ended(ring({sample_key(1), sample_key(2)})).empty());
  CHECK(ended(ring({sample_key(2), sample_key(1)})).empty());
  CHECK(ended(ring({sample_key(2)})) == std::vector<mesh::LinkId>{7});
  (*carrier)->close(0ms);
}

TEST_CASE("keys that can't be taken on change nothing, and the error says what to do") {
  const support::TemporaryDirectory directory("keys");
  const auto file = directory.path() / "mesh.key";
  write_keys(file, old_key);
  auto options = private_mesh();
  options.key_file = file.string();
  const auto a = start(options, "a");
  const auto b = start<DrivenPeer>(options, "b");
  const auto before = a->status().keys;
  REQUIRE(before.size() == 1);

  std::string expected;
  SUBCASE("no file") {
    std::filesystem::remove(file);
    expected = "can't be read: No such file or directory; 'tidegate keygen' makes one";
  }
  SUBCASE("others may read it") {
    std::filesystem::permissions(file, std::filesystem::perms{0644});
    expected = "others may read or write it; chmod 600 ";
  }
  SUBCASE("a key that was cut") {
    write_keys(file, new_key + "\n" + old_key.substr(0, 40));
    expected = "line 2 is a key that was cut or changed; copy it anew";
  }
  SUBCASE("no key") {
    write_keys(file, "# nothing");
    expected = "has no key; 'tidegate keygen' makes one";
  }
  const auto refused = a->reload_keys();
  REQUIRE_FALSE(refused.ok());
  CHECK(contains(refused.error().message, "key-file " + file.string() + ": "));
  CHECK(contains(refused.error().message, expected));
  const auto driven = b->reload_keys();
  REQUIRE_FALSE(driven.ok());
  CHECK(driven.error().message == refused.error().message);
  CHECK(a->status().keys == before);
  CHECK(b->status().keys == before);
  CHECK(b->wait_ready(1, 10s));
}

TEST_CASE("keys that came as text are changed by text, and a peer without a key takes none on") {
  auto options = private_mesh();
  const auto open = start(options, "open");
  const auto none = open->use_keys(new_key);
  REQUIRE_FALSE(none.ok());
  CHECK(contains(none.error().message, "started without a key"));
  CHECK(contains(open->reload_keys().error().message, "started without a key"));

  options.keys = old_key;
  const auto a = start(options, "a");
  const auto b = start(options, "b");
  join({a.get(), b.get()});
  const auto again = a->reload_keys();
  REQUIRE_FALSE(again.ok());
  CHECK(contains(again.error().message, "TIDEGATE_KEYS"));
  CHECK(contains(a->use_keys("nonsense").error().message, "keys: line 1 is no key"));
  for (const auto& step : steps) {
    for (auto* peer : {a.get(), b.get()}) {
      const auto names = peer->use_keys(step);
      REQUIRE(names.ok());
      CHECK(*names == peer->status().keys);
    }
  }
  join({a.get(), b.get()});
  CHECK(a->publish(topic("x"), "on") == Publish::accepted);
  CHECK(next_payload(*b) == "on");
  a->leave();
  CHECK(contains(a->use_keys(old_key).error().message, "the peer leaves"));
}
