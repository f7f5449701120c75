#include "command/doors/json_lines/bounded_json.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace tidegate::json_lines {
namespace {

// Builds the document as the parser meets its parts; false ends the parser.
class Builder final : public nlohmann::json_sax<Json> {
 public:
  explicit Builder(const JsonBounds& bounds) : bounds_(bounds) {}

  bool null() override { return put(nullptr) != nullptr; }
  bool boolean(bool value) override { return put(value) != nullptr; }
  bool number_integer(std::int64_t value) override { return put(value) != nullptr; }
  bool number_unsigned(std::uint64_t value) override { return put(value) != nullptr; }
  bool number_float(double value, const std::string&) override { return put(value) != nullptr; }
  bool string(std::string& value) override { return put(std::move(value)) != nullptr; }
  bool binary(Json::binary_t&) override { return false; }  // not in JSON text

  bool start_object(std::size_t) override { return open(Json::object()); }
  bool key(std::string& name) override {
    auto& object = *open_.back();
    if (object.size() == bounds_.members) {
      return refuse("an object has more than " + std::to_string(bounds_.members) + " members");
    }
    member_ = &object[name];
    return true;
  }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_array() override { return close(); }

  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return refuse("not JSON");
  }

  [[nodiscard]] const std::string& wrong() const { return wrong_; }
  [[nodiscard]] Json take() { return std::move(root_); }

 private:
  bool refuse(std::string what) {
    wrong_ = std::move(what);
    return false;
  }

  // Where it has gone to, which holds until its parent gets another value.
  Json* put(Json value) {
    if (++values_ > bounds_.values) {
      refuse("it has more than " + std::to_string(bounds_.values) + " values");
      return nullptr;
    }
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    auto& parent = *open_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    *member_ = std::move(value);
    return member_;
  }

  bool open(Json value) {
    if (open_.size() == bounds_.depth) {
      return refuse("it is nested deeper than " + std::to_string(bounds_.depth) + " levels");
    }
    auto* placed = put(std::move(value));
    if (placed != nullptr) open_.push_back(placed);
    return placed != nullptr;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  const JsonBounds& bounds_;
  Json root_;
  std::vector<Json*> open_;  // the objects and arrays that are not complete, each in the one before
  Json* member_ = nullptr;   // of the innermost object, to get the next value
  std::size_t values_ = 0;
  std::string wrong_;
};

}  // namespace

Result<Json> read_json(std::string_view text, const JsonBounds& bounds) {
  Builder builder(bounds);
  if (!Json::sax_parse(text, &builder)) return Error{builder.wrong()};
  return builder.take();
}

}  // namespace tidegate::json_lines
