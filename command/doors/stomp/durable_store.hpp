// The durable subscriptions of a door together with their file, from before the peer starts, which
// has to know where to resume, until after it has left.
//
// While the file can't be written all goes on in memory: the log says so, and the whole is written
// once that is possible again. If the peer is killed meanwhile, what was acknowledged comes again.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "lib/stomp/durable_subscriptions.hpp"
#include "peer/durable_file.hpp"
#include "tidegate/options.hpp"
#include "tidegate/result.hpp"
#include "tidegate/time.hpp"

namespace tidegate::stomp_door {

class DurableStore {
 public:
  // An error: another process has the file, or it can't be understood.
  static Result<std::unique_ptr<DurableStore>> open(const std::string& state_file);

  [[nodiscard]] stomp::DurableSubscriptions& subscriptions() { return subscriptions_; }

  // Makes the peer resume the streams that they follow, and begin unknown ones with what is still
  // retained of them. True: then it delivers messages that nobody but they has a claim to.
  bool prepare(Options& options) const;

  // Writes what has changed. Answers a word for the log, if there is one.
  struct Word {
    bool trouble = false;
    std::string text;
  };
  [[nodiscard]] std::optional<Word> write(Instant now);

 private:
  DurableStore(peer::DurableFile file, const stomp::DurableImage& image);

  peer::DurableFile file_;
  stomp::DurableSubscriptions subscriptions_;
  bool failing_ = false;
  Instant again_at_ = Instant::min();
};

}  // namespace tidegate::stomp_door
