#include "peer/carriers/zeromq/guard.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/must.hpp"
#include "peer/carriers/zeromq/connection_facts.hpp"
#include "peer/carriers/zeromq/sockets.hpp"
#include "peer/io/clock.hpp"
#include "peer/io/thread.hpp"

namespace tidegate::zeromq {
namespace {

// Between two looks at a connection. One that was dialled may bring streams, of which much more
// must come before anything is wrong.
constexpr Duration rest_of_caller = std::chrono::milliseconds(2);
constexpr Duration rest_of_dialled = std::chrono::milliseconds(20);

// That libzmq needs for each part, whatever its size.
constexpr std::uint64_t part_bytes = 64;

// Descriptors that no caller gets, so that there are some for what this process opens itself.
constexpr rlim_t most_reserved = 256;
constexpr rlim_t reserved_part = 8;  // one in so many

// The owner of an event of the epoll set: the descriptor of a connection, or one of these.
constexpr std::uint64_t of_source = std::uint64_t{1} << 63U;  // + its id
constexpr std::uint64_t of_wake = ~std::uint64_t{0};

// Of a refusal by its key the doorkeeper knows.
constexpr int of_listener =
    ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL;

struct ConnectionEvent {
  std::uint16_t kind = 0;
  int descriptor = -1;
  std::string endpoint;
};

// Nothing: there is none.
std::optional<ConnectionEvent> next_event(zmq::socket_t& events) {
  zmq::message_t event;
  zmq::message_t endpoint;
  if (!uninterrupted([&] { return events.recv(event, zmq::recv_flags::dontwait); })) {
    return std::nullopt;
  }
  (void)uninterrupted([&] { return events.recv(endpoint, zmq::recv_flags::dontwait); });
  ConnectionEvent made{.endpoint = endpoint.to_string()};
  std::int32_t value = 0;
  TIDEGATE_MUST(event.size() == sizeof made.kind + sizeof value);
  std::memcpy(&made.kind, event.data(), sizeof made.kind);
  std::memcpy(&value, static_cast<const char*>(event.data()) + sizeof made.kind, sizeof value);
  made.descriptor = value;
  return made;
}

// The descriptors are used up, but for those that callers don't get.
bool crowded(int descriptor) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
  const auto reserved = std::min(limit.rlim_cur / reserved_part, most_reserved);
  return static_cast<rlim_t>(descriptor) >= limit.rlim_cur - reserved;
}

bool ends_with_port(const std::string& endpoint, std::uint16_t port) {
  return port != 0 && endpoint.ends_with(":" + std::to_string(port));
}

}  // namespace

// --- from outside -------------------------------------------------------------------------------

Result<std::unique_ptr<Guard>> Guard::start(zmq::context_t& context) {
  std::unique_ptr<Guard> guard(new Guard(context));
  epoll_event event{EPOLLIN, {.u64 = of_wake}};
  if (!guard->spare_ ||
      epoll_ctl(guard->epoll_.get(), EPOLL_CTL_ADD, guard->wake_.get(), &event) != 0) {
    return Error{"no more files can be opened; raise LimitNOFILE (ulimit -n)"};
  }
  auto thread = io::start_thread([running = guard.get()] { running->run(); });
  if (!thread) return thread.error();
  guard->thread_ = std::move(thread).value();
  return guard;
}

Guard::Guard(zmq::context_t& context)
    : context_(context),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      spare_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void Guard::stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake();
  if (thread_.joinable()) thread_.join();
  sources_.clear();
  to_watch_.clear();
}

Guard::Watch Guard::watch(zmq::socket_t& socket, Side side, const Allowance& allowance) {
  Watch watch;
  watch.intake_ = std::make_shared<Intake>();
  Source source{zmq::socket_t(context_, zmq::socket_type::pair), side, allowance, watch.intake_};
  source.events.set(zmq::sockopt::linger, 0);
  source.events.set(zmq::sockopt::rcvhwm, 0);
  // Each name is used once: that of a monitor that has ended may still be taken.
  const auto id = ++last_id_;
  const auto endpoint = "inproc://guard/" + std::to_string(id);
  const int kinds = side == Side::listens ? of_listener : ZMQ_EVENT_CONNECTED;
  if (zmq_socket_monitor(socket.handle(), endpoint.c_str(), kinds) != 0) throw zmq::error_t();
  watch.socket_ = socket.handle();  // from here on it ends the monitor
  source.events.connect(endpoint);
  watch.guard_ = this;
  watch.id_ = id;
  {
    const std::lock_guard lock(mutex_);
    to_watch_.emplace_back(id, std::move(source));
  }
  wake();
  return watch;
}

// The socket that it has watched so far may go when this returns.
Guard::Watch& Guard::Watch::operator=(Watch&& other) noexcept {
  Watch ended;
  ended.swap(*this);
  swap(other);
  return *this;
}

