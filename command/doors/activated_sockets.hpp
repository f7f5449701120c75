// The listening sockets that the service manager hands over (sd_listen_fds(3)): the descriptors
// from 3 on, if they are meant for this process. Each has a name (FileDescriptorName= of its unit):
// those that are called "http" are the HTTP server's, all others the STOMP door's. So both doors
// may have some, and a unit with one socket needs no name.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "peer/io/descriptor.hpp"
#include "tidegate/result.hpp"

namespace tidegate::doors {

enum class ActivatedFor : std::uint8_t { stomp, http };

// At least one; not blocking, and no child inherits them. To be asked for once.
[[nodiscard]] Result<std::vector<io::Descriptor>> take_activated(ActivatedFor door);

}  // namespace tidegate::doors
