#include "tidegate/result.hpp"

#include "lib/base/must.hpp"

namespace tidegate::detail {

void result_misused() { TIDEGATE_MUST(false && "the other alternative of a Result was asked for"); }

}  // namespace tidegate::detail
