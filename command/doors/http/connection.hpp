// One request of an HTTP client: it is answered, or its connection goes on as a WebSocket or a
// stream of events. There is no second one, since nothing here is asked for often enough to be
// worth it.
//
// All but refusals comes from the thread of the session, which is asked for a report: one that does
// not turn any more can't answer that it is well.
#pragma once

#include <memory>
#include <string>

#include "command/doors/http/site.hpp"
#include "command/doors/http/websocket.hpp"

namespace tidegate::http_door {

// A connection whose request has not been answered yet.
class Unanswered {
 public:
  Unanswered() = default;
  Unanswered(const Unanswered&) = delete;
  Unanswered& operator=(const Unanswered&) = delete;
  virtual ~Unanswered() = default;

  [[nodiscard]] virtual bool waits() const = 0;
  // Ends it, if it waits.
  virtual void cut() = 0;
};

struct Client {
  std::string who;     // for people
  bool local = false;  // it has come to an address of loopback
};
std::weak_ptr<Unanswered> serve(Socket socket, std::shared_ptr<Site> site, Client client);

}  // namespace tidegate::http_door
