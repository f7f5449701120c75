// Scenario files: commands, and behind each what then happens, to the microsecond.
//
//     # a comment
//     cluster 1              a primary p and replicas r1, r2, ...; first of all
//     foreign 1              another cluster: fp, fr1, ...
//     peer b r1 [options]    a peer that reads r1 (or none) and asks p; options: past (begins
//                            with what others keep), late 50ms, drop 50ms (overdue), held 400,
//                            kept 400 (bytes)
//     change 1 sync          commits a change on the primary; also: async, or tail: nobody's
//     publish a after 1      announces it; also: durable, nothing, and with a position that the
//                            application knows: position, or bare, which does not tell behind
//                            which place the change lies
//     run 20ms               lets time pass
//     pause r1, resume r1, replay r1 1    a replica replays no further, again, up to change 1
//     crash p, restart p, rewind r1, promote r1, detach r1, attach r1
//     kill a, return a, leave a, stall a, wake a
//     stop a, take a         the application takes no deliveries, and again
//     drop a b 2             the next two messages from a to b are lost
//     twice a b on|off       every frame from a to b comes twice
//     cut a b, heal          both ways
//     half-close b a         a has given up b's subscription, and b is not told
//     mute, speak            whether the handshake and heartbeats are shown
//     ----
//     0.010000 a  sends ...  the expected output, up to an empty line
//
// The network and the servers take fixed times here, so that a change of lib/ and nothing else
// changes the output. It is written anew by `tidegate-sim --rewrite --scenario FILE` and reviewed
// as a difference. The oracle judges the run of every file as well.
#pragma once

#include <string>

namespace tidegate::sim {

// The effect of the commands of a scenario, as the whole text that the file should have.
[[nodiscard]] std::string play_scenario(const std::string& text);

// Empty when the file says what happens; else how it differs.
[[nodiscard]] std::string check_scenario(const std::string& file, bool rewrite);

}  // namespace tidegate::sim
