#include "peer/servers/postgres/sql_row.hpp"

namespace tidegate::postgres {

std::string quoted(const std::vector<SqlRow>& rows) {
  std::string text;
  for (const auto& row : rows) {
    for (const auto& cell : row) text += (text.empty() ? "'" : ", '") + cell.value_or("NULL") + "'";
  }
  return text.empty() ? "nothing" : text;
}

}  // namespace tidegate::postgres
