// The record of a peer as a file, and a loop that keeps one.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "support/temporary_directory.hpp"
#include "tests/peer/memory_world.hpp"
#include "tests/support/contains.hpp"

using namespace tidegate;
using namespace tidegate::testing;
using peer::RecordFile;

namespace {

std::string text_of(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// No file grows beyond so many bytes while this lives.
class SmallDisk {
 public:
  explicit SmallDisk(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit bounded{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &bounded);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk() {
    setrlimit(RLIMIT_FSIZE, &before_);
    (void)std::signal(SIGXFSZ, handler_);
  }

 private:
  void (*handler_)(int);
  rlimit before_{};
};

}  // namespace

TEST_CASE("a record goes on at the end of its file, which is its user's alone") {
  const support::TemporaryDirectory directory("record");
  const auto path = directory.path() / "record";
  for (int life = 0; life < 2; ++life) {
    auto file = RecordFile::open(path).value();
    file.add(node::Input(node::input::Leave{}), Instant{});
    CHECK_FALSE(file.write());
  }
  CHECK(text_of(path) ==
        "{\"at\":0,\"event\":\"leave\"}\n"
        "{\"at\":0,\"event\":\"leave\"}\n");
  CHECK(std::filesystem::status(path).permissions() ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
}

TEST_CASE("a record is refused where it could wait for a reader, or can't be made") {
  const support::TemporaryDirectory directory("record");
  const auto pipe = directory.path() / "pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  CHECK_FALSE(RecordFile::open(pipe));
  CHECK(contains(RecordFile::open("/dev/null").error().message, "is no plain file"));
  CHECK(contains(RecordFile::open(directory.path() / "none" / "record").error().message,
                 "No such file or directory"));
}

TEST_CASE("a record that can't be written ends, says so once, and the peer goes on") {
  const support::TemporaryDirectory directory("record");
  MemoryMesh mesh;
  auto world = mesh.world("writer");
  world.record.emplace(RecordFile::open(directory.path() / "record").value());
  std::vector<std::string> warnings;
  std::uint64_t sent = 0;
  const SmallDisk disk(100);
  peer::Loop loop(Options{.mesh = "memory", .report_sent = true}, std::move(world),
                  [&](Incoming incoming) {
                    const auto& notice = std::get<Notice>(incoming);
                    if (std::holds_alternative<Sent>(notice)) ++sent;
                    if (const auto* warning = std::get_if<Warning>(&notice))
                      warnings.push_back(warning->text);
                  });
  for (int count = 0; count < 3; ++count) {
    loop.input(node::input::Publish{Message{Topic::parse("t").value(), "", {}}, NoChange{}});
  }
  CHECK(sent == 3);
  REQUIRE(warnings.size() == 1);
  CHECK(contains(warnings.front(), "ends here, and the peer goes on without it"));
}

TEST_CASE("a message is in the record before anybody else hears of it") {
  const support::TemporaryDirectory directory("record");
  const auto path = directory.path() / "record";
  MemoryMesh mesh;
  auto world = mesh.world("writer");
  world.record.emplace(RecordFile::open(path).value());
  bool recorded = false;
  peer::Loop loop(
      Options{.mesh = "memory", .report_sent = true}, std::move(world),
      [&](const Incoming&) { recorded = contains(text_of(path), R"("event":"send")"); });
  loop.input(node::input::Publish{Message{Topic::parse("t").value(), "", {}}, NoChange{}});
  CHECK(recorded);
}

TEST_CASE("a recorded peer reports what is sent only to an application that wants it") {
  const support::TemporaryDirectory directory("record");
  MemoryMesh mesh;
  auto world = mesh.world("writer");
  world.record.emplace(RecordFile::open(directory.path() / "record").value());
  std::vector<Incoming> came;
  peer::Loop loop(Options{.mesh = "memory"}, std::move(world),
                  [&](Incoming incoming) { came.push_back(std::move(incoming)); });
  loop.input(node::input::Publish{Message{Topic::parse("t").value(), "", {}}, NoChange{}});
  CHECK(came.empty());
  const auto text = text_of(directory.path() / "record");
  CHECK(text.starts_with("{\"at\":"));
  CHECK(contains(text, R"("event":"peer","form":1,"name":"writer")"));
  CHECK(contains(text, R"("event":"publish","ticket":1,"topic":"t","after":"nothing"})"));
  CHECK(contains(text, R"("event":"send","ticket":1,"sequence":1})"));
}
