#include "bench/carrier.hpp"
#include "bench/sleep.hpp"

namespace tidegate::bench {

void Sender::rest(Instant until) { sleep_until(until); }

}  // namespace tidegate::bench
