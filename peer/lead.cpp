#include "peer/lead.hpp"

#include "peer/io/clock.hpp"

namespace tidegate::peer {

bool Lead::take(Instant until) {
  std::unique_lock lock(mutex_);
  ++waiting_;
  if (own_leads_) wake_();
  io::wait_until(handed_on_, lock, until, [this] { return !taken_ || kept_; });
  --waiting_;
  if (taken_ || kept_) return false;
  taken_ = true;
  leader_ = std::this_thread::get_id();
  ++changes_;
  work_ = false;
  once_ = true;
  return true;
}

bool Lead::take_for_once() {
  const std::lock_guard lock(mutex_);
  if (taken_ || kept_ || waiting_ > 0 || !once_) return false;
  taken_ = true;
  leader_ = std::this_thread::get_id();
  once_ = false;
  return true;
}

void Lead::take_over() {
  std::unique_lock lock(mutex_);
  auto seen = changes_;
  const auto may = [this] { return !taken_ && (waiting_ == 0 || kept_); };
  const auto must = [&] { return may() && (work_ || kept_); };
  while (!io::wait_until(called_, lock, io::clock_now() + grace, must)) {
    if (changes_ != seen) {
      seen = changes_;
    } else if (may()) {
      break;
    } else {
      // Somebody waits for something, perhaps for hours.
      sleeps_ = true;
      called_.wait(lock, [&] { return must() || changes_ != seen; });
      sleeps_ = false;
    }
  }
  taken_ = own_leads_ = true;
  leader_ = std::this_thread::get_id();
  work_ = once_ = false;
}

bool Lead::wanted() const {
  const std::lock_guard lock(mutex_);
  return waiting_ > 0 && !kept_;
}

void Lead::keep() {
  const std::lock_guard lock(mutex_);
  kept_ = true;
  handed_on_.notify_all();
  called_.notify_one();
  if (taken_) wake_();
}

bool Lead::kept() const {
  const std::lock_guard lock(mutex_);
  return kept_;
}

void Lead::hand_on(bool work) {
  const std::lock_guard lock(mutex_);
  if (!own_leads_) ++changes_;
  taken_ = own_leads_ = false;
  leader_ = {};
  work_ = work_ || work;
  if (waiting_ > 0 && !kept_) {
    handed_on_.notify_one();
  } else if (work_ || sleeps_ || kept_) {
    called_.notify_one();
  }
}

void Lead::call() {
  const std::lock_guard lock(mutex_);
  if (!taken_) {
    work_ = true;
    called_.notify_one();
  } else if (leader_ != std::this_thread::get_id()) {
    wake_();
  }
}

}  // namespace tidegate::peer
