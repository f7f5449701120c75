#include "command/top/view.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "command/log.hpp"
#include "command/readiness.hpp"
#include "command/status_text.hpp"
#include "command/units.hpp"
#include "tidegate/lsn.hpp"

namespace tidegate::command::top {
namespace {

constexpr const char* keys_text = "q quit  <> order  r reverse  / filter  p pause  a all  ? help";

constexpr std::array help_text = {
    "q           quit",
    "< >         order by the column to the left or right",
    "r           reverse the order",
    "/           show only names, addresses and states with a text; Esc: all again",
    "a           show also those that have left",
    "p, space    pause; again: go on",
    "arrows      scroll, also PgUp, PgDn, Home and End",
    "?           this page",
    "",
    "MSG/S       messages of its stream a second",
    "NEXT        the number of the next message expected from it",
    "HELD        of its messages, which wait for the replica",
    "MISSING     of its messages: known, and not here yet",
    "LAG         of our messages, when it last asked for some that it had missed",
    "SILENT      since its last sign of life",
};

}  // namespace

void View::take(Status status, Instant at) {
  lost_.clear();
  if (paused_) return;
  rates_ = status_ ? rates(*status_, status, at - at_) : Rates{};
  status_ = std::move(status);
  at_ = at;
}

void View::lose(std::string why) { lost_ = std::move(why); }

// --- keys ---------------------------------------------------------------------------------------

bool View::press(const Key& key) {
  if (typing_) {
    type(key);
    return true;
  }
  if (help_) {
    help_ = false;
    return key.character != 'q';
  }
  switch (key.kind) {
    case Key::Kind::up:
      scroll(-1);
      break;
    case Key::Kind::down:
      scroll(1);
      break;
    case Key::Kind::page_up:
      scroll(-static_cast<long>(page_));
      break;
    case Key::Kind::page_down:
      scroll(static_cast<long>(page_));
      break;
    case Key::Kind::home:
      first_ = 0;
      break;
    case Key::Kind::end:
      first_ = last_first_;
      break;
    case Key::Kind::left:
      choose(-1);
      break;
    case Key::Kind::right:
      choose(1);
      break;
    case Key::Kind::escape:
      choice_.filter.clear();
      break;
    case Key::Kind::enter:
    case Key::Kind::backspace:
      break;
    case Key::Kind::character:
      if (key.character == 'q') return false;
      if (key.character == '<') choose(-1);
      if (key.character == '>') choose(1);
      if (key.character == 'r') choice_.reversed = !choice_.reversed;
      if (key.character == 'a') choice_.all = !choice_.all;
      if (key.character == 'p' || key.character == ' ') paused_ = !paused_;
      if (key.character == '/') typing_ = true;
      if (key.character == '?') help_ = true;
      break;
  }
  return true;
}

void View::type(const Key& key) {
  auto& text = choice_.filter;
  if (key.kind == Key::Kind::character) {
    text += key.character;
  } else if (key.kind == Key::Kind::backspace) {
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xC0U) == 0x80) {
      text.pop_back();
    }
    if (!text.empty()) text.pop_back();
  } else if (key.kind == Key::Kind::enter || key.kind == Key::Kind::escape) {
    typing_ = false;
    if (key.kind == Key::Kind::escape) text.clear();
  }
}

void View::choose(int step) {
  const auto count = static_cast<int>(columns);
  choice_.by = static_cast<Column>((static_cast<int>(choice_.by) + step + count) % count);
  choice_.reversed = false;
}

void View::scroll(long rows) {
  const auto wanted = static_cast<long>(first_) + rows;
  first_ = static_cast<std::size_t>(std::clamp(wanted, 0L, static_cast<long>(last_first_)));
}

// --- lines --------------------------------------------------------------------------------------

std::string View::title_text(const std::string& time_of_day) const {
  auto text = "tidegate top  " + time_of_day;
  if (status_) {
    text += fmt::format("  {} in mesh {}, up {}", harmless(status_->name), harmless(status_->mesh),
                        rough_duration(status_->up));
  }
  return text + (paused_ ? "  PAUSED" : fmt::format("  each {}", exact_duration(interval_)));
}

std::string View::traffic_text() const {
  auto text =
      fmt::format("messages  published {}, received {}, delivered {}", rate_text(rates_.published),
                  rate_text(rates_.received), rate_text(rates_.delivered));
  if (status_->unsent > 0) {
    text += fmt::format("; {} wait for their position", status_->unsent);
  }
  if (status_->outgoing_bytes > 0) {
    text += fmt::format("; {} are not read yet", rough_size(status_->outgoing_bytes));
  }
  return text;
}

