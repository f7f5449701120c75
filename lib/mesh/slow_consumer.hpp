// Tells a reader that keeps trailing from one that has missed something once.
#pragma once

#include "tidegate/time.hpp"

namespace tidegate::mesh {

class SlowConsumer {
 public:
  // It has asked for missed messages. True: it has done so again and again, for so long that people
  // should know; once for each such while.
  bool asked(Instant now) {
    if (last_ == never || now - last_ > pause) {
      since_ = now;
      told_ = false;
    }
    last_ = now;
    if (told_ || now - since_ < patience) return false;
    told_ = true;
    return true;
  }

  [[nodiscard]] bool slow(Instant now) const { return told_ && now - last_ <= pause; }

 private:
  static constexpr Duration pause = std::chrono::seconds(5);
  static constexpr Duration patience = std::chrono::seconds(10);

  Instant since_ = never;
  Instant last_ = never;
  bool told_ = false;
};

}  // namespace tidegate::mesh
