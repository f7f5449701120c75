// A WebSocket as a pipe of bytes to the STOMP door. The door has one end of a pair of sockets, as
// it has a connection of any other client: sessions, bounds, logs and counters are its own. A
// message of the client is a piece of that stream, however it is cut; towards the client each
// message is binary and has up to 64 KiB, since a STOMP body need not be text.
//
// - Back-pressure is that of the sockets: nothing is read from one side that the other does not
//   take. Pings are answered while the client is read.
// - A client that vanishes is noticed by TCP keep-alive, and by the heart-beats of STOMP. Rejected:
//   pings with a bound for the answer, since they would cut a client that is only held back.
// - The door ends the stream: the client gets the rest, then a close frame, and has a bound to
//   answer it. If the door gives the client up, that bound is shorter.
// - The client ends it: the door sees the end of its input.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>

#include "command/doors/http/site.hpp"

namespace tidegate::http_door {

using Socket = boost::asio::generic::stream_protocol::socket;
using Request = boost::beast::http::request<boost::beast::http::empty_body>;

// A request to be upgraded, of which nothing is checked yet but that it comes from somebody who may
// use the door.
void open_websocket(Socket socket, const Request& request, std::optional<std::string> protocol,
                    std::shared_ptr<Site> site, std::string who);

}  // namespace tidegate::http_door
