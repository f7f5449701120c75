#include "tidegate/notice.hpp"

#include "lib/base/must.hpp"

namespace tidegate {

std::string_view to_string(PeerGone::Why why) {
  switch (why) {
    case PeerGone::Why::left:
      return "left";
    case PeerGone::Why::silent:
      return "silent";
    case PeerGone::Why::replaced:
      return "replaced";
  }
  TIDEGATE_MUST(false);
}

std::string_view to_string(Undelivered::Why why) {
  switch (why) {
    case Undelivered::Why::missing:
      return "missing";
    case Undelivered::Why::expired:
      return "expired";
    case Undelivered::Why::orphaned:
      return "orphaned";
    case Undelivered::Why::foreign:
      return "foreign";
    case Undelivered::Why::overdue:
      return "overdue";
  }
  TIDEGATE_MUST(false);
}

std::string_view to_string(Unpublished::Why why) {
  switch (why) {
    case Unpublished::Why::primary_lost:
      return "primary_lost";
    case Unpublished::Why::failed_over:
      return "failed_over";
    case Unpublished::Why::left:
      return "left";
  }
  TIDEGATE_MUST(false);
}

}  // namespace tidegate
