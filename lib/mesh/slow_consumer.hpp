// Tells a reader that keeps trailing from one that has missed something once.
#pragma once

#include "tidegate/time.hpp"

namespace tidegate::mesh {

class SlowConsumer {
 public:
  // It has asked for missed messages.
  void asked(Instant now) {
    if (last_ == never || now - last_ > pause) since_ = now;
    last_ = now;
  }

  // It has done so again and again, for so long that people should know.
  [[nodiscard]] bool slow(Instant now) const {
    return last_ != never && last_ - since_ >= patience && now - last_ <= pause;
  }

 private:
  static constexpr Duration pause = std::chrono::seconds(5);
  static constexpr Duration patience = std::chrono::seconds(10);

  Instant since_ = never;
  Instant last_ = never;
};

}  // namespace tidegate::mesh
