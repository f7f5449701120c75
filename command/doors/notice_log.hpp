// The smallest door: an operator, who reads the notices on standard error (log.hpp). It takes
// everything at once and is never full.
#pragma once

#include "command/doors/door.hpp"
#include "command/log.hpp"

namespace tidegate::doors {

class NoticeLog final : public Door {
 public:
  explicit NoticeLog(spdlog::logger& log) : log_(log) {}

  void handle(const Incoming& incoming) override {
    const auto* notice = std::get_if<Notice>(&incoming);
    if (notice != nullptr) command::write(log_, command::describe(*notice));
  }

 private:
  spdlog::logger& log_;
};

}  // namespace tidegate::doors