void Guard::Watch::swap(Watch& other) noexcept {
  std::swap(guard_, other.guard_);
  std::swap(id_, other.id_);
  std::swap(socket_, other.socket_);
  std::swap(intake_, other.intake_);
}

// The monitor ends before its reader does: the other way round libzmq would wait for ever.
Guard::Watch::~Watch() {
  if (socket_ != nullptr) (void)zmq_socket_monitor(socket_, nullptr, 0);
  if (guard_ != nullptr) guard_->forget(id_);
}

void Guard::forget(std::uint64_t id) {
  {
    const std::lock_guard lock(mutex_);
    to_forget_.push_back(id);
  }
  wake();
}

void Guard::know(int descriptor, bool known) {
  {
    const std::lock_guard lock(mutex_);
    to_know_.emplace_back(descriptor, known);
  }
  wake();
}

void Guard::wake() const {
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);
}

carriers::Floods Guard::floods() const {
  const std::lock_guard lock(mutex_);
  return floods_;
}

// --- the thread ---------------------------------------------------------------------------------

void Guard::run() {
  std::array<epoll_event, 64> ready{};
  while (take_changes()) {
    const int timeout =
        resting_.empty() ? -1 : static_cast<int>(io::until(resting_.begin()->first).count());
    const int count =
        epoll_wait(epoll_.get(), ready.data(), static_cast<int>(ready.size()), timeout);
    for (int i = 0; i < count; ++i) {
      const auto owner = ready.at(static_cast<std::size_t>(i)).data.u64;
      if (owner == of_wake) {
        std::uint64_t calls = 0;
        (void)!::read(wake_.get(), &calls, sizeof calls);
      } else if ((owner & of_source) != 0) {
        take_events(owner & ~of_source);
      } else {
        look_at(static_cast<int>(owner));
      }
    }
    look_at_rested();
  }
}

// False: it is time to end.
bool Guard::take_changes() {
  std::vector<std::pair<std::uint64_t, Source>> to_watch;
  std::vector<std::uint64_t> to_forget;
  std::vector<std::pair<int, bool>> to_know;
  {
    const std::lock_guard lock(mutex_);
    if (stop_) return false;
    to_watch.swap(to_watch_);
    to_forget.swap(to_forget_);
    to_know.swap(to_know_);
  }
  for (auto& [id, source] : to_watch) {
    epoll_event event{EPOLLIN, {.u64 = of_source | id}};
    const int descriptor = source.events.get(zmq::sockopt::fd);
    TIDEGATE_MUST(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) == 0);
    sources_.emplace(id, std::move(source));
    take_events(id);
  }
  for (const auto id : to_forget) {
    const auto source = sources_.find(id);
    TIDEGATE_MUST(source != sources_.end());
    (void)epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, source->second.events.get(zmq::sockopt::fd),
                    nullptr);
    sources_.erase(source);
  }
  // Those that are known now may not have been met yet.
  if (!to_know.empty()) {
    for (const auto& [id, source] : sources_) take_events(id);
  }
  for (const auto& [descriptor, known] : to_know) {
    const auto found = connections_.find(descriptor);
    if (found != connections_.end()) found->second.known = known;
  }
  return true;
}

void Guard::take_events(std::uint64_t id) {
  const auto source = sources_.find(id);
  if (source == sources_.end()) return;
  while (const auto event = next_event(source->second.events)) {
    if (event->kind == ZMQ_EVENT_ACCEPTED || event->kind == ZMQ_EVENT_CONNECTED) {
      meet(id, source->second.side, event->descriptor, event->endpoint);
    } else {
      ++failed_handshakes_;
    }
  }
}

// The descriptor may be closed by now, and even be another file.
void Guard::meet(std::uint64_t id, Side side, int descriptor, const std::string& endpoint) {
  const auto now = io::clock_now();
  const Connection connection{
      .source = id, .cookie = cookie_of(descriptor), .met = now, .looked = now};
  if (const auto unix_name = unix_name_of(descriptor); !unix_name.empty()) {
    if (side == Side::dials || !endpoint.ends_with(unix_name)) return;
    const auto user = user_behind(descriptor);
    if (user == geteuid() || user == 0U) return;
    return cut(descriptor, connection.cookie,
               "is a process of another user, and its Unix socket is for this user's; use "
               "local-transport tcp there");
  }
  const auto port = side == Side::listens ? local_port_of(descriptor) : remote_port_of(descriptor);
  if (!ends_with_port(endpoint, port)) return;
  if (side == Side::listens && crowded(descriptor)) {
    return cut(descriptor, connection.cookie,
               "came when nearly all open files were in use; raise LimitNOFILE (ulimit -n)");
  }
  epoll_event nothing_yet{EPOLLONESHOT, {.u64 = static_cast<std::uint64_t>(descriptor)}};
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &nothing_yet) != 0 && errno != EEXIST) {
    return cut(descriptor, connection.cookie,
               "can't be watched; raise the limit fs.epoll.max_user_watches");
  }
  connections_.insert_or_assign(descriptor, connection);
  look_at(descriptor);
  make_room(id);
}

