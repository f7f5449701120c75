#include "command/doors/http/exposition.hpp"

#include <chrono>

#include <fmt/format.h>

#include "lib/base/utf8.hpp"

namespace tidegate::http_door {
namespace {

std::string number(double value) { return fmt::format("{}", value); }

double seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

// The text of a label between quotes. Others choose names, so what is no UTF-8 is left out: one bad
// byte would cost the whole scrape.
void put_escaped(std::string& text, std::string_view value) {
  const bool readable = base::is_utf8(value);
  for (const char c : value) {
    if (!readable && static_cast<unsigned char>(c) >= 0x80) continue;
    if (c == '\n') {
      text += "\\n";
    } else {
      if (c == '"' || c == '\\') text += '\\';
      text += c;
    }
  }
}

}  // namespace

void Exposition::family(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

void Exposition::line(std::string_view suffix, const Labels& labels, std::string_view value) {
  text_ += name_;
  text_ += suffix;
  char before = '{';
  for (const auto& label : labels) {
    text_ += before;
    text_ += label.name;
    text_ += "=\"";
    put_escaped(text_, label.value);
    text_ += '"';
    before = ',';
  }
  if (!labels.empty()) text_ += '}';
  text_ += ' ';
  text_ += value;
  text_ += '\n';
}

void Exposition::sample(std::uint64_t value, const Labels& labels) {
  line("", labels, fmt::format_int(value).c_str());
}

void Exposition::sample(Duration value, const Labels& labels) {
  line("", labels, number(seconds(value)));
}

void Exposition::histogram(std::string_view name, std::string_view help,
                           const Histogram& histogram) {
  family(name, "histogram", help);
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
    count += histogram.counts[i];
    const bool last = i == Histogram::bounds.size();
    const auto bound = last ? std::string("+Inf") : number(seconds(Histogram::bounds[i]));
    line("_bucket", {{"le", bound}}, std::to_string(count));
  }
  line("_sum", {}, number(histogram.seconds));
  line("_count", {}, std::to_string(count));
}

}  // namespace tidegate::http_door
