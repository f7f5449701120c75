// The headers of a message on its way through a node.
#include <optional>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "tests/lib/node/node_harness.hpp"

using namespace tidegate;
using namespace tidegate::node;
using namespace tidegate::testing;

TEST_CASE("a message keeps its headers: sent, held, resent, delivered, and given back") {
  const auto b = origin(2);
  const Headers headers = {{"content-type", "text/plain"}};
  const auto with_headers = [&](std::optional<Position> position) {
    auto message = message_at("x", std::move(position));
    message.headers = headers;
    return message;
  };
  NodeHarness a;
  a.step(ServerUp{server_life});
  a.befriend(b, "b");
  a.step(input::Subscribe{Pattern::all()});
  a.step(input::Publish{with_headers({}), NoChange{}});
  CHECK(a.sent().at(0).headers == headers);
  a.step(input::FromRoute{"r", "b", mesh::RetransmitRequest{b, 1, 1}});
  const auto answers = a.all<node::effect::ToRoute>();
  CHECK(std::get<mesh::Data>(answers.at(0).frame).messages.at(0).headers == headers);

  a.data(b, 1, {with_headers(at(1000))});
  CHECK(a.node().held_size() == 1);
  a.step(input::ReplayPositionRead{replayed(1000)});
  CHECK(a.all<node::effect::Deliver>().at(0).delivery.message.headers == headers);

  a.step(input::Publish{with_headers({}), AfterCommit{}});
  a.step(input::Leave{});
  CHECK(a.notices<Unpublished>().at(0).headers == headers);
}
