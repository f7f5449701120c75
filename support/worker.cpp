#include "support/worker.hpp"

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <utility>

#include <poll.h>

namespace tidegate::support {
namespace {

constexpr Duration longest_complaint = std::chrono::milliseconds(100);
constexpr Duration longest_ending = std::chrono::seconds(2);

Command command(std::vector<std::string> arguments, const std::filesystem::path& log) {
  Command command;
  command.arguments = std::move(arguments);
  command.input = Stream::pipe;
  command.output = Stream::pipe;
  command.errors = Stream::pipe;
  command.log = log;
  return command;
}

}  // namespace

Worker::Worker(std::string name, std::vector<std::string> arguments, std::filesystem::path log)
    : name_(std::move(name)), log_(std::move(log)), process_(command(std::move(arguments), log_)) {}

std::istringstream Worker::expect(const std::string& word, Duration bound) {
  const auto said = line(bound);
  if (said && said->starts_with(word)) return std::istringstream(said->substr(word.size()));
  const auto complaint = process_.read_error_line(longest_complaint);
  if (complaint) throw std::runtime_error(name_ + ": " + *complaint);
  throw std::runtime_error(name_ + (said ? " said '" + *said + "' instead of '" + word + "'"
                                         : " did not say '" + word + "' in time"));
}

void Worker::check() {
  if (log_.empty()) {
    if (!process_.output()) fail(process_.terminate(longest_ending));
  } else if (const auto exit = process_.wait(Duration::zero())) {
    fail(*exit);
  }
}

void Worker::wait_for_end(Duration bound) {
  const auto exit = process_.wait(bound);
  if (!exit) throw std::runtime_error(name_ + " does not leave");
  if (!exit->success()) fail(*exit);
}

void Worker::fail(const Exit& exit) {
  std::string text = name_;
  text += exit.status > 128 ? " was ended by signal " + std::to_string(exit.status - 128)
                            : " ended with status " + std::to_string(exit.status);
  if (!log_.empty()) {
    std::ifstream log(log_);
    text += "; it said:\n" + std::string(std::istreambuf_iterator<char>(log), {});
  }
  while (const auto said = process_.read_error_line(Duration::zero())) text += "\n" + *said;
  throw std::runtime_error(text);
}

void wait_for_lines(const std::vector<Worker*>& workers, Duration bound) {
  std::vector<pollfd> outputs;
  outputs.reserve(workers.size());
  for (auto* worker : workers) {
    outputs.push_back({worker->process().output().get(), POLLIN, 0});
  }
  ::poll(outputs.data(), outputs.size(),
         static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(bound).count()));
}

void dismiss(const std::vector<Worker*>& workers, Duration bound) {
  for (auto* worker : workers) worker->close_input();
  for (auto* worker : workers) worker->wait_for_end(bound);
}

}  // namespace tidegate::support
