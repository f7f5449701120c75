// Frames of a member that says anything that can be said: of itself, of others, of this peer.
#pragma once

#include "lib/mesh/announcement.hpp"
#include "lib/mesh/frame.hpp"
#include "tests/fuzz/draw.hpp"
#include "tidegate/message.hpp"
#include "tidegate/tide.hpp"

namespace tidegate::fuzz {

[[nodiscard]] Origin draw_origin(Draw& draw);
[[nodiscard]] History draw_history(Draw& draw);
[[nodiscard]] std::optional<Position> draw_position(Draw& draw);
[[nodiscard]] Message draw_message(Draw& draw);
[[nodiscard]] mesh::PeerInfo draw_info(Draw& draw);
[[nodiscard]] mesh::Announcement draw_announcement(Draw& draw);
[[nodiscard]] mesh::CallFrame draw_call(Draw& draw);
[[nodiscard]] mesh::AnswerFrame draw_answer(Draw& draw);
[[nodiscard]] mesh::StreamFrame draw_publication(Draw& draw);

}  // namespace tidegate::fuzz
