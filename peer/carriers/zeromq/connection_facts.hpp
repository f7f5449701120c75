// The kernel's word on a connection whose descriptor belongs to somebody else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace tidegate::zeromq {

// Given to each socket once, also where its descriptor's number comes again; 0: no socket.
[[nodiscard]] std::uint64_t cookie_of(int descriptor);

// Bytes that have come over this TCP connection so far; nothing: it is none.
[[nodiscard]] std::optional<std::uint64_t> received_by(int descriptor);

// Of a TCP socket, the own or the other end's; 0: it is none.
[[nodiscard]] std::uint16_t local_port_of(int descriptor);
[[nodiscard]] std::uint16_t remote_port_of(int descriptor);

// The other end, for people.
[[nodiscard]] std::string remote_address_of(int descriptor);

// That a Unix socket listens at, as in "@name"; of one that was accepted that of its listener.
// Empty: it is none.
[[nodiscard]] std::string unix_name_of(int descriptor);

// The user at the other end of a Unix socket; nothing: it is none.
[[nodiscard]] std::optional<std::uint32_t> user_behind(int descriptor);

}  // namespace tidegate::zeromq
