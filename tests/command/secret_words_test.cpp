#include "command/secret_words.hpp"

#include <array>
#include <string>

#include <doctest/doctest.h>

using namespace tidegate::command;

TEST_CASE("a key, a password in a connection string and a login in a URI may be secret") {
  for (const auto* text :
       {"tidegate-key-1:abc", "host=a password=x", "PASSWORD = x", "host=a passwd='x y'", "pwd=x",
        "postgresql://me:x@a/db", "me:x@a", "x://me:a b@c", "sslpassword=x", "db me:x@a",
        "postgresql://me:x", "x://a:1:b/c"}) {
    CAPTURE(text);
    CHECK(may_be_secret(text));
  }
  for (const auto* text :
       {"", "host=a user=me", "postgresql://a/db", "postgresql://a:5432,b:1/db", "passwords", "a@b",
        "10.0.0.1:17900", "a: b@c", "give the password in ~/.pgpass", "passfile=/x"}) {
    CAPTURE(text);
    CHECK_FALSE(may_be_secret(text));
  }
}

TEST_CASE("what may be secret is overwritten in the title, behind the name of its flag") {
  std::array<std::string, 5> words = {"tidegate", "--database=me:x@a", "me:x@a", "--mesh",
                                      "--k=tidegate-key-1:a"};
  std::array<char*, 5> arguments{};
  for (std::size_t i = 0; i < words.size(); ++i) arguments.at(i) = words.at(i).data();
  const auto taken = take_arguments(static_cast<int>(arguments.size()), arguments.data());
  CHECK(taken ==
        std::vector<std::string>{"--database=me:x@a", "me:x@a", "--mesh", "--k=tidegate-key-1:a"});
  CHECK(words == std::array<std::string, 5>{"tidegate", "--database=******", "******", "--mesh",
                                            "--k=****************"});
}
