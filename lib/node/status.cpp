#include "tidegate/status.hpp"

#include "lib/base/must.hpp"

namespace tidegate {

std::string_view to_string(PeerState state) {
  switch (state) {
    case PeerState::heard:
      return "heard";
    case PeerState::hello:
      return "hello";
    case PeerState::ready:
      return "ready";
    case PeerState::suspect:
      return "suspect";
    case PeerState::left:
      return "left";
    case PeerState::gone:
      return "gone";
  }
  TIDEGATE_MUST(false);
}

}  // namespace tidegate
