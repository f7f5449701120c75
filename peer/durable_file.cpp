#include "peer/durable_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tidegate::peer {
namespace {

Error trouble(const std::string& path, const std::string& what) { return Error{path + " " + what}; }

bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

bool flush_directory_of(const std::string& path) {
  const auto parent = std::filesystem::path(path).parent_path();
  const io::Descriptor directory(
      ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return directory && fsync(directory.get()) == 0;
}

io::Descriptor open_to_append(const std::string& path) {
  return io::Descriptor(::open(path.c_str(), O_RDWR | O_APPEND | O_CLOEXEC));
}

bool read_all(int file, std::string& text) {
  std::size_t read = 0;
  while (read < text.size()) {
    const auto got = ::read(file, text.data() + read, text.size() - read);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    read += static_cast<std::size_t>(got);
  }
  return true;
}

}  // namespace

Result<DurableFile> DurableFile::open(const std::string& path, std::size_t most_bytes,
                                      std::string& text) {
  const auto reason = [] { return std::string(std::strerror(errno)); };
  io::Descriptor lock(::open((path + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock) return trouble(path, "can't be locked: " + reason());
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return trouble(path, errno == EWOULDBLOCK
                             ? "is in use by another process; give each process a file of its own"
                             : "can't be locked: " + reason());
  }
  auto file = open_to_append(path);
  struct stat status {};
  text.clear();
  if (!file) {
    if (errno != ENOENT) return trouble(path, "can't be read: " + reason());
    return DurableFile(path, std::move(lock), {}, 0);
  }
  if (fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return trouble(path, "is no file; move it away");
  }
  const auto bytes = static_cast<std::size_t>(status.st_size);
  if (bytes > most_bytes) {
    return trouble(path,
                   "has " + std::to_string(bytes) + " bytes, which is too much; move it away");
  }
  text.resize(bytes);
  if (!read_all(file.get(), text)) return trouble(path, "can't be read: " + reason());
  return DurableFile(path, std::move(lock), std::move(file), bytes);
}

std::optional<Error> DurableFile::append(std::string_view piece) {
  if (!write_all(file_.get(), piece)) return failed();
  appended_ += piece.size();
  return std::nullopt;
}

std::optional<Error> DurableFile::replace(std::string_view text) {
  const auto beside = path_ + ".new";
  io::Descriptor file(
      ::open(beside.c_str(), O_RDWR | O_APPEND | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  const bool written = file && write_all(file.get(), text) && fsync(file.get()) == 0 &&
                       std::rename(beside.c_str(), path_.c_str()) == 0;
  if (!written || !flush_directory_of(path_)) return failed();
  file_ = std::move(file);
  replaced_ = text.size();
  appended_ = 0;
  return std::nullopt;
}

Error DurableFile::failed() const {
  return trouble(path_, std::string("can't be written: ") + std::strerror(errno));
}

}  // namespace tidegate::peer
