#include "lib/node/names.hpp"

namespace tidegate {

std::string_view to_string(From from) { return node::from_names.name(from); }

std::string_view to_string(LocalTransport transport) {
  return node::local_transport_names.name(transport);
}

std::string_view to_string(Overdue overdue) { return node::overdue_names.name(overdue); }
std::string_view to_string(OwnMessages own) { return node::own_messages_names.name(own); }

std::string_view to_string(PeerGone::Why why) { return node::gone_names.name(why); }

std::string_view to_string(Undelivered::Why why) { return node::undelivered_names.name(why); }

std::string_view to_string(NotResumed::Why why) { return node::not_resumed_names.name(why); }

std::string_view to_string(OutboxLost::Why why) { return node::outbox_lost_names.name(why); }

std::string_view to_string(Received::Without::Why why) { return node::without_names.name(why); }

std::string_view to_string(Unpublished::Why why) { return node::unpublished_names.name(why); }

std::string_view to_string(PeerState state) { return node::peer_state_names.name(state); }

std::string_view to_string(Handshake step) { return node::handshake_names.name(step); }

std::string_view to_string(DatagramState state) { return node::datagram_state_names.name(state); }

std::string_view to_string(Trouble::Kind kind) { return node::trouble_names.name(kind); }

std::string_view to_string(Covered covered) { return node::covered_names.name(covered); }

std::string_view to_string(Ask answer) { return node::ask_names.name(answer); }

std::string_view to_string(TracedStep step) { return node::traced_step_names.name(step); }

std::string_view to_string(TracedFate fate) { return node::traced_fate_names.name(fate); }

std::string_view to_string(Traced::Fate fate) { return node::traced_names.name(fate); }

std::string_view to_string(Publish answer) { return node::publish_names.name(answer); }

}  // namespace tidegate
