// Owners of the handles of libpq: each is given back by the function that belongs to it.
#pragma once

#include <memory>

#include <libpq-fe.h>

namespace tidegate::postgres {

struct GiveBack {
  void operator()(PGconn* connection) const { PQfinish(connection); }
  void operator()(PGresult* result) const { PQclear(result); }
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
  void operator()(char* text) const { PQfreemem(text); }
};

using ConnectionHandle = std::unique_ptr<PGconn, GiveBack>;
using ResultHandle = std::unique_ptr<PGresult, GiveBack>;
using ConnectionOptions = std::unique_ptr<PQconninfoOption, GiveBack>;
using LibpqText = std::unique_ptr<char, GiveBack>;

}  // namespace tidegate::postgres
