// Which thread runs the loop of a peer, one at a time (the pattern Leader/Followers): the peer's
// own, or one of the application that waits for what comes. The latter needs no hop from thread to
// thread between a socket and the application, which is half of the time of a message.
//
// 1. A thread that waits has the lead as soon as the turn of the peer's own one is over.
// 2. The own thread has it while nobody waits. Mostly the application is back soon, so it takes
//    over when nobody has come for `grace`, and at once where there is work (call).
// 3. In between, one publish may be done by the thread that calls it.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

#include "tidegate/time.hpp"

namespace tidegate::peer {

class Lead {
 public:
  static constexpr Duration grace = std::chrono::milliseconds(10);

  // `wake` ends the wait of a turn that is under way, or of the next one. Called by any thread.
  explicit Lead(std::function<void()> wake) : wake_(std::move(wake)) {}

  // --- by threads of the application; whoever gets true has to hand the lead on ---

  // False: the time is over, or the lead is kept.
  [[nodiscard]] bool take(Instant until);
  // Without a wait, and once behind each take().
  [[nodiscard]] bool take_for_once();

  // --- by the peer's own thread ---

  // Returns when it has the lead.
  void take_over();
  // Others want it, which should have it after this turn.
  [[nodiscard]] bool wanted() const;
  // From now on nobody else gets it.
  void keep();
  [[nodiscard]] bool kept() const;

  // --- by any thread ---

  // `work`: the next one should not be long in coming.
  void hand_on(bool work);
  // There is work, which whoever leads does in the next turn. The one who leads does its own.
  void call();

 private:
  std::function<void()> wake_;
  mutable std::mutex mutex_;
  std::condition_variable handed_on_;  // to those who wait
  std::condition_variable called_;     // the own thread
  bool taken_ = false;
  bool own_leads_ = false;
  std::thread::id leader_;
  std::size_t waiting_ = 0;
  std::uint64_t changes_ = 0;  // from and to threads that wait
  bool sleeps_ = false;        // the own thread, until it is called
  bool work_ = true;           // at the beginning
  bool once_ = false;
  bool kept_ = false;
};

}  // namespace tidegate::peer
