// The news for clients of /events, as server-sent events:
//
//     status       the document of /status: once a second, and within 250 ms of a change
//     trouble      one that begins or has ended, as in docs/json.md
//     deliveries   how many since the last such event, and the newest of them: topic, size and time
//                  in the gate, never the payload
//
// It belongs to the thread of the session. While nobody listens it costs nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>

#include "command/doors/json_lines/json.hpp"
#include "tidegate/notice.hpp"
#include "tidegate/time.hpp"
#include "tidegate/topic.hpp"

namespace tidegate::http_door {

class EventFeed {
 public:
  using Report = std::function<json_lines::PeerReport()>;
  using Send = std::function<void(std::string event)>;  // to all that listen

  EventFeed(Report report, Send send) : report_(std::move(report)), send_(std::move(send)) {}

  // So many clients listen now. A new one is told the status at once.
  void listen(std::size_t count);

  void handle(const Incoming& incoming);

  // Sends what is due.
  void turn(Instant now);
  [[nodiscard]] Instant deadline() const { return listeners_ == 0 ? never : look_at_; }

 private:
  // As much of a delivery as is told.
  struct Delivered {
    Topic topic;
    std::size_t bytes = 0;
    Duration held{};
    bool late = false;
    std::string name;  // of its publisher
  };

  void send(const char* name, const json_lines::Json& data);
  void tell_deliveries();

  Report report_;
  Send send_;
  std::size_t listeners_ = 0;
  Instant look_at_ = Instant::min();
  Instant status_at_ = Instant::min();  // it is due then, whether something has changed or not
  std::string outline_;                 // of the last status: what a change of is told at once
  std::uint64_t delivered_ = 0;
  std::deque<Delivered> newest_;
};

}  // namespace tidegate::http_door
