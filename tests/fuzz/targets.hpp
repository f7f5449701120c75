// Readers of what others have made, each as a function that takes any bytes and must come back.
//
// Nothing may crash, abort or take long, and a value that could be read must come back the same
// when it is written. libFuzzer draws inputs for them (fuzz.cpp, ./dev fuzz), and the tests give
// them those in corpus/ and changed ones (corpus_test.cpp).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::fuzz {

struct Target {
  std::string_view name;  // also of its folder in corpus/
  void (*read)(std::string_view input);
  std::vector<std::string> (*seeds)();  // good inputs to begin with
  // Inputs take milliseconds, and it needs sockets.
  bool live = false;
};

[[nodiscard]] std::span<const Target> targets();

// Frames, datagrams and bytes that strangers and members send.
void read_frames(std::string_view input);
void read_beacon(std::string_view input);
void read_datagrams(std::string_view input);  // datagram_target.cpp
void run_node(std::string_view input);        // node_target.cpp
void send_zmtp(std::string_view input);       // zmtp_target.cpp

// Text that programs and operators write.
void read_json_lines(std::string_view input);
void read_status(std::string_view input);
void read_keys(std::string_view input);
void read_settings(std::string_view input);
void read_words(std::string_view input);
void read_token(std::string_view input);
void read_state_file(std::string_view input);

// Bytes that STOMP clients send (stomp_targets.cpp).
void read_stomp_frames(std::string_view input);
void run_stomp_session(std::string_view input);

// The text in which a peer keeps durable subscriptions (stomp_targets.cpp).
void read_durable_subscriptions(std::string_view input);

// Answers of database servers and of their library.
void read_connection_string(std::string_view input);
void read_server_answer(std::string_view input);

// Good inputs of each.
[[nodiscard]] std::vector<std::string> frame_seeds();
[[nodiscard]] std::vector<std::string> beacon_seeds();
[[nodiscard]] std::vector<std::string> datagram_seeds();
[[nodiscard]] std::vector<std::string> node_seeds();
[[nodiscard]] std::vector<std::string> zmtp_seeds();
[[nodiscard]] std::vector<std::string> json_line_seeds();
[[nodiscard]] std::vector<std::string> status_seeds();
[[nodiscard]] std::vector<std::string> key_seeds();
[[nodiscard]] std::vector<std::string> setting_seeds();
[[nodiscard]] std::vector<std::string> word_seeds();
[[nodiscard]] std::vector<std::string> token_seeds();
[[nodiscard]] std::vector<std::string> state_file_seeds();
[[nodiscard]] std::vector<std::string> stomp_frame_seeds();
[[nodiscard]] std::vector<std::string> stomp_session_seeds();
[[nodiscard]] std::vector<std::string> durable_subscription_seeds();
[[nodiscard]] std::vector<std::string> connection_string_seeds();
[[nodiscard]] std::vector<std::string> server_answer_seeds();

}  // namespace tidegate::fuzz
