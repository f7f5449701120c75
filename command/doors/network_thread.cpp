#include "command/doors/network_thread.hpp"

#include <chrono>
#include <future>
#include <utility>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "peer/io/clock.hpp"
#include "peer/io/thread.hpp"

namespace tidegate::doors {
namespace {

constexpr int one_thread = 1;
constexpr auto task_bound = std::chrono::seconds(1);

// When the peer leaves: for what clients have sent by then, to reach the session.
constexpr Duration settle_bound = std::chrono::milliseconds(200);

}  // namespace

NetworkThread::NetworkThread(io::Reactor& reactor)
    : reactor_(reactor), context_(std::make_unique<boost::asio::io_context>(one_thread)) {}

Result<std::unique_ptr<NetworkThread>> NetworkThread::start(io::Reactor& reactor) {
  std::unique_ptr<NetworkThread> self(new NetworkThread(reactor));
  auto thread = io::start_thread([&context = *self->context_] {
    const auto stays = boost::asio::make_work_guard(context);
    context.run();
  });
  if (!thread) return thread.error();
  self->thread_ = std::move(thread).value();
  return self;
}

// Pipes that still hang in the context end with it.
NetworkThread::~NetworkThread() {
  stop();
  context_.reset();
}

void NetworkThread::stop() {
  context_->stop();
  if (thread_.joinable()) thread_.join();
}

void NetworkThread::to_session(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  reactor_.wake();
}

void NetworkThread::post(std::function<void()> task) {
  boost::asio::post(*context_, std::move(task));
}

void NetworkThread::run(const std::function<void()>& task) {
  const auto done = std::make_shared<std::promise<void>>();
  boost::asio::post(*context_, [task, done] {
    task();
    done->set_value();
  });
  (void)done->get_future().wait_for(task_bound);
}

NetworkThread::Pipe::~Pipe() {
  --thread_->pipes_;
  thread_->reactor_.wake();
}

void NetworkThread::peer_has_turned() {
  std::vector<std::function<void()>> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(tasks_);
  }
  for (const auto& task : tasks) task();
}

// All that clients have written by now reaches the session, unless a pipe is full, or they never
// stop.
void NetworkThread::peer_leaves() {
  leaving_ = true;
  run([&context = *context_] {
    const auto end = io::clock_now() + settle_bound;
    while (io::clock_now() < end && context.poll_one() > 0) {
    }
  });
  peer_has_turned();
}

}  // namespace tidegate::doors
