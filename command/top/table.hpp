// The members of the mesh as a table of `tidegate top`: which of them, in which order, and as many
// of the columns as the window has room for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "command/top/rates.hpp"
#include "tidegate/status.hpp"

namespace tidegate::command::top {

enum class Column : std::uint8_t {
  name,
  address,
  state,
  rate,
  next,
  held,
  missing,
  lag,
  silent,
};
inline constexpr std::size_t columns = 9;

// The title of a column, as the table has it.
[[nodiscard]] const char* title(Column column);

struct Choice {
  Column by = Column::name;
  bool reversed = false;  // words rise, and numbers fall, unless it is
  std::string filter;     // in the name, the address or the state; empty: all
  bool all = false;       // also those that have left
};

// Those that are wanted, in that order; equal ones by name and address.
[[nodiscard]] std::vector<PeerStatus> chosen(const Status& status, const Rates& rates,
                                             const Choice& choice);

// The head, in which the column of the order is marked, and one row for each peer. All are so wide
// at the most: the columns that matter least are left out, and then names are cut.
struct Table {
  std::string head;
  std::vector<std::string> rows;
};
[[nodiscard]] Table table(const std::vector<PeerStatus>& peers, const Rates& rates,
                          const Choice& choice, std::size_t width);

// The first code points of a text, so many at the most.
[[nodiscard]] std::string clipped(const std::string& text, std::size_t width);

}  // namespace tidegate::command::top
