// How the UDP sockets of a peer are made. None fragments what it sends, and none waits.
#pragma once

#include <cstdint>
#include <optional>

#include "peer/carriers/datagrams/address.hpp"
#include "peer/io/descriptor.hpp"

namespace tidegate::datagrams {

// The address, without a port, from which the system would send there. Nothing is sent.
[[nodiscard]] std::optional<Address> own_address_towards(const Address& there);

// Whether the errors of datagrams on their way are kept for take_error(), by address.
enum class Errors : std::uint8_t { plain, by_address };

// At that own address, with a port of the system's choice. None: there is none to be had.
[[nodiscard]] io::Descriptor open_socket(const Address& own, Errors errors);

[[nodiscard]] std::optional<Address> bound_to(const io::Descriptor& socket);

// How many datagrams of the largest size its receive buffer holds.
[[nodiscard]] std::uint32_t capacity_of(const io::Descriptor& socket);

// Where a datagram could not go, of a socket with Errors::by_address; each is told once.
[[nodiscard]] std::optional<Address> take_error(const io::Descriptor& socket);

}  // namespace tidegate::datagrams
