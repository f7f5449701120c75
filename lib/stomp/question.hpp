// A SEND to /tidegate/wait: whether a position is covered (tidegate/covered.hpp). It publishes
// nothing; its RECEIPT is the answer.
#pragma once

#include <chrono>
#include <string_view>

#include "lib/stomp/frame.hpp"
#include "tidegate/covered.hpp"
#include "tidegate/position.hpp"
#include "tidegate/result.hpp"

namespace tidegate::stomp {

inline constexpr std::string_view questions = "/tidegate/wait";

struct Question {
  Position position;
  std::chrono::milliseconds timeout{0};
  Where where = Where::here;
};

[[nodiscard]] Result<Question> question_of(const Frame& send);

}  // namespace tidegate::stomp
