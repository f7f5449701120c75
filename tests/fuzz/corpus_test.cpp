#include "tests/fuzz/corpus.hpp"

#include <doctest/doctest.h>

using namespace tidegate;
using namespace tidegate::fuzz;

TEST_CASE("no input that a fuzzer has found, and none that resembles it, ends a reader") {
  base::Random random(20261126);
  for (const auto& target : targets()) {
    if (target.live) continue;
    CAPTURE(target.name);
    const auto corpus = corpus_of(target);
    REQUIRE_FALSE(corpus.empty());
    for (const auto& input : corpus) target.read(input);
    for (int i = 0; i < 300; ++i) {
      const auto& input = corpus[random.below(corpus.size())];
      target.read(changed(input, corpus[random.below(corpus.size())], random));
    }
  }
}
