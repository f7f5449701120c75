#include "lib/stomp/transactions.hpp"

#include <span>
#include <utility>

#include "lib/base/limits.hpp"

namespace tidegate::stomp {
namespace {

std::size_t bytes_of(std::span<const Header> headers) {
  std::size_t bytes = 0;
  for (const auto& [name, value] : headers) bytes += sizeof(Header) + name.size() + value.size();
  return bytes;
}

std::size_t bytes_of(const Transactions::Step& step) {
  if (const auto* frame = std::get_if<Frame>(&step)) return sizeof step + bytes_of(frame->headers);
  const auto& publication = std::get<Publication>(step);
  return sizeof step + publication.topic.bytes() + publication.payload.size() +
         bytes_of(publication.headers);
}

Error unknown(const std::string& name) {
  return Error{"there is no transaction '" + name + "'; BEGIN it first"};
}

bool same(const Dependency& a, const Dependency& b) {
  if (const auto* none = std::get_if<NoChange>(&a)) {
    const auto* other = std::get_if<NoChange>(&b);
    return other != nullptr && none->apart == other->apart;
  }
  if (const auto* commit = std::get_if<AfterCommit>(&a)) {
    const auto* other = std::get_if<AfterCommit>(&b);
    return other != nullptr && commit->durable == other->durable;
  }
  if (std::holds_alternative<AfterRead>(a)) return std::holds_alternative<AfterRead>(b);
  const auto* other = std::get_if<Position>(&b);
  return other != nullptr && std::get<Position>(a) == *other;
}

}  // namespace

std::optional<Error> Transactions::begin(const std::string& name) {
  if (open_.size() == base::limits::stomp_transactions) {
    return Error{"more than " + std::to_string(base::limits::stomp_transactions) +
                 " transactions are open"};
  }
  if (!open_.try_emplace(name).second) {
    return Error{"the transaction '" + name + "' is open already"};
  }
  return std::nullopt;
}

std::optional<Error> Transactions::add(const std::string& name, Step step,
                                       const std::optional<Dependency>& stated) {
  const auto found = open_.find(name);
  if (found == open_.end()) return unknown(name);
  auto& transaction = found->second;
  if (auto refused = agree(transaction.dependency, stated)) return refused;
  const auto bytes = bytes_of(step);
  if (bytes > base::limits::stomp_transaction_bytes - bytes_) {
    return Error{"the open transactions have more than " +
                 std::to_string(base::limits::stomp_transaction_bytes) +
                 " bytes; commit smaller ones"};
  }
  bytes_ += bytes;
  transaction.bytes += bytes;
  transaction.steps.push_back(std::move(step));
  return std::nullopt;
}

Result<Transactions::Transaction> Transactions::end(const std::string& name) {
  auto found = open_.extract(name);
  if (found.empty()) return unknown(name);
  bytes_ -= found.mapped().bytes;
  return std::move(found.mapped());
}

std::optional<Error> agree(std::optional<Dependency>& so_far,
                           const std::optional<Dependency>& stated) {
  if (stated && so_far && !same(*so_far, *stated)) {
    return Error{"a transaction is one dependency, and its frames name two"};
  }
  if (stated) so_far = stated;
  return std::nullopt;
}

}  // namespace tidegate::stomp