// Some may have gone without a word.
void Guard::make_room(std::uint64_t id) {
  const auto most = sources_.at(id).allowance.strangers;
  if (connections_.size() <= most) return;
  const auto stranger = [&](const auto& entry) {
    return entry.second.source == id && !entry.second.known;
  };
  if (std::cmp_less_equal(std::count_if(connections_.begin(), connections_.end(), stranger), most))
    return;
  std::size_t count = 0;
  auto oldest = connections_.end();
  for (auto at = connections_.begin(); at != connections_.end();) {
    if (stranger(*at) && cookie_of(at->first) != at->second.cookie) {
      at = connections_.erase(at);
      continue;
    }
    if (stranger(*at)) {
      ++count;
      if (oldest == connections_.end() || at->second.met < oldest->second.met) oldest = at;
    }
    ++at;
  }
  if (count <= most) return;
  cut(oldest->first, oldest->second.cookie,
      "follows and is no member that this peer knows, as many others are; the oldest makes room");
  connections_.erase(oldest);
}

// Rests while bytes come, waits for some otherwise.
void Guard::look_at(int descriptor) {
  const auto found = connections_.find(descriptor);
  if (found == connections_.end()) return;
  auto& connection = found->second;
  const auto source = sources_.find(connection.source);
  const auto received = received_by(descriptor);
  if (!received || source == sources_.end() || cookie_of(descriptor) != connection.cookie) {
    connections_.erase(found);
    return;
  }
  const auto now = io::clock_now();
  const auto before = connection.received;
  if (const auto* reason = judge(source->second, connection, *received, now)) {
    cut(descriptor, connection.cookie, reason);
    connections_.erase(found);
    return;
  }
  if (*received != before) {
    const bool caller = source->second.side == Side::listens;
    resting_.emplace(now + (caller ? rest_of_caller : rest_of_dialled), descriptor);
    return;
  }
  epoll_event input{EPOLLIN | EPOLLONESHOT, {.u64 = static_cast<std::uint64_t>(descriptor)}};
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, descriptor, &input) != 0) connections_.erase(found);
}

void Guard::look_at_rested() {
  const auto now = io::clock_now();
  while (!resting_.empty() && resting_.begin()->first <= now) {
    const int descriptor = resting_.begin()->second;
    resting_.erase(resting_.begin());
    look_at(descriptor);
  }
}

// Why the connection is to end; nullptr: it may go on.
const char* Guard::judge(Source& source, Connection& connection, std::uint64_t received,
                         Instant now) {
  const auto& allowance = source.allowance;
  const auto more = received - connection.received;
  const auto passed = std::min<Duration>(now - connection.looked, std::chrono::hours(1));
  const auto regained = allowance.per_second * static_cast<std::uint64_t>(passed.count()) /
                        static_cast<std::uint64_t>(Duration(std::chrono::seconds(1)).count());
  connection.level -= std::min(connection.level, regained);
  connection.level += more;
  connection.looked = now;

  // At an empty socket nothing is left but the beginning of one message: of callers it is bounded
  // by their allowances.
  const auto emptied = source.intake->emptied();
  if (emptied != source.emptied) {
    const auto left = source.side == Side::dials ? connection.received : 0;
    source.backlog = std::min(source.backlog, left);
    source.emptied = emptied;
  }
  connection.received = received;
  source.backlog += more;
  const auto taken = source.intake->bytes() - source.taken;
  const auto parts = source.intake->parts() - source.parts;
  source.backlog -= std::min(source.backlog, taken);
  source.taken += taken;
  source.parts += parts;
  if (parts > 0) {
    source.late_parts = source.late_parts / 2 + parts;
    source.late_bytes = source.late_bytes / 2 + taken;
  }

  if (connection.level > allowance.at_once) return "sent more than a member ever does";
  // As if the rest were of parts as those that were taken.
  const auto memory = source.backlog + source.backlog * part_bytes * source.late_parts /
                                           std::max(source.late_bytes, part_bytes);
  if (memory > allowance.untaken && connection.level > allowance.modest) {
    return "sent more than this peer could take";
  }
  return nullptr;
}

// By a duplicate, since libzmq may close the descriptor at any time. A number is kept for it: there
// may be no other.
void Guard::cut(int descriptor, std::uint64_t cookie, const std::string& reason) {
  if (dup3(descriptor, spare_.get(), O_CLOEXEC) < 0) return;
  if (cookie != 0 && cookie_of(spare_.get()) == cookie) {
    auto text = remote_address_of(spare_.get()) + " " + reason;
    (void)shutdown(spare_.get(), SHUT_RDWR);
    (void)epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, descriptor, nullptr);
    const std::lock_guard lock(mutex_);
    ++floods_.count;
    floods_.last = std::move(text);
  }
  TIDEGATE_MUST(dup3(wake_.get(), spare_.get(), O_CLOEXEC) >= 0);
}

}  // namespace tidegate::zeromq
