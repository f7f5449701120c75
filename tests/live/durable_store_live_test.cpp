// Durable subscriptions and their file.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <doctest/doctest.h>

#include "command/doors/stomp/durable_store.hpp"
#include "support/temporary_directory.hpp"
#include "tests/lib/samples.hpp"
#include "tests/support/contains.hpp"

using namespace tidegate;
using namespace tidegate::stomp_door;
using namespace tidegate::testing;

namespace {

constexpr Instant now{std::chrono::hours(1)};

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// A store with one subscription that knows a place.
struct Stored {
  Stored() : state((directory.path() / "state").string()), file(state + ".subscriptions") {
    auto store = DurableStore::open(state).value();
    REQUIRE(store->subscriptions().attach("mails", "a/#", "1", 10));
    CHECK(!store->write(now));
    store->subscriptions().passed({{origin(2), 17}});
    CHECK(!store->write(now));
  }

  [[nodiscard]] std::vector<Cursor> resumed() const {
    Options options;
    CHECK(DurableStore::open(state).value()->prepare(options));
    CHECK(options.from == From::earliest);
    return options.resume;
  }

  support::TemporaryDirectory directory{"durable"};
  std::string state;
  std::string file;
};

using Cursors = std::vector<Cursor>;

}  // namespace

TEST_CASE("durable subscriptions are where their peer resumes after a restart") {
  const Stored stored;
  CHECK(stored.resumed() == Cursors{{origin(2), 17}});
}

TEST_CASE("a peer without durable subscriptions begins streams as it is told, and keeps no file") {
  const support::TemporaryDirectory directory("durable");
  const auto state = (directory.path() / "state").string();
  const auto store = DurableStore::open(state).value();
  Options options;
  CHECK(!store->prepare(options));
  CHECK(options.from == From::latest);
  CHECK(!store->write(now));
  CHECK(!std::filesystem::exists(state + ".subscriptions"));
}

TEST_CASE("two processes can't have the same durable subscriptions") {
  const Stored stored;
  const auto one = DurableStore::open(stored.state);
  REQUIRE(one.ok());
  const auto other = DurableStore::open(stored.state);
  REQUIRE(!other);
  CHECK(contains(other.error().message, "in use by another process"));
}

TEST_CASE("a record that a killed peer has not written whole does not spoil those behind it") {
  const Stored stored;
  std::ofstream(stored.file, std::ios::app) << "01234567 settl";
  {
    const auto store = DurableStore::open(stored.state).value();
    store->subscriptions().passed({{origin(2), 20}});
    CHECK(!store->write(now));
  }
  CHECK(stored.resumed() == Cursors{{origin(2), 20}});
}

TEST_CASE("durable subscriptions that can't be understood are refused and left as they are") {
  const Stored stored;
  auto text = content(stored.file);
  text[text.find("mails")] = 'M';
  std::ofstream(stored.file) << text;
  const auto refused = DurableStore::open(stored.state);
  REQUIRE(!refused);
  CHECK(contains(refused.error().message, stored.file));
  CHECK(contains(refused.error().message, "line 2 is damaged; move the file away"));
  CHECK(content(stored.file) == text);
}

TEST_CASE("a file of durable subscriptions that has become long is written anew") {
  const Stored stored;
  const auto store = DurableStore::open(stored.state).value();
  std::size_t longest = 0;
  for (std::uint64_t next = 18; next < 20'000; ++next) {
    store->subscriptions().passed({{origin(2), next}});
    CHECK(!store->write(now));
    if (next % 1000 == 0) longest = std::max(longest, content(stored.file).size());
  }
  CHECK(longest > 500'000);
  CHECK(longest < 1'100'000);
  CHECK(content(stored.file).size() < 1'000'000);
}

TEST_CASE("while durable subscriptions can't be written nothing is lost, and it is said") {
  const Stored stored;
  const auto folder = stored.directory.path();
  const auto away = folder.string() + ".away";
  {
    const auto store = DurableStore::open(stored.state).value();
    REQUIRE(store->subscriptions().attach("second", "b", "1", 10));
    std::filesystem::rename(folder, away);
    const auto trouble = store->write(now);
    REQUIRE(trouble);
    CHECK(trouble->trouble);
    CHECK(contains(trouble->text, "can't be written: No such file or directory"));
    store->subscriptions().passed({{origin(2), 30}});
    CHECK(!store->write(now));
    std::filesystem::rename(away, folder);
    CHECK(!store->write(now));
    const auto mended = store->write(now + std::chrono::seconds(1));
    REQUIRE(mended);
    CHECK(!mended->trouble);
  }
  CHECK(stored.resumed() == Cursors{{origin(2), 30}});
}
