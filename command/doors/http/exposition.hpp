// Writes metrics in the text format of Prometheus, version 0.0.4: families, each with its HELP and
// TYPE before its samples. The caller names every family once; names, units and labels are its own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tidegate/histogram.hpp"
#include "tidegate/time.hpp"

namespace tidegate::http_door {

inline constexpr const char* exposition_type = "text/plain; version=0.0.4; charset=utf-8";

struct Label {
  std::string_view name;
  std::string_view value;  // any text
};
using Labels = std::vector<Label>;

class Exposition {
 public:
  // Their samples follow.
  void counter(std::string_view name, std::string_view help) { family(name, "counter", help); }
  void gauge(std::string_view name, std::string_view help) { family(name, "gauge", help); }

  // Of the family that was named last.
  void sample(std::uint64_t value, const Labels& labels = {});
  void sample(Duration value, const Labels& labels = {});  // in seconds

  // A family of one series.
  void histogram(std::string_view name, std::string_view help, const Histogram& histogram);

  [[nodiscard]] std::string text() && { return std::move(text_); }

 private:
  void family(std::string_view name, std::string_view type, std::string_view help);
  void line(std::string_view suffix, const Labels& labels, std::string_view value);

  std::string name_;
  std::string text_;
};

}  // namespace tidegate::http_door
