#include "peer/record_file.hpp"

#include <cerrno>
#include <chrono>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "peer/io/clock.hpp"

namespace tidegate::peer {

Result<RecordFile> RecordFile::open(const std::string& path) {
  // Without waiting, if it is a pipe.
  constexpr int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK;
  io::Descriptor file(::open(path.c_str(), flags, S_IRUSR | S_IWUSR));
  if (!file) {
    return Error{"can't write to " + path + ": " + std::strerror(errno)};
  }
  struct stat found {};
  if (fstat(file.get(), &found) != 0 || !S_ISREG(found.st_mode)) {
    return Error{path + " is no plain file; name one, or a path where there is none yet"};
  }
  return RecordFile(path, std::move(file));
}

void RecordFile::begin(const mesh::PeerInfo& self, const Options& options, std::uint64_t last,
                       Instant now) {
  const std::chrono::microseconds time_of_day(io::wall_clock_microseconds());
  record_ = node::Record("", now - time_of_day);
  record_.begin(self, options, last, now, lines_);
}

std::optional<Error> RecordFile::write() {
  if (!file_ || lines_.empty()) return std::nullopt;
  ssize_t written = 0;
  do {
    written = ::write(file_.get(), lines_.data(), lines_.size());
  } while (written < 0 && errno == EINTR);
  const bool whole = written == static_cast<ssize_t>(lines_.size());
  lines_.clear();
  if (whole) return std::nullopt;
  const std::string why = written < 0 ? std::strerror(errno) : "there is no room for a whole line";
  file_ = io::Descriptor();
  return Error{"the record in " + path_ + " ends here, and the peer goes on without it: " + why};
}

}  // namespace tidegate::peer
