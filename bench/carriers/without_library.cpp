// The carriers whose client library was not there when this was built; those that were are each
// in a file of their own.
#include "bench/carriers/missing.hpp"

namespace tidegate::bench {

#ifndef TIDEGATE_HAVE_NATS
Carrier nats() { return without_library("nats", TIDEGATE_NATS_TITLE, "libnats-dev"); }
#endif
#ifndef TIDEGATE_HAVE_REDIS
Carrier redis() { return without_library("redis", TIDEGATE_REDIS_TITLE, "libhiredis-dev"); }
#endif
#ifndef TIDEGATE_HAVE_RABBITMQ
Carrier rabbitmq() {
  return without_library("rabbitmq", TIDEGATE_RABBITMQ_TITLE, "librabbitmq-dev");
}
#endif
#ifndef TIDEGATE_HAVE_MOSQUITTO
Carrier mosquitto() {
  return without_library("mosquitto", TIDEGATE_MOSQUITTO_TITLE, "libmosquitto-dev");
}
#endif

}  // namespace tidegate::bench
