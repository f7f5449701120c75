// The steps of a node that takes part in a trace, or has left: all others pass this by.
#include <algorithm>
#include <cstddef>
#include <utility>

#include "lib/base/saturated.hpp"
#include "lib/node/from_mesh.hpp"
#include "lib/node/node.hpp"

namespace tidegate::node {

void Node::step_watched(Input& input, Instant now, Effects& effects) {
  if (left_) return;
  // One of the effects before the step may stand behind new ones then: the frame that is still open
  // for messages.
  const auto first = std::max<std::size_t>(effects.size(), 1) - 1;
  watch_.before(input, now);
  plain_ = true;
  step(std::move(input), now, effects);
  if (left_) return;
  watch_.after(effects, first, now);
  advance_traces(now, effects);
  announced_deadline_ = std::max(deadline(), now);
}

void Node::advance_traces(Instant now, Effects& effects) {
  traces_.advance(watch_, now, effects);
  plain_ = watch_.idle() && traces_.idle();
}

Instant Node::watched_deadline() const {
  if (left_) return never;
  return std::min({plain_deadline(), watch_.deadline(), traces_.deadline()});
}

bool Node::answered(mesh::LinkId link, mesh::TraceReport& frame, Instant now, Effects& effects) {
  auto* member = roster_.answering(link, frame.origin, now, FromMesh(effects));
  if (member == nullptr) return false;
  traces_.reported(frame.origin, frame, now);
  advance_traces(now, effects);
  return true;
}

bool Node::called(input::FromRoute& from, mesh::TraceRequest& frame, Instant now,
                  Effects& effects) {
  if (roster_.asking(frame.origin, now, FromMesh(effects)) == nullptr) return false;
  watch_.wanted(std::move(frame), from.route, now);
  advance_traces(now, effects);
  return true;
}

void Node::handle(input::Trace& in, Instant now, Effects& effects) {
  traces_.ask(in.ticket, std::move(in.pattern), now, base::later(now, in.timeout));
  advance_traces(now, effects);
}

}  // namespace tidegate::node