std::string View::held_text() const {
  if (status_->held == 0) return "held      0";
  auto text = fmt::format("held      {} ({}), the first for {}", status_->held,
                          rough_size(status_->held_bytes), rough_duration(status_->held_longest));
  if (!status_->taking) text += "; the application takes nothing";
  return text;
}

std::string View::replica_text() const {
  if (!status_->gated) return "replica   none: messages are delivered at once";
  if (!status_->database.up) {
    return "replica   does not answer: " + harmless(status_->database.reason);
  }
  auto text = std::string("replica   ");
  const auto behind = command::lag(*status_);
  text += !behind || *behind == Duration::zero() ? "shows all that is known"
                                                 : rough_duration(*behind) + " behind";
  if (const auto bytes = bytes_behind(*status_)) text += ", " + rough_size(*bytes) + " to replay";
  if (status_->tide) text += "; replayed " + to_string(Lsn{status_->tide->replayed});
  if (status_->primary.asked && !status_->primary_known) text += "; THE PRIMARY DOES NOT ANSWER";
  return text;
}

// In the order in which they matter, since a low window has room for the first ones only.
std::vector<Line> View::header(std::size_t height, const std::string& time_of_day) const {
  std::vector<Line> lines = {{title_text(time_of_day), Style::strong}};
  if (!lost_.empty()) lines.push_back({lost_, Style::bad});
  if (!status_) return lines;
  const auto& troubles = status_->troubles;
  const auto most = std::max<std::size_t>(1, height / 4);
  for (std::size_t i = 0; i < troubles.size(); ++i) {
    if (i + 1 == most && troubles.size() > most) {
      lines.push_back({fmt::format("and {} troubles more", troubles.size() - i), Style::bad});
      break;
    }
    lines.push_back({fmt::format("{} for {}: {}", to_string(troubles[i].kind),
                                 rough_duration(troubles[i].lasted), harmless(troubles[i].text)),
                     Style::bad});
  }
  lines.push_back({traffic_text(), Style::plain});
  lines.push_back({held_text(), Style::plain});
  lines.push_back({replica_text(), Style::plain});
  return lines;
}

std::string View::foot(std::size_t first, std::size_t shown, std::size_t of) const {
  if (typing_) return "filter: " + choice_.filter + "_   Enter: keep it, Esc: show all";
  auto text = of > shown ? fmt::format("{} to {} of {} peers  ", first + 1, first + shown, of)
                         : fmt::format("{} {}  ", of, of == 1 ? "peer" : "peers");
  if (!choice_.filter.empty()) text += "with '" + choice_.filter + "'  ";
  return text + keys_text;
}

std::vector<Line> View::lines(std::size_t width, std::size_t height,
                              const std::string& time_of_day) {
  std::vector<Line> lines;
  if (help_) {
    for (const auto* text : help_text) lines.push_back({text, Style::plain});
  } else {
    lines = header(height, time_of_day);
    // A table has a head and a row at least, and a window of some height a foot.
    const std::size_t foot_rows = height >= 5 ? 1 : 0;
    const auto most = height > foot_rows + 2 ? height - foot_rows - 2 : std::size_t{1};
    if (lines.size() > most) lines.resize(most);
    const auto peers = status_ ? chosen(*status_, rates_, choice_) : std::vector<PeerStatus>{};
    const auto table = top::table(peers, rates_, choice_, width);
    const auto used = lines.size() + foot_rows + 1;
    page_ = height > used ? height - used : 0;
    last_first_ = table.rows.size() > page_ ? table.rows.size() - page_ : 0;
    first_ = std::min(first_, last_first_);
    lines.push_back({table.head, Style::head});
    const auto shown = std::min(page_, table.rows.size() - first_);
    for (std::size_t i = first_; i < first_ + shown; ++i) {
      const bool quiet = peers[i].state != PeerState::ready;
      lines.push_back({table.rows[i], quiet ? Style::faint : Style::plain});
    }
    if (foot_rows == 1) {
      lines.resize(height - 1);
      lines.push_back({foot(first_, shown, table.rows.size()), Style::faint});
    }
  }
  lines.resize(height);
  for (auto& line : lines) line.text = clipped(line.text, width);
  return lines;
}

}  // namespace tidegate::command::top
