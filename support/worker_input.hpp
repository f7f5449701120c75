// The child's side of worker.hpp: the lines that the parent says on our standard input, whose end
// is the sign to leave.
#pragma once

#include <optional>
#include <string>

namespace tidegate::support {

class WorkerInput {
 public:
  // The next line, waited for; nullopt when the input has ended.
  [[nodiscard]] std::optional<std::string> next();
  // Whether next() would return at once: there is a line, or the end.
  [[nodiscard]] bool pending() const;

 private:
  std::string buffer_;
};

}  // namespace tidegate::support
