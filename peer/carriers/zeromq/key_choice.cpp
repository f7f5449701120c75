#include "peer/carriers/zeromq/key_choice.hpp"

#include <algorithm>

namespace tidegate::zeromq {
namespace {

constexpr std::size_t most_endpoints = 4'096;

}  // namespace

const keys::MeshKeys& KeyChoice::choose(const keys::Keyring& keyring, const std::string& endpoint,
                                        keys::KeyId said) const {
  const auto& all = keyring.all();
  const auto known = std::find_if(all.begin(), all.end(),
                                  [said](const keys::MeshKeys& keys) { return keys.id == said; });
  auto at = known == all.end() ? std::size_t{0} : static_cast<std::size_t>(known - all.begin());
  const auto failures = failures_.find(endpoint);
  if (failures != failures_.end() && failures->second.said == said) at += failures->second.count;
  return all[at % all.size()];
}

void KeyChoice::failed(const std::string& endpoint, keys::KeyId said) {
  if (failures_.size() >= most_endpoints) failures_.clear();
  auto& failures = failures_[endpoint];
  if (failures.said != said) failures = {said, 0};
  ++failures.count;
}

}  // namespace tidegate::zeromq
