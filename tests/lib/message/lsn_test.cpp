#include "tidegate/lsn.hpp"

#include <doctest/doctest.h>

using namespace tidegate;

TEST_CASE("an LSN is read and written as PostgreSQL does") {
  CHECK(parse_lsn("16/B374D848")->bytes == 0x16B374D848);
  CHECK(parse_lsn("0/0")->none());
  CHECK(to_string(Lsn{0x16B374D848}) == "16/B374D848");
  CHECK(to_string(*parse_lsn("ffffffff/ffffffff")) == "FFFFFFFF/FFFFFFFF");
}

TEST_CASE("a text that is not an LSN is refused and quoted") {
  for (const auto* text : {"", "/", "1", "1/", "/1", "1/2/3", " 1/2", "1/2 ", "-1/2", "+1/2",
                           "0x1/2", "123456789/0", "0/123456789", "1/g"}) {
    const auto lsn = parse_lsn(text);
    CAPTURE(text);
    REQUIRE_FALSE(lsn.ok());
    CHECK(lsn.error().message.find("'" + std::string(text) + "'") != std::string::npos);
  }
}

TEST_CASE("the page header that only the writer has stepped over is subtracted") {
  const WalLayout layout;
  CHECK(without_page_header(*parse_lsn("0/7E5A018"), layout) == *parse_lsn("0/7E5A000"));
  CHECK(without_page_header(*parse_lsn("0/8000028"), layout) == *parse_lsn("0/8000000"));
}

TEST_CASE("a place that is not directly behind a page header stays as it is") {
  const WalLayout layout;
  for (const auto* text : {
           "0/7E5A000",  // the page's first byte
           "0/7E5A020",  // 32: eight bytes of a record
           "0/7E5A028",  // 40 on a page that does not begin a segment
           "0/8000018",  // 24 on a page that does
           "0/8000000",
           "0/7E59FF8",
       }) {
    CAPTURE(text);
    CHECK(without_page_header(*parse_lsn(text), layout) == *parse_lsn(text));
  }
}

TEST_CASE("block and segment sizes are the server's") {
  const WalLayout layout{.block_size = 16384, .segment_size = 1U << 20U};
  CHECK(without_page_header(Lsn{(1U << 20U) + 40}, layout) == Lsn{1U << 20U});
  CHECK(without_page_header(Lsn{(1U << 20U) + 16384 + 24}, layout) == Lsn{(1U << 20U) + 16384});
  CHECK(without_page_header(Lsn{(1U << 20U) + 8192 + 24}, layout) == Lsn{(1U << 20U) + 8192 + 24});
}
