// How a thread waits: one descriptor for all that may wake it, and a callback for each.
//
// An epoll set with a timer in it, so that the whole can hang in somebody else's event loop and
// deadlines are kept to the microsecond (epoll_wait and zmq_poll know milliseconds only).
//
// Everything is level-triggered: a callback comes again with every run_once() while its descriptor
// is ready, or its timer due. So a callback may do a bounded part of the work, or only set a flag
// for the one who has called run_once().
//
// Threads: one at a time, except wake(). Callbacks run inside run_once(); they may add, change and
// stop anything, themselves too, but not call run_once(). A reactor outlives its watches and timers
// and stays where it was made.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "peer/io/descriptor.hpp"
#include "peer/io/interest.hpp"
#include "tidegate/time.hpp"

namespace tidegate::io {

class Reactor {
 private:
  struct WatchEntry;
  struct TimerEntry;

 public:
  Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;
  ~Reactor();

  // Readable while run_once() would return at once.
  [[nodiscard]] int descriptor() const { return epoll_.get(); }

  // One descriptor that is watched until the object goes. To be destroyed, or stopped, before the
  // descriptor is closed.
  class Watch {
   public:
    Watch() noexcept;  // of nothing
    Watch(Watch&&) noexcept;
    Watch& operator=(Watch&&) noexcept;
    ~Watch();

    // Waits for this from now on. The descriptor may be another than before (a libpq connection has
    // several in its life): see Interest::socket.
    void follow(const Interest& now);
    void stop();
    explicit operator bool() const { return entry_ != nullptr; }

   private:
    friend class Reactor;
    explicit Watch(std::unique_ptr<WatchEntry> entry);
    std::unique_ptr<WatchEntry> entry_;
  };

  // Also of what epoll refuses because it is always ready, such as a file.
  using ReadyCallback = std::function<void(Readiness)>;
  [[nodiscard]] Watch watch(const Interest& interest, ReadyCallback callback);
  [[nodiscard]] Watch watch_input(int descriptor, ReadyCallback callback) {
    return watch({descriptor, true, false, 0}, std::move(callback));
  }

  // One deadline. Without a callback it only ends the wait.
  class Timer {
   public:
    Timer(Timer&&) noexcept;
    Timer& operator=(Timer&&) = delete;
    ~Timer();

    // Due from then on, until it is set again. Instant::min() is by far the cheapest way to say at
    // once; `never` stops it.
    void set(Instant when);

   private:
    friend class Reactor;
    explicit Timer(std::unique_ptr<TimerEntry> entry);
    std::unique_ptr<TimerEntry> entry_;
  };

  using TimerCallback = std::function<void()>;
  [[nodiscard]] Timer timer(TimerCallback callback = nullptr);

  // Ends the wait that is under way, or else the next one. From any thread.
  void wake();

  // Waits for the timeout at most, negative: without end, and calls back what is ready, then what
  // is due. A signal ends the wait, too.
  void run_once(std::chrono::milliseconds timeout);

 private:
  [[nodiscard]] bool try_control(int operation, int descriptor, const WatchEntry& entry) const;
  void add(WatchEntry& entry);
  void follow(WatchEntry& entry, const Interest& now);
  void remove(std::unique_ptr<WatchEntry> entry);
  void remove(const TimerEntry* entry);
  void update_timers();
  void wake_at(Instant deadline);
  void run_timers();

  Descriptor epoll_;
  Descriptor timer_;
  Descriptor bell_;  // for at once: to set a timer to what is over costs the kernel an interrupt
  Descriptor waker_;
  std::atomic<bool> woken_ = false;  // the waker is readable, or will be in a moment
  Instant wake_at_ = never;
  bool rung_ = false;     // the timer has fired and stays readable until it is set again
  bool ringing_ = false;  // the bell is readable
  std::vector<TimerEntry*> timers_;
  std::vector<WatchEntry*> always_ready_;
  std::vector<std::unique_ptr<WatchEntry>> stopped_;  // while run_once() may still call them
  bool running_ = false;
};

}  // namespace tidegate::io
