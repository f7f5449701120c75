#include "tests/fuzz/targets.hpp"

#include <array>

namespace tidegate::fuzz {

std::span<const Target> targets() {
  static constexpr std::array<Target, 17> all{{
      {"frames", read_frames, frame_seeds},
      {"beacon", read_beacon, beacon_seeds},
      {"datagrams", read_datagrams, datagram_seeds},
      {"node", run_node, node_seeds},
      {"json-lines", read_json_lines, json_line_seeds},
      {"stomp-frames", read_stomp_frames, stomp_frame_seeds},
      {"stomp-session", run_stomp_session, stomp_session_seeds},
      {"durable", read_durable_subscriptions, durable_subscription_seeds},
      {"status", read_status, status_seeds},
      {"keys", read_keys, key_seeds},
      {"settings", read_settings, setting_seeds},
      {"words", read_words, word_seeds},
      {"token", read_token, token_seeds},
      {"state-file", read_state_file, state_file_seeds},
      {"connection-string", read_connection_string, connection_string_seeds},
      {"server-answer", read_server_answer, server_answer_seeds},
      {"zmtp", send_zmtp, zmtp_seeds, true},
  }};
  return all;
}

}  // namespace tidegate::fuzz
