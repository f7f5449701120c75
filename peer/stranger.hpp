// Why the beacon of somebody who calls himself one of this mesh does not count.
#pragma once

#include "discovery/beacon_seal.hpp"
#include "tidegate/survey.hpp"

namespace tidegate::peer {

struct Stranger {
  RefusedSeen::Why why;
  const char* words;  // behind "whose beacon"
};

// Of a seal that is not good.
[[nodiscard]] inline Stranger stranger_with(discovery::Seal seal) {
  using Why = RefusedSeen::Why;
  switch (seal) {
    case discovery::Seal::missing:
      return {Why::no_key, "has no key, and this peer has one"};
    case discovery::Seal::unknown_key:
      return {Why::other_key, "has a key that this peer does not have"};
    case discovery::Seal::forged:
    case discovery::Seal::good:
      break;
  }
  return {Why::forged, "names a key of this mesh and was not made with it"};
}

}  // namespace tidegate::peer
