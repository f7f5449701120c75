#include "demo/writer.hpp"

#include <thread>

#include "demo/report.hpp"
#include "demo/settings.hpp"
#include "peer/io/clock.hpp"
#include "support/session.hpp"
#include "support/worker_input.hpp"
#include "tidegate/peer.hpp"

namespace tidegate::demo {
namespace {

using namespace std::chrono_literals;

int fail(const std::string& what) {
  tell(Failed{what});
  return 1;
}

}  // namespace

int run_writer(const Mesh& mesh, const std::string& primary, int rows) {
  support::Session session(primary);

  auto options = member_options(mesh, writer_name);
  options.primary = primary;
  tell(Started{io::clock_now()});
  auto peer = Peer::start(options);
  if (!peer) return fail(peer.error().message);
  const auto refused = (*peer)->on_incoming([](const Incoming& incoming) {
    if (const auto* notice = std::get_if<Notice>(&incoming)) tell_notice(*notice);
  });
  if (refused) return fail(refused->message);
  if (!(*peer)->wait_ready(2, 20s)) return fail("the two readers were not found within 20 s");

  auto due = io::clock_now();
  for (int row = 1; row <= rows; ++row, due += between_rows) {
    std::this_thread::sleep_for(due - io::clock_now());
    const auto id = std::to_string(row);
    session.execute("INSERT INTO rows VALUES (" + id + ")");  // commits by itself
    tell(Committed{io::clock_now(), row});
    const auto answer = (*peer)->publish(Topic::of({"rows", id}).value(), id, AfterCommit{});
    if (answer != Publish::accepted) return fail("publish: " + std::string(to_string(answer)));
  }
  // A reader that has missed something can still ask for it.
  static_cast<void>(support::WorkerInput().next());
  return 0;
}

}  // namespace tidegate::demo
