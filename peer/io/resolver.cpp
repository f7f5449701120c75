#include "peer/io/resolver.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <mutex>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

#include <netdb.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "lib/base/must.hpp"
#include "peer/io/descriptor.hpp"
#include "peer/io/thread.hpp"

namespace tidegate::io {
namespace {

constexpr std::size_t most_threads = 4;
constexpr std::size_t most_addresses = 64;  // of one name

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

std::string numeric(const addrinfo& address) {
  std::array<char, NI_MAXHOST> text{};
  const bool ok = getnameinfo(address.ai_addr, address.ai_addrlen, text.data(), text.size(),
                              nullptr, 0, NI_NUMERICHOST) == 0;
  return ok ? text.data() : "";
}

}  // namespace

bool is_address(const std::string& host) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return false;
  freeaddrinfo(found);
  return true;
}

Resolver::Answer Resolver::look_up(const std::string& name) {
  Answer answer{name, {}, {}};
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* first = nullptr;
  const int error = getaddrinfo(name.c_str(), nullptr, &hints, &first);
  if (error != 0) {
    answer.trouble =
        error == EAI_SYSTEM ? std::generic_category().message(errno) : gai_strerror(error);
    return answer;
  }
  const AddressList owner(first, &freeaddrinfo);
  for (const auto* next = first; next != nullptr; next = next->ai_next) {
    auto text = numeric(*next);
    auto& known = answer.addresses;
    if (text.empty() || known.size() == most_addresses) continue;
    if (std::find(known.begin(), known.end(), text) == known.end()) known.push_back(text);
  }
  if (answer.addresses.empty()) answer.trouble = "the name has no address";
  return answer;
}

// Outlives the resolver as long as a lookup is under way.
struct Resolver::State {
  explicit State(Lookup its_lookup)
      : lookup(std::move(its_lookup)), bell(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    TIDEGATE_MUST(bell);
  }

  void ring() const { (void)eventfd_write(bell.get(), 1); }

  void finish(const std::string& name, Answer answer) {
    const std::lock_guard lock(mutex);
    under_way.erase(name);
    answers.insert_or_assign(name, std::move(answer));
    // Others may wait for a thread.
    if (!wanted.empty()) ring();
  }

  const Lookup lookup;
  const Descriptor bell;
  std::mutex mutex;  // for all below
  std::set<std::string> under_way;
  std::map<std::string, Instant> wanted;  // until then
  std::map<std::string, Answer> answers;  // not taken yet
};

Resolver::Resolver(Duration patience, Lookup lookup)
    : state_(std::make_shared<State>(std::move(lookup))), patience_(patience) {}

Resolver::~Resolver() {
  if (state_) forget();
}

int Resolver::descriptor() const { return state_->bell.get(); }

void Resolver::ask(const std::string& name, Instant now) {
  const std::lock_guard lock(state_->mutex);
  state_->wanted.try_emplace(name, now + patience_);
  if (state_->answers.contains(name)) state_->ring();
  start_lookups();
}

void Resolver::forget() {
  const std::lock_guard lock(state_->mutex);
  state_->wanted.clear();
  eventfd_t rings = 0;
  (void)eventfd_read(state_->bell.get(), &rings);
}

Instant Resolver::deadline() const {
  const std::lock_guard lock(state_->mutex);
  auto first = never;
  for (const auto& [name, until] : state_->wanted) first = std::min(first, until);
  return first;
}

std::vector<Resolver::Answer> Resolver::take(Instant now) {
  const std::lock_guard lock(state_->mutex);
  eventfd_t rings = 0;
  (void)eventfd_read(state_->bell.get(), &rings);
  std::vector<Answer> answers;
  for (auto next = state_->wanted.begin(); next != state_->wanted.end();) {
    const auto found = state_->answers.find(next->first);
    if (found != state_->answers.end()) {
      answers.push_back(std::move(found->second));
      state_->answers.erase(found);
    } else if (now >= next->second) {
      const auto waited = std::chrono::duration_cast<std::chrono::seconds>(patience_);
      answers.push_back({next->first,
                         {},
                         "no name server has answered for " + std::to_string(waited.count()) +
                             " s; look at /etc/resolv.conf"});
    } else {
      ++next;
      continue;
    }
    next = state_->wanted.erase(next);
  }
  start_lookups();
  return answers;
}

// With the mutex held.
void Resolver::start_lookups() {
  const SignalsBlocked blocked;  // the threads start with this mask
  for (const auto& [name, until] : state_->wanted) {
    if (state_->answers.contains(name) || state_->under_way.size() >= most_threads) continue;
    if (!state_->under_way.insert(name).second) continue;
    try {
      std::thread([state = state_, name = std::string(name)] {
        state->finish(name, state->lookup(name));
      }).detach();
    } catch (const std::system_error& error) {
      state_->under_way.erase(name);
      state_->answers.insert_or_assign(
          name, Answer{name, {}, std::string("no thread can be started: ") + error.what()});
      state_->ring();
    }
  }
}

}  // namespace tidegate::io
