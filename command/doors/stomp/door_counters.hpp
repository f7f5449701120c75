// Counts of the door for STOMP clients, for the log and for `tidegate status`.
#pragma once

#include <array>
#include <cstdint>

namespace tidegate::stomp_door {

// Since the start, but for the first.
struct DoorCounters {
  std::uint64_t clients = 0;  // now
  std::uint64_t connected = 0;
  std::uint64_t turned_away = 0;  // as there were too many
  std::uint64_t published = 0;
  std::uint64_t unpublished = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t refused_by_client = 0;  // NACK
  // Clients that were cut, by reason: each stomp::Ended but `politely` and `peer_leaves`.
  std::uint64_t malformed = 0;
  std::uint64_t refused = 0;
  std::uint64_t login = 0;
  std::uint64_t silent = 0;
  std::uint64_t slow = 0;
  std::uint64_t left_unpublished = 0;
  std::uint64_t evicted = 0;

  friend bool operator==(const DoorCounters&, const DoorCounters&) = default;
};

// Each count once, with the name by which the status shows it.
struct DoorCounterName {
  const char* name;
  std::uint64_t DoorCounters::*count;
};
inline constexpr std::array door_counter_names = {
    DoorCounterName{"clients", &DoorCounters::clients},
    DoorCounterName{"connected", &DoorCounters::connected},
    DoorCounterName{"turned_away", &DoorCounters::turned_away},
    DoorCounterName{"published", &DoorCounters::published},
    DoorCounterName{"unpublished", &DoorCounters::unpublished},
    DoorCounterName{"acknowledged", &DoorCounters::acknowledged},
    DoorCounterName{"refused_by_client", &DoorCounters::refused_by_client},
    DoorCounterName{"cut_malformed", &DoorCounters::malformed},
    DoorCounterName{"cut_refused", &DoorCounters::refused},
    DoorCounterName{"cut_login", &DoorCounters::login},
    DoorCounterName{"cut_silent", &DoorCounters::silent},
    DoorCounterName{"cut_slow", &DoorCounters::slow},
    DoorCounterName{"cut_unpublished", &DoorCounters::left_unpublished},
    DoorCounterName{"cut_evicted", &DoorCounters::evicted},
};
static_assert(sizeof(DoorCounters) == door_counter_names.size() * sizeof(std::uint64_t),
              "every count has a name");

}  // namespace tidegate::stomp_door
