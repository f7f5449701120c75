#include "peer/carriers/zeromq/outgoing.hpp"

#include <algorithm>
#include <utility>

namespace tidegate::zeromq {
namespace {

struct Outgoing {
  std::string bytes;
  std::array<ByteSum, 2> sums;

  static void release(void*, void* self) {
    const std::unique_ptr<Outgoing> outgoing(static_cast<Outgoing*>(self));
    for (const auto& sum : outgoing->sums) {
      if (sum) sum->fetch_sub(outgoing->bytes.size());
    }
  }
};

}  // namespace

zmq::message_t counted(std::string bytes, std::array<ByteSum, 2> sums) {
  auto outgoing = std::make_unique<Outgoing>(Outgoing{std::move(bytes), std::move(sums)});
  for (const auto& sum : outgoing->sums) {
    if (sum) sum->fetch_add(outgoing->bytes.size());
  }
  auto* frame = outgoing.release();
  return {frame->bytes.data(), frame->bytes.size(), &Outgoing::release, frame};
}

zmq::message_t Answers::frame(const mesh::RoutingId& route, std::string_view bytes) {
  if (routes_.size() >= drop_at_) drop_idle();
  auto& of_route = routes_[route];
  if (!of_route) of_route = std::make_shared<std::atomic<std::size_t>>(0);
  return counted(std::string(bytes), {sum_, of_route});
}

bool Answers::congested(const mesh::RoutingId& route) const {
  if (*sum_ >= base::limits::answers_bytes) return true;
  const auto found = routes_.find(route);
  return found != routes_.end() && *found->second > 0;
}

void Answers::drop_idle() {
  std::erase_if(routes_, [](const auto& route) { return *route.second == 0; });
  drop_at_ = std::max(drop_at_, 2 * routes_.size());
}

}  // namespace tidegate::zeromq
