// A directory that disappears with the object. It lies in $TEST_SCRATCH if that is set (the
// `dev` script sets it, and removes it even if a test crashed), else in /tmp, whatever TMPDIR says:
// PostgreSQL, which runs as a user of its own when we are root, has to get in, and the paths of its
// sockets have to be short.
#pragma once

#include <filesystem>
#include <string>

namespace tidegate::support {

class TemporaryDirectory {
 public:
  // `name` is for people who look at a test that hangs. `owner` gets the directory if we are root;
  // "" is ourselves. Throws std::runtime_error when it can't be made.
  explicit TemporaryDirectory(const std::string& name, const std::string& owner = "");
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory();  // with all that it holds

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Gives a file to a user if we are root, else does nothing.
void give_to(const std::filesystem::path& path, const std::string& owner);

}  // namespace tidegate::support
