#include "command/doors/json_lines/json_outbox.hpp"

#include <optional>

#include <nlohmann/json.hpp>

#include "command/doors/json_lines/json_members.hpp"

namespace tidegate::json_lines {
namespace {

using json_members::encode;
using postgres::OutboxStatus;

Json made(const postgres::AnnouncedRow& row) {
  Json json = Json::object();
  json["transaction"] = row.transaction;
  json["announced"] = row.announced;
  json["age_ms"] = encode(row.age);
  return json;
}

Json made(const postgres::OpenWriter& writer) {
  Json json = Json::object();
  json["transaction"] = writer.transaction;
  json["open_ms"] = writer.open ? encode(*writer.open) : Json(nullptr);
  json["process"] = writer.process;
  json["prepared"] = writer.prepared;
  json["role"] = writer.role;
  json["database"] = writer.database;
  json["application"] = writer.application;
  return json;
}

Json made(const postgres::CursorLag& cursor) {
  Json json = Json::object();
  json["name"] = cursor.name;
  json["settled"] = cursor.settled;
  json["rows"] = cursor.rows;
  json["waits_ms"] = cursor.waits ? encode(*cursor.waits) : Json(nullptr);
  json["lost"] = cursor.lost;
  json["trouble"] = cursor.trouble;
  return json;
}

template <typename T>
Json made(const std::optional<T>& value) {
  return value ? made(*value) : Json(nullptr);
}

}  // namespace

Json outbox_check_document(std::string_view server, const std::vector<std::string>& problems,
                           const std::vector<std::string>& advice) {
  Json json = Json::object();
  json["server"] = server;
  json["problems"] = problems;
  json["advice"] = advice;
  return json;
}

Json outbox_status_document(std::string_view server, const OutboxStatus& status) {
  Json json = Json::object();
  json["server"] = server;
  json["primary"] = status.primary;
  json["rows"] = status.rows;
  json["bytes"] = status.bytes;
  json["oldest"] = made(status.oldest);
  json["newest"] = made(status.newest);
  json["horizon"] = status.horizon;
  json["oldest_writer"] = made(status.oldest_writer);
  json["removed_before"] = status.removed_before;
  json["cursors"] = Json::array();
  for (const auto& cursor : status.cursors) json["cursors"].push_back(made(cursor));
  return json;
}

}  // namespace tidegate::json_lines
