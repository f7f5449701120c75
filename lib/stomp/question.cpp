#include "lib/stomp/question.hpp"

#include <cstdint>
#include <string>
#include <utility>

#include "lib/base/decimal.hpp"
#include "lib/stomp/publication.hpp"

namespace tidegate::stomp {

Result<Question> question_of(const Frame& send) {
  const auto* receipt = send.find("receipt");
  if (receipt == nullptr || receipt->empty()) {
    return Error{"a question needs the header receipt, since its RECEIPT is the answer"};
  }
  if (send.find("transaction") != nullptr) return Error{"a question has no place in a transaction"};
  if (!send.body.empty()) return Error{"a question has no body"};
  const auto* text = send.find("position");
  if (text == nullptr) return Error{"a question needs the header position, a token"};
  auto position = position_of(*text);
  if (!position) return position.error();
  Question question{.position = std::move(*position)};
  if (const auto* timeout = send.find("timeout-ms")) {
    // As long as anybody may wait: a day, so that a sum with the present time stays a time.
    constexpr std::uint32_t longest = 86'400'000;
    const auto number = base::parse_number<std::uint32_t>(*timeout);
    if (!number || *number > longest) {
      return Error{"the header timeout-ms is '" + *timeout +
                   "'; write a number of milliseconds up to " + std::to_string(longest)};
    }
    question.timeout = std::chrono::milliseconds(*number);
  }
  if (const auto* everywhere = send.find("everywhere")) {
    if (*everywhere != "true" && *everywhere != "false") {
      return Error{"the header everywhere is '" + *everywhere + "'; write true or false"};
    }
    if (*everywhere == "true") question.where = Where::everywhere;
  }
  return question;
}

}  // namespace tidegate::stomp
