#include "tests/command/doors/http/prometheus_text.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <regex>
#include <set>
#include <sstream>

namespace tidegate::testing {
namespace {

bool ends_in_any(const std::string& name, const std::vector<std::string>& ends) {
  return std::any_of(ends.begin(), ends.end(),
                     [&](const auto& end) { return name.ends_with(end); });
}

// The bound of a bucket, behind `le="` in its labels.
double bound_of(const std::string& labels) {
  const auto at = labels.find("le=\"");
  if (at == std::string::npos) return std::numeric_limits<double>::quiet_NaN();
  const auto text = labels.substr(at + 4);
  return text.starts_with("+Inf") ? std::numeric_limits<double>::infinity()
                                  : std::strtod(text.c_str(), nullptr);
}

class Reader {
 public:
  Scrape read(const std::string& text) {
    if (!text.ends_with('\n')) complain("the last line has no end");
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) read_line(line);
    finish_family();
    return std::move(scrape_);
  }

 private:
  void complain(const std::string& what) { scrape_.problems.push_back(what); }

  void read_line(const std::string& line) {
    static const std::regex help("# HELP ([a-z][a-z0-9_]*) (\\S.*\\.)");
    static const std::regex type("# TYPE ([a-z][a-z0-9_]*) (counter|gauge|histogram)");
    static const std::regex sample(
        "([a-z][a-z0-9_]*)"
        "(\\{[a-z_]+=\"(?:[^\"\\\\]|\\\\[n\"\\\\])*\"(?:,[a-z_]+=\"(?:[^\"\\\\]|\\\\[n\"\\\\])*\")*"
        "\\})?"
        " ([0-9.e+-]+)");
    std::smatch match;
    if (std::regex_match(line, match, help)) {
      finish_family();
      family_ = match[1];
      type_.clear();
      if (!helped_.insert(family_).second) complain(family_ + " has its HELP twice");
    } else if (std::regex_match(line, match, type)) {
      if (match[1] != family_ || !type_.empty()) complain(line + ": not behind its HELP");
      type_ = match[2];
      scrape_.types[family_] = type_;
      judge_name();
    } else if (std::regex_match(line, match, sample)) {
      read_sample(match[1], match[2], match[3]);
    } else {
      complain("can't be read: " + line);
    }
  }

  void judge_name() {
    if (!family_.starts_with("tidegate_")) complain(family_ + " is not called tidegate_");
    if (family_.ends_with("_total") != (type_ == "counter")) {
      complain(family_ + ": a counter, and nothing else, ends in _total");
    }
    if (type_ == "histogram" && !family_.ends_with("_seconds")) complain(family_ + " has no unit");
    if (ends_in_any(family_, {"_ms", "_milliseconds", "_minutes", "_kb", "_kilobytes", "_count",
                              "_sum", "_bucket"})) {
      complain(family_ + ": the units are seconds and bytes, and some ends are taken");
    }
  }

  void read_sample(const std::string& name, const std::string& labels, const std::string& text) {
    const auto value = std::strtod(text.c_str(), nullptr);
    if (!scrape_.samples.emplace(name + labels, value).second)
      complain(name + labels + " is twice");
    if (std::isnan(value) || value < 0) complain(name + " is " + text);
    if (type_ != "histogram") {
      if (name != family_) complain(name + " is no sample of " + family_);
      return;
    }
    if (name == family_ + "_bucket") {
      const auto bound = bound_of(labels);
      if (!(bound > last_bound_)) complain(name + labels + ": the bounds don't grow");
      if (value < last_count_) complain(name + labels + ": the counts shrink");
      last_bound_ = bound;
      last_count_ = value;
    } else if (name == family_ + "_count") {
      if (value != last_count_) complain(name + " is not the last bucket");
      counted_ = true;
    } else if (name != family_ + "_sum") {
      complain(name + " is no sample of " + family_);
    }
  }

  void finish_family() {
    if (type_ == "histogram" && (!std::isinf(last_bound_) || !counted_)) {
      complain(family_ + " has no +Inf, or no count");
    }
    last_bound_ = -1;
    last_count_ = 0;
    counted_ = false;
  }

  Scrape scrape_;
  std::string family_;
  std::string type_;
  std::set<std::string> helped_;
  double last_bound_ = -1;
  double last_count_ = 0;
  bool counted_ = false;
};

}  // namespace

Scrape read_scrape(const std::string& text) { return Reader().read(text); }

}  // namespace tidegate::testing
