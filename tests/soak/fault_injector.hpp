// Makes the faults of the plan happen, one or two at a time, each with its end.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/soak/faults.hpp"
#include "tests/soak/history.hpp"
#include "tests/soak/network.hpp"
#include "tests/soak/peer_processes.hpp"
#include "tests/soak/servers.hpp"

namespace tidegate::soak {

class FaultInjector {
 public:
  // `tell` gets a line when a fault begins or ends. All of these must live as long as this.
  FaultInjector(FaultPlan plan, PeerProcesses& peers, Servers& servers, const Network* network,
                History& history, std::function<void(const std::string&)> tell);

  // Begins and ends what is due. Takes seconds when a server has to be started or copied.
  void begin_and_end(Instant now);
  // Ends all that is under way, at once.
  void end_all();

 private:
  struct UnderWay {
    Fault fault;
    int server = 0;  // that is meant, if a server is
    std::size_t number = 0;
    std::string what;
    Instant ends;
  };

  void begin(const Fault& fault);
  void end(const UnderWay& fault);
  void break_it(const UnderWay& fault);
  void mend_it(const UnderWay& fault);
  void fail_over_to(int heir);
  [[nodiscard]] bool possible(const Fault& fault) const;

  FaultPlan plan_;
  PeerProcesses& peers_;
  Servers& servers_;
  const Network* network_;
  History& history_;
  std::function<void(const std::string&)> tell_;
  std::vector<UnderWay> under_way_;
  Fault next_;
  Instant next_at_;
  bool waits_for_end_ = false;  // next_at_ is counted from the end of what is under way
};

}  // namespace tidegate::soak
