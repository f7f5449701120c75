#include "peer/io/reactor.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include "lib/base/must.hpp"
#include "peer/io/clock.hpp"

namespace tidegate::io {
namespace {

std::uint32_t events_of(const Interest& interest) {
  return (interest.read ? std::uint32_t{EPOLLIN} : 0U) |
         (interest.write ? std::uint32_t{EPOLLOUT} : 0U);
}

void watch_own(const Descriptor& epoll, const Descriptor& own) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = const_cast<Descriptor*>(&own);
  TIDEGATE_MUST(epoll_ctl(epoll.get(), EPOLL_CTL_ADD, own.get(), &event) == 0);
}

}  // namespace

struct Reactor::WatchEntry {
  Reactor* reactor;
  Interest interest;
  ReadyCallback callback;
  bool always_ready = false;
  bool stopped = false;
};

struct Reactor::TimerEntry {
  Reactor* reactor;
  TimerCallback callback;
  Instant when = never;
};

Reactor::Reactor()
    : epoll_(epoll_create1(EPOLL_CLOEXEC)),
      timer_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)),
      bell_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      waker_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  TIDEGATE_MUST(epoll_ && timer_ && bell_ && waker_);
  for (const auto* own : {&timer_, &bell_, &waker_}) watch_own(epoll_, *own);
}

Reactor::~Reactor() = default;

// --- descriptors --------------------------------------------------------------------------------

Reactor::Watch::Watch() noexcept = default;
Reactor::Watch::Watch(std::unique_ptr<WatchEntry> entry) : entry_(std::move(entry)) {}
Reactor::Watch::Watch(Watch&&) noexcept = default;
Reactor::Watch& Reactor::Watch::operator=(Watch&& other) noexcept {
  std::swap(entry_, other.entry_);
  return *this;
}
Reactor::Watch::~Watch() { stop(); }

void Reactor::Watch::follow(const Interest& now) { entry_->reactor->follow(*entry_, now); }

void Reactor::Watch::stop() {
  if (entry_) entry_->reactor->remove(std::move(entry_));
}

Reactor::Watch Reactor::watch(const Interest& interest, ReadyCallback callback) {
  auto entry =
      std::make_unique<WatchEntry>(WatchEntry{this, interest, std::move(callback), false, false});
  if (interest.descriptor >= 0) add(*entry);
  return Watch(std::move(entry));
}

// False: it is there already, or not there yet, as the operation wishes it otherwise.
bool Reactor::try_control(int operation, int descriptor, const WatchEntry& entry) const {
  epoll_event event{};
  event.events = events_of(entry.interest);
  event.data.ptr = const_cast<WatchEntry*>(&entry);
  if (epoll_ctl(epoll_.get(), operation, descriptor, &event) == 0) return true;
  TIDEGATE_MUST(errno == EEXIST || errno == ENOENT || errno == EPERM || errno == EBADF);
  return false;
}

void Reactor::add(WatchEntry& entry) {
  if (try_control(EPOLL_CTL_ADD, entry.interest.descriptor, entry)) return;
  if (errno == EPERM) {
    entry.always_ready = true;
    always_ready_.push_back(&entry);
    update_timers();
  } else {
    TIDEGATE_MUST(errno == EEXIST && try_control(EPOLL_CTL_MOD, entry.interest.descriptor, entry));
  }
}

// A socket that libpq has closed has left the set by itself, and its number may be somebody else's
// by now: it is not removed. One that is still open after its connection has moved on is the same.
void Reactor::follow(WatchEntry& entry, const Interest& now) {
  if (now == entry.interest) return;
  const auto before = std::exchange(entry.interest, now);
  if (entry.always_ready) return update_timers();
  if (now.socket == before.socket && now.descriptor == before.descriptor) {
    TIDEGATE_MUST(try_control(EPOLL_CTL_MOD, now.descriptor, entry));
  } else if (now.descriptor >= 0) {
    add(entry);
  }
}

void Reactor::remove(std::unique_ptr<WatchEntry> entry) {
  if (entry->always_ready) {
    std::erase(always_ready_, entry.get());
    update_timers();
  } else if (entry->interest.descriptor >= 0) {
    (void)try_control(EPOLL_CTL_DEL, entry->interest.descriptor, *entry);
  }
  entry->stopped = true;
  if (running_) stopped_.push_back(std::move(entry));
}

// --- time ---------------------------------------------------------------------------------------

