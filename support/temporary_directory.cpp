#include "support/temporary_directory.hpp"

#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <system_error>

#include <pwd.h>
#include <unistd.h>

namespace tidegate::support {

TemporaryDirectory::TemporaryDirectory(const std::string& name, const std::string& owner) {
  const auto* scratch = std::getenv("TEST_SCRATCH");
  const bool given = scratch != nullptr && *scratch != '\0';
  const std::filesystem::path parent = given ? scratch : "/tmp";
  std::string path = parent / ("tidegate-" + name + ".XXXXXX");
  if (::mkdtemp(path.data()) == nullptr) {
    throw std::runtime_error("can't make a directory in " + parent.string() + ": " +
                             std::generic_category().message(errno));
  }
  path_ = path;
  std::filesystem::permissions(path_, std::filesystem::perms(0755));
  give_to(path_, owner);
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void give_to(const std::filesystem::path& path, const std::string& owner) {
  if (owner.empty() || ::geteuid() != 0) return;
  const auto* entry = ::getpwnam(owner.c_str());
  if (entry == nullptr) throw std::runtime_error("there is no user '" + owner + "'");
  if (::chown(path.c_str(), entry->pw_uid, entry->pw_gid) != 0) {
    throw std::runtime_error("can't give " + path.string() + " to " + owner + ": " +
                             std::generic_category().message(errno));
  }
}

}  // namespace tidegate::support
