#include "peer/secret_file.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "peer/io/descriptor.hpp"

namespace tidegate::peer {
namespace {

constexpr std::size_t most_bytes = 16'384;

Error trouble(const SecretFile& secret, const std::string& what) {
  return Error{secret.setting + " " + secret.path + ": " + what};
}

// Why the rights to it are wrong; empty: they are right.
std::string exposure(const std::string& path, const struct stat& status) {
  if (status.st_uid != geteuid() && status.st_uid != 0) {
    return "belongs to another user, who can change it; chown it to this one or to root";
  }
  const mode_t others = status.st_uid == 0 ? S_IRWXO | S_IWGRP | S_IXGRP : S_IRWXO | S_IRWXG;
  if ((status.st_mode & others) == 0) return "";
  return "others may read or write it; chmod " +
         std::string(status.st_uid == 0 && geteuid() != 0 ? "640 " : "600 ") + path +
         ", and make a new key if somebody may have read it";
}

}  // namespace

Result<std::string> read_secret(const SecretFile& secret) {
  const auto& path = secret.path;
  const io::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) {
    return trouble(secret,
                   std::string("can't be read: ") + std::strerror(errno) +
                       (errno == ENOENT && !secret.made_by.empty() ? "; " + secret.made_by : ""));
  }
  struct stat status {};
  if (fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return trouble(secret, "is no file");
  }
  if (const auto exposed = exposure(path, status); !exposed.empty())
    return trouble(secret, exposed);
  std::array<char, most_bytes> text{};
  const auto size = ::read(file.get(), text.data(), text.size());
  Result<std::string> result = Error{};
  if (size < 0) {
    result = trouble(secret, std::string("can't be read: ") + std::strerror(errno));
  } else if (static_cast<std::size_t>(size) == text.size()) {
    result = trouble(secret, "is too large for a file of keys");
  } else {
    result = std::string(text.data(), static_cast<std::size_t>(size));
  }
  sodium_memzero(text.data(), text.size());
  return result;
}

}  // namespace tidegate::peer
