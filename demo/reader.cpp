#include "demo/reader.hpp"

#include "demo/report.hpp"
#include "peer/io/clock.hpp"
#include "support/session.hpp"
#include "support/worker_input.hpp"
#include "tidegate/lsn.hpp"
#include "tidegate/peer.hpp"

namespace tidegate::demo {

using namespace std::chrono_literals;

int run_reader(const Mesh& mesh, const std::string& name, const std::string& database,
               const std::string& replica) {
  support::Session session(replica);

  auto options = member_options(mesh, name);
  if (!database.empty()) options.database = database;
  tell(Started{io::clock_now()});
  auto peer = DrivenPeer::start(options);
  if (!peer) {
    tell(Failed{peer.error().message});
    return 1;
  }
  const auto refused = (*peer)->on_incoming([&session](const Incoming& incoming) {
    if (const auto* notice = std::get_if<Notice>(&incoming)) return tell_notice(*notice);
    const auto& delivery = std::get<Delivery>(incoming);
    const auto now = io::clock_now();
    const auto& id = delivery.message.payload;
    const bool readable = !session.rows("SELECT FROM rows WHERE id = " + id).empty();
    const auto position = delivery.message.position.value_or(Position{});
    tell(Delivered{now, std::stoi(id), delivery.held, Lsn{position.offset}, readable});
  });
  if (refused) {
    tell(Failed{refused->message});
    return 1;
  }
  (*peer)->subscribe(Pattern::parse("rows/*").value());
  const support::WorkerInput input;
  while (!input.pending()) (*peer)->run_once(50ms);
  return 0;
}

}  // namespace tidegate::demo
