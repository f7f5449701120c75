// Which server a web request should read, so that users find their own writes: the request brings
// the token of the last write in a cookie. The request that wrote has put it there:
//
//     const auto position = tidegate::commit(connection);
//     if (position) set_cookie("seen", tidegate::to_token(*position));
//
//     cookie REPLICA TOKEN...     a token for each request
#include <cstdio>
#include <string>

#include <tidegate/peer.hpp>
#include <tidegate/token.hpp>

namespace {

const char* server_for(tidegate::Peer& peer, const std::string& cookie) {
  const auto seen = tidegate::parse_token(cookie);
  if (!seen) return "the replica";  // this user has written nothing
  switch (peer.covered(*seen)) {
    case tidegate::Covered::visible:
      return "the replica";
    case tidegate::Covered::orphaned:
      return "the replica, and say that the write is lost";
    default:
      return "the primary";
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  auto started = tidegate::Peer::start({.name = "web", .database = argv[1]});
  if (!started) {
    std::fprintf(stderr, "%s\n", started.error().message.c_str());
    return 1;
  }
  for (int i = 2; i < argc; ++i) std::printf("read %s\n", server_for(**started, argv[i]));
  return 0;
}
