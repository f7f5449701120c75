#include "peer/io/event_set.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include "lib/base/must.hpp"

namespace tidegate::io {
namespace {

constexpr EventSet::Token timer_token = 0;
constexpr EventSet::Token bell_token = std::numeric_limits<EventSet::Token>::max();

// False: it is there already, or not there yet, as the operation wishes it otherwise.
bool try_control(int epoll, int operation, int descriptor, std::uint32_t events,
                 EventSet::Token token) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = token;
  if (epoll_ctl(epoll, operation, descriptor, &event) == 0) return true;
  TIDEGATE_MUST(errno == EEXIST || errno == ENOENT);
  return false;
}

void control(int epoll, int operation, int descriptor, std::uint32_t events,
             EventSet::Token token) {
  TIDEGATE_MUST(try_control(epoll, operation, descriptor, events, token));
}

std::uint32_t events_of(const Interest& interest) {
  return (interest.read ? std::uint32_t{EPOLLIN} : 0U) |
         (interest.write ? std::uint32_t{EPOLLOUT} : 0U);
}

}  // namespace

EventSet::EventSet()
    : epoll_(epoll_create1(EPOLL_CLOEXEC)),
      timer_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)),
      bell_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  TIDEGATE_MUST(epoll_ && timer_ && bell_);
  control(epoll_.get(), EPOLL_CTL_ADD, timer_.get(), EPOLLIN, timer_token);
  control(epoll_.get(), EPOLL_CTL_ADD, bell_.get(), EPOLLIN, bell_token);
}

void EventSet::add(int descriptor, Token token) {
  TIDEGATE_MUST(token != timer_token && token != bell_token);
  control(epoll_.get(), EPOLL_CTL_ADD, descriptor, EPOLLIN, token);
}

void EventSet::remove(int descriptor) {
  control(epoll_.get(), EPOLL_CTL_DEL, descriptor, 0, timer_token);
}

// A socket that libpq has closed has left the set by itself, and its number may be somebody else's
// by now: it is not removed. One that is still open after its connection has moved on is the same.
void EventSet::follow(Connection& connection, const Interest& now) {
  auto& before = connection.interest;
  if (now == before) return;
  if (now.socket == before.socket && now.descriptor == before.descriptor) {
    control(epoll_.get(), EPOLL_CTL_MOD, now.descriptor, events_of(now), connection.token);
  } else if (now.descriptor >= 0 && !try_control(epoll_.get(), EPOLL_CTL_ADD, now.descriptor,
                                                 events_of(now), connection.token)) {
    control(epoll_.get(), EPOLL_CTL_MOD, now.descriptor, events_of(now), connection.token);
  }
  before = now;
}

void EventSet::wake_at(Instant deadline) {
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

const std::vector<EventSet::Token>& EventSet::wait(std::chrono::milliseconds timeout) {
  std::array<epoll_event, 64> events{};
  const int count = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                               static_cast<int>(timeout.count()));
  tokens_.clear();
  for (int i = 0; i < count; ++i) {
    const auto token = events.at(static_cast<std::size_t>(i)).data.u64;
    if (token == timer_token) {
      rung_ = true;
    } else if (token != bell_token) {
      tokens_.push_back(token);
    }
  }
  return tokens_;
}

}  // namespace tidegate::io
