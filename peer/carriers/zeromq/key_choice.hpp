// With which key of the mesh an endpoint is dialled.
//
// A server that has another key is silent: nothing tells a wrong key from a peer that is busy. So
// the key that the other end is said to have comes first, without such a word the one that this
// peer uses itself, and after each dial without an answer the next one has its turn.
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "lib/keys/keyring.hpp"

namespace tidegate::zeromq {

class KeyChoice {
 public:
  // One of the ring, which has some. `said`: the key of the other end as it is known; 0: it is not.
  [[nodiscard]] const keys::MeshKeys& choose(const keys::Keyring& keyring,
                                             const std::string& endpoint, keys::KeyId said) const;

  // A dial with that word had no answer, or had one.
  void failed(const std::string& endpoint, keys::KeyId said);
  void answered(const std::string& endpoint) { failures_.erase(endpoint); }

  // The ring is another one: all begins anew.
  void forget() { failures_.clear(); }

 private:
  struct Failures {
    keys::KeyId said = 0;
    std::size_t count = 0;  // since the word has changed, or an answer came
  };

  std::map<std::string, Failures> failures_;
};

}  // namespace tidegate::zeromq
