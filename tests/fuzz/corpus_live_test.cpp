// The same for peers that live.
#include <doctest/doctest.h>

#include "tests/fuzz/corpus.hpp"

using namespace tidegate;
using namespace tidegate::fuzz;

TEST_CASE("no bytes on its sockets that a fuzzer has found, and none like them, end a peer") {
  base::Random random(20261126);
  for (const auto& target : targets()) {
    if (!target.live) continue;
    CAPTURE(target.name);
    const auto corpus = corpus_of(target);
    for (const auto& input : corpus) target.read(input);
    for (int i = 0; i < 500; ++i) {
      const auto& input = corpus[random.below(corpus.size())];
      target.read(changed(input, corpus[random.below(corpus.size())], random));
    }
  }
}
