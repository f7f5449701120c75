// Turns one of the machines that the loop drives (a Database, the readers of a server) as
// the loop does: waits for its descriptor or its deadline, advances it, keeps what happened.
#pragma once

#include <algorithm>
#include <chrono>
#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <poll.h>

#include "tidegate/result.hpp"
#include "tidegate/time.hpp"

namespace tidegate::testing {

inline Instant current_time() {
  return Instant(std::chrono::steady_clock::now().time_since_epoch());
}

// The words of an event for people, if it has any.
template <typename Event>
std::string told_by(const Event& event) {
  return std::visit(
      [](const auto& one) -> std::string {
        if constexpr (requires { one.message; }) return " (" + one.message + ")";
        if constexpr (requires { one.reason; }) return " (" + one.reason + ")";
        return "";
      },
      event);
}

template <typename Machine, typename Event>
class Turning {
 public:
  explicit Turning(Result<std::unique_ptr<Machine>> machine)
      : machine_(std::move(machine).value()) {}

  Machine* operator->() { return machine_.get(); }
  Machine& operator*() { return *machine_; }

  // Waits for the next thing that happens, which must be a `Wanted`; others are an error.
  template <typename Wanted>
  Wanted next(Duration bound = std::chrono::seconds(20)) {
    const auto end = current_time() + bound;
    while (events_.empty()) {
      if (current_time() >= end) throw std::runtime_error("nothing happened in time");
      turn(end);
    }
    const auto event = std::move(events_.front());
    events_.pop_front();
    if (const auto* wanted = std::get_if<Wanted>(&event)) return *wanted;
    throw std::runtime_error("event " + std::to_string(event.index()) + " of the variant came" +
                             told_by(event) + " instead of the one expected");
  }

  // Whether the next thing that has happened is that one; takes it then.
  template <typename Wanted>
  bool take() {
    if (events_.empty() || !std::holds_alternative<Wanted>(events_.front())) return false;
    events_.pop_front();
    return true;
  }

  // The same as next(), but passes over what else happens.
  template <typename Wanted>
  Wanted await(Duration bound = std::chrono::seconds(20)) {
    const auto end = current_time() + bound;
    for (;;) {
      for (; !events_.empty(); events_.pop_front()) {
        if (!std::holds_alternative<Wanted>(events_.front())) continue;
        auto wanted = std::get<Wanted>(std::move(events_.front()));
        events_.pop_front();
        return wanted;
      }
      if (current_time() >= end) throw std::runtime_error("it did not happen in time");
      turn(end);
    }
  }

  // Turns until `predicate` is true; false when it still is not after `bound`.
  template <typename Predicate>
  bool until(Predicate&& predicate, Duration bound = std::chrono::seconds(20)) {
    const auto end = current_time() + bound;
    while (!predicate()) {
      if (current_time() >= end) return false;
      turn(std::min(end, current_time() + std::chrono::milliseconds(5)));
    }
    return true;
  }

  // Turns for that long, whatever happens.
  void pass(Duration duration) {
    const auto end = current_time() + duration;
    while (current_time() < end) turn(end);
  }

  // Once: until something is ready, the deadline, or `end`.
  void turn(Instant end) {
    const auto interest = machine_->interest();
    pollfd wanted{interest.descriptor, 0, 0};
    if (interest.read) wanted.events |= POLLIN;
    if (interest.write) wanted.events |= POLLOUT;
    const auto now = current_time();
    const auto until = std::min(machine_->deadline(), end);
    const Duration left = until > now ? until - now : Duration::zero();
    const timespec time{left / std::chrono::seconds(1), (left % std::chrono::seconds(1)).count()};
    ::ppoll(&wanted, 1, &time, nullptr);
    ++turns_;
    std::vector<Event> events;
    machine_->advance(current_time(), events);
    for (auto& event : events) events_.push_back(std::move(event));
  }

  [[nodiscard]] bool quiet() const { return events_.empty(); }
  void forget() { events_.clear(); }
  [[nodiscard]] int turns() const { return turns_; }

 private:
  std::unique_ptr<Machine> machine_;
  std::deque<Event> events_;
  int turns_ = 0;
};

}  // namespace tidegate::testing
