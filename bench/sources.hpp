// The ways in which a transaction can announce its change to a reader of a replica, beside each
// other: how long until the reader finds the row on its own server, how many first readings do not
// find it, how many announcements never come, and what they cost those who write.
#pragma once

#include "bench/report.hpp"
#include "bench/settings.hpp"

namespace tidegate::bench {

void bench_sources(const Settings& settings, Report& report);

}  // namespace tidegate::bench