Reactor::Timer::Timer(std::unique_ptr<TimerEntry> entry) : entry_(std::move(entry)) {}
Reactor::Timer::Timer(Timer&&) noexcept = default;
Reactor::Timer::~Timer() {
  if (entry_) entry_->reactor->remove(entry_.get());
}

void Reactor::Timer::set(Instant when) {
  entry_->when = when;
  entry_->reactor->update_timers();
}

Reactor::Timer Reactor::timer(TimerCallback callback) {
  auto entry = std::make_unique<TimerEntry>(TimerEntry{this, std::move(callback), never});
  timers_.push_back(entry.get());
  return Timer(std::move(entry));
}

void Reactor::remove(const TimerEntry* entry) {
  std::erase(timers_, entry);
  update_timers();
}

void Reactor::update_timers() {
  auto first = never;
  for (const auto* timer : timers_) first = std::min(first, timer->when);
  for (const auto* entry : always_ready_) {
    if (entry->interest.read || entry->interest.write) first = Instant::min();
  }
  wake_at(first);
}

void Reactor::wake_at(Instant deadline) {
  if (const bool at_once = deadline == Instant::min(); at_once != ringing_) {
    eventfd_t value = 0;
    TIDEGATE_MUST((at_once ? eventfd_write(bell_.get(), 1) : eventfd_read(bell_.get(), &value)) ==
                  0);
    ringing_ = at_once;
  }
  if (ringing_ || (deadline == wake_at_ && !rung_)) return;
  wake_at_ = deadline;
  rung_ = false;
  itimerspec when{};
  if (deadline != never) {
    // 0 would stop the timer; anything else that is over fires at once.
    const auto since_boot = std::max<std::int64_t>(deadline.time_since_epoch().count(), 1);
    constexpr std::int64_t second = 1'000'000'000;
    when.it_value.tv_sec = since_boot / second;
    when.it_value.tv_nsec = since_boot % second;
  }
  TIDEGATE_MUST(timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr) == 0);
}

// A callback may make and destroy timers. One that is passed over thereby is due the next time too.
void Reactor::run_timers() {
  std::optional<Instant> now;
  // NOLINTNEXTLINE(modernize-loop-convert): a callback may add some
  for (std::size_t i = 0; i < timers_.size(); ++i) {
    const auto& timer = *timers_[i];
    if (!timer.callback || timer.when == never) continue;
    if (!now) now = clock_now();
    if (timer.when <= *now) {
      const auto callback = timer.callback;
      callback();
    }
  }
}

// --- waiting ------------------------------------------------------------------------------------

void Reactor::wake() {
  if (!woken_.exchange(true)) TIDEGATE_MUST(eventfd_write(waker_.get(), 1) == 0);
}

void Reactor::run_once(std::chrono::milliseconds timeout) {
  TIDEGATE_MUST(!running_);
  std::array<epoll_event, 64> events{};
  constexpr std::int64_t longest = std::numeric_limits<int>::max();
  const int count =
      epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                 static_cast<int>(std::clamp<std::int64_t>(timeout.count(), -1, longest)));
  running_ = true;
  for (int i = 0; i < count; ++i) {
    const auto& event = events.at(static_cast<std::size_t>(i));
    if (event.data.ptr == &timer_) {
      rung_ = true;
    } else if (event.data.ptr == &waker_) {
      // In this order: whoever finds the flag set has done its part before we look for it.
      eventfd_t value = 0;
      TIDEGATE_MUST(eventfd_read(waker_.get(), &value) == 0);
      woken_ = false;
    } else if (event.data.ptr != &bell_) {
      const auto& entry = *static_cast<WatchEntry*>(event.data.ptr);
      if (entry.stopped) continue;
      entry.callback({(event.events & EPOLLIN) != 0, (event.events & EPOLLOUT) != 0,
                      (event.events & (EPOLLERR | EPOLLHUP)) != 0});
    }
  }
  // NOLINTNEXTLINE(modernize-loop-convert): a callback may add some
  for (std::size_t i = 0; i < always_ready_.size(); ++i) {
    const auto& entry = *always_ready_[i];
    if (entry.interest.read || entry.interest.write) {
      entry.callback({entry.interest.read, entry.interest.write, false});
    }
  }
  if (rung_ || ringing_) run_timers();
  running_ = false;
  stopped_.clear();
}

}  // namespace tidegate::io
