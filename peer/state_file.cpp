#include "peer/state_file.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <sodium.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tidegate::peer {
namespace {

constexpr std::array<char, 16> magic{"tidegate state"};

// As it lies in the file; numbers in the order of this machine, which is not to change.
struct Record {
  std::array<char, 16> head = magic;
  std::array<std::uint8_t, 16> peer{};
  std::uint64_t epoch = 0;
  std::uint64_t incarnation = 0;
  std::array<char, 40> boot_id{};
  std::array<std::uint8_t, 32> checksum{};  // of all before
  std::uint64_t last = 0;
};
static_assert(sizeof(Record) == 128 && std::atomic_ref<std::uint64_t>::is_always_lock_free);

std::array<std::uint8_t, 32> checksum_of(const Record& record) {
  std::array<std::uint8_t, 32> sum{};
  crypto_generichash(sum.data(), sum.size(), reinterpret_cast<const unsigned char*>(&record),
                     offsetof(Record, checksum), nullptr, 0);
  return sum;
}

Error trouble(const std::string& path, const std::string& what) {
  return Error{"state-file " + path + ": " + what};
}

Error failed(const std::string& path, const std::string& doing) {
  return trouble(path, "can't " + doing + ": " + std::strerror(errno) +
                           "; name a file in a directory that this user may write");
}

Result<io::Descriptor> lock(const std::string& path) {
  io::Descriptor file(::open((path + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file) return failed(path, "make its lock");
  if (flock(file.get(), LOCK_EX | LOCK_NB) == 0) return file;
  if (errno != EWOULDBLOCK) return failed(path, "lock it");
  return trouble(path, "another process runs with it; give each peer a file of its own");
}

// Nothing when there is no file yet.
Result<std::optional<Record>> read(const std::string& path) {
  const io::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    if (errno == ENOENT) return std::optional<Record>();
    return failed(path, "read it");
  }
  Record record;
  struct stat status {};
  const bool whole = fstat(file.get(), &status) == 0 && status.st_size == sizeof record &&
                     ::read(file.get(), &record, sizeof record) == sizeof record;
  if (!whole || record.head != magic || record.checksum != checksum_of(record)) {
    return trouble(path,
                   "is damaged, or no state file; move it away, and the peer starts with a new "
                   "identity");
  }
  return std::optional(record);
}

bool write_whole(const std::string& path, const Record& record) {
  const io::Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  return file && ::write(file.get(), &record, sizeof record) == sizeof record &&
         fsync(file.get()) == 0;
}

bool flush_directory_of(const std::string& path) {
  const auto parent = std::filesystem::path(path).parent_path();
  const io::Descriptor directory(
      ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return directory && fsync(directory.get()) == 0;
}

// Invariant 3.
bool replace(const std::string& path, const Record& record) {
  const auto beside = path + ".new";
  return write_whole(beside, record) && std::rename(beside.c_str(), path.c_str()) == 0 &&
         flush_directory_of(path);
}

std::uint64_t* map_last(const std::string& path) {
  const io::Descriptor file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!file) return nullptr;
  auto* memory = mmap(nullptr, sizeof(Record), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  return memory == MAP_FAILED ? nullptr : &static_cast<Record*>(memory)->last;
}

}  // namespace

Result<StateFile> StateFile::open(const std::string& path, const Origin& fresh,
                                  const std::string& boot_id) {
  auto locked = lock(path);
  if (!locked) return locked.error();
  const auto kept = read(path);
  if (!kept) return kept.error();

  Record record = kept->value_or(Record{});
  const bool known = kept->has_value();
  std::array<char, 40> boot{};
  std::copy_n(boot_id.begin(), std::min(boot_id.size(), boot.size() - 1), boot.begin());
  record.incarnation = std::max(fresh.incarnation, record.incarnation + 1);
  if (!known) record.peer = fresh.peer.bytes;
  if (!known || boot_id.empty() || record.boot_id != boot) {
    record.epoch = record.incarnation;
    record.last = 0;
  }
  record.boot_id = boot;
  record.checksum = checksum_of(record);
  if (!replace(path, record)) return failed(path, "write it");
  auto* last = map_last(path);
  if (last == nullptr) return failed(path, "map it");
  return StateFile(std::move(locked).value(), {{record.peer}, record.incarnation}, record.epoch,
                   last);
}

StateFile::StateFile(StateFile&& other) noexcept
    : lock_(std::move(other.lock_)),
      origin_(other.origin_),
      epoch_(other.epoch_),
      last_(std::exchange(other.last_, nullptr)) {}

StateFile::~StateFile() {
  if (last_ == nullptr) return;
  munmap(reinterpret_cast<std::byte*>(last_) - offsetof(Record, last), sizeof(Record));
}

std::uint64_t StateFile::last() const {
  return std::atomic_ref(*last_).load(std::memory_order_relaxed);
}

void StateFile::store(std::uint64_t last) {
  std::atomic_ref(*last_).store(last, std::memory_order_relaxed);
}

std::string read_boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  file >> id;
  return id;
}

}  // namespace tidegate::peer
