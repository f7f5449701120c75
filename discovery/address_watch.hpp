// The addresses of the chosen interfaces while they change: a new lease, a cable that is pulled, an
// interface that comes up after the start.
//
// The kernel tells that something has changed (rtnetlink); what there is now is listed anew, which
// needs no knowledge of its messages and misses none when they overflow.
//
// Threads: one at a time.
#pragma once

#include <string>
#include <vector>

#include "peer/io/descriptor.hpp"

namespace tidegate::discovery {

struct AddressChange {
  std::string interface;
  std::vector<std::string> before;
  std::vector<std::string> now;  // none: down, without addresses, or not there
};

class AddressWatch {
 public:
  explicit AddressWatch(const std::vector<std::string>& interfaces);

  // Readable when look() may find something. Negative where the kernel tells nothing: then nothing
  // is noticed.
  [[nodiscard]] int descriptor() const { return socket_.get(); }

  // Since the last look, or the start.
  std::vector<AddressChange> look();

  // The last look could not see, for want of an open file: look again, though nothing is readable.
  [[nodiscard]] bool blind() const { return blind_; }

  // Of all chosen interfaces, as last found.
  [[nodiscard]] std::vector<std::string> addresses() const;

 private:
  struct Link {
    std::string interface;
    std::vector<std::string> addresses;
  };

  io::Descriptor socket_;
  std::vector<Link> links_;
  bool blind_ = false;
};

}  // namespace tidegate::discovery
