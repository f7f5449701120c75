#include "demo/member.hpp"

#include "demo/report.hpp"
#include "peer/io/clock.hpp"

namespace tidegate::demo {
namespace {

struct Teller {
  void operator()(const PeerReady& notice) const { tell(Met{io::clock_now(), notice.name}); }
  void operator()(const Undelivered& notice) const {
    tell(Lost{notice.last - notice.first + 1, std::string(to_string(notice.why))});
  }
  void operator()(const Unpublished& notice) const {
    tell(Failed{"the announcement of row " + notice.payload + " could not be sent"});
  }
  void operator()(const ServerDown& notice) const {
    tell(Noted{"the replica does not answer: " + notice.reason});
  }
  void operator()(const PrimaryDown& notice) const {
    tell(Noted{"the primary does not answer: " + notice.reason});
  }
  void operator()(const Undone& notice) const {
    tell(Noted{"message " + std::to_string(notice.sequence) + " is " +
               std::string(to_string(notice.why))});
  }
  void operator()(const Sent&) const {}
  void operator()(const Coverage&) const {}
  void operator()(const Traced&) const {}
  void operator()(const Received&) const {}
  void operator()(const NotResumed&) const {}
  void operator()(const OutboxLost&) const {}
  void operator()(const Warning& notice) const { tell(Noted{notice.text}); }
  void operator()(const Trouble&) const {}  // a part that is down is told by the others
  void operator()(const PeerGone&) const {}
  void operator()(const ServerUp&) const {}
  void operator()(const PrimaryUp&) const {}
};

}  // namespace

Options member_options(const Mesh& mesh, const std::string& name) {
  Options options;
  options.mesh = mesh.name;
  options.beacon_port = mesh.beacon_port;
  options.name = name;
  return options;
}

void tell_notice(const Notice& notice) { std::visit(Teller{}, notice); }

}  // namespace tidegate::demo
