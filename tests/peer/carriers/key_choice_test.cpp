#include "peer/carriers/zeromq/key_choice.hpp"

#include <string>

#include <doctest/doctest.h>

#include "tests/lib/keys/sample_key.hpp"

using namespace tidegate;
using keys::KeyId;
using keys::Keyring;
using testing::sample_key;
using zeromq::KeyChoice;

namespace {

const Keyring ring({sample_key(1), sample_key(2), sample_key(3)}, "prod");
const KeyId first = ring.all()[0].id;
const KeyId second = ring.all()[1].id;
const KeyId third = ring.all()[2].id;
const std::string there = "tcp://192.0.2.1:17901";

}  // namespace

TEST_CASE("an endpoint is dialled with the key that it is said to have, else with the first") {
  const KeyChoice choice;
  CHECK(choice.choose(ring, there, third).id == third);
  CHECK(choice.choose(ring, there, 0).id == first);
  CHECK(choice.choose(ring, there, KeyId{12345}).id == first);
}

TEST_CASE("after each dial without an answer the next key has its turn") {
  KeyChoice choice;
  choice.failed(there, second);
  CHECK(choice.choose(ring, there, second).id == third);
  choice.failed(there, second);
  CHECK(choice.choose(ring, there, second).id == first);
  choice.failed(there, second);
  CHECK(choice.choose(ring, there, second).id == second);
  CHECK(choice.choose(ring, "tcp://192.0.2.2:17901", second).id == second);
}

TEST_CASE("an answer, another word and another ring let the turns begin anew") {
  KeyChoice choice;
  choice.failed(there, 0);
  CHECK(choice.choose(ring, there, 0).id == second);
  CHECK(choice.choose(ring, there, third).id == third);
  SUBCASE("an answer") { choice.answered(there); }
  SUBCASE("another ring") { choice.forget(); }
  CHECK(choice.choose(ring, there, 0).id == first);
}

TEST_CASE("many endpoints without an answer are not remembered for ever") {
  KeyChoice choice;
  choice.failed(there, 0);
  for (int i = 0; i < 5'000; ++i) choice.failed("tcp://192.0.2.2:" + std::to_string(i), 0);
  CHECK(choice.choose(ring, there, 0).id == first);
}
