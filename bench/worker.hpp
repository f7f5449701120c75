// One process of a run. It is told what to do by lines on its standard input and answers by lines
// on its standard output; when the input ends it leaves.
//
// A sender says "ready" when all receivers are there, sends when it is told "go", and says
// "sent <when the first was due, ns>". A receiver says "ready" when it has subscribed, and, when it
// has all messages or is told "stop", "got <when the last came, ns>", after it has written how late
// each was (ns, 64 bits, in the order of arrival) to a file.
#pragma once

#include <filesystem>
#include <string>

#include "bench/carrier.hpp"
#include "bench/plan.hpp"

namespace tidegate::bench {

int run_sender(const Carrier& carrier, const std::string& address, const Plan& plan);
int run_receiver(const Carrier& carrier, const std::string& address, const Plan& plan,
                 const std::filesystem::path& file);

}  // namespace tidegate::bench
