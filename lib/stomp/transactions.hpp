// The open transactions of one client: the frames that count once it commits, in their order. They
// are bounded, and gone with the client.
//
// A transaction is one dependency: all its messages wait for the same. A SEND in it or the COMMIT
// may say which; two that say different things are refused.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "lib/stomp/publication.hpp"
#include "tidegate/result.hpp"

namespace tidegate::stomp {

class Transactions {
 public:
  using Step = std::variant<Publication, Frame>;  // a frame: an ACK or a NACK
  struct Transaction {
    std::vector<Step> steps;
    std::optional<Dependency> dependency;
    std::size_t bytes = 0;
  };

  [[nodiscard]] std::optional<Error> begin(const std::string& name);

  // `stated`: what the SEND says of its dependency, if anything.
  [[nodiscard]] std::optional<Error> add(const std::string& name, Step step,
                                         const std::optional<Dependency>& stated);

  // Takes it out, committed or not.
  [[nodiscard]] Result<Transaction> end(const std::string& name);

 private:
  std::map<std::string, Transaction> open_;
  std::size_t bytes_ = 0;
};

// Adds the word of another frame to what the transaction waits for.
[[nodiscard]] std::optional<Error> agree(std::optional<Dependency>& so_far,
                                         const std::optional<Dependency>& stated);

}  // namespace tidegate::stomp
