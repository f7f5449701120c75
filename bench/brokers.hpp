// The carriers that take part, and their servers: started when first needed, ended together.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bench/carrier.hpp"
#include "bench/report.hpp"
#include "support/temporary_directory.hpp"
#include "tidegate/options.hpp"

namespace tidegate::bench {

class Brokers {
 public:
  // `systems`: their names; empty: all. One that can't take part is said to be missing.
  Brokers(const std::vector<std::string>& systems, LocalTransport transport, const Report& report);

  [[nodiscard]] const std::vector<const Carrier*>& carriers() const { return carriers_; }
  [[nodiscard]] std::string address(const Carrier& carrier);

 private:
  support::TemporaryDirectory directory_{"brokers"};
  LocalTransport transport_;
  std::vector<const Carrier*> carriers_;
  std::map<const Carrier*, std::unique_ptr<Broker>> running_;
};

}  // namespace tidegate::bench
