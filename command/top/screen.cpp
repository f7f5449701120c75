#include "command/top/screen.hpp"

#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <map>

// The names of curses are macros without this; and it has the wide characters.
#define NCURSES_NOMACROS
#include <curses.h>
#include <unistd.h>

namespace tidegate::command::top {
namespace {

constexpr const char* instead =
    "use `tidegate status --watch`, or for programs `tidegate status --json`";

// So long may the bytes of one key be on their way; a lone Esc is known then.
constexpr int escape_ms = 25;

constexpr short red = 1;

attr_t attributes(Style style) {
  switch (style) {
    case Style::strong:
      return A_BOLD;
    case Style::head:
      return A_REVERSE;
    case Style::faint:
      return A_DIM;
    case Style::bad:
      return has_colors() ? static_cast<attr_t>(COLOR_PAIR(red)) | A_BOLD : A_BOLD;
    case Style::plain:
      break;
  }
  return A_NORMAL;
}

std::optional<Key> key_of(int code) {
  static const std::map<int, Key::Kind> kinds = {{KEY_UP, Key::Kind::up},
                                                 {KEY_DOWN, Key::Kind::down},
                                                 {KEY_PPAGE, Key::Kind::page_up},
                                                 {KEY_NPAGE, Key::Kind::page_down},
                                                 {KEY_HOME, Key::Kind::home},
                                                 {KEY_END, Key::Kind::end},
                                                 {KEY_LEFT, Key::Kind::left},
                                                 {KEY_RIGHT, Key::Kind::right},
                                                 {KEY_ENTER, Key::Kind::enter},
                                                 {'\n', Key::Kind::enter},
                                                 {'\r', Key::Kind::enter},
                                                 {27, Key::Kind::escape},
                                                 {KEY_BACKSPACE, Key::Kind::backspace},
                                                 {127, Key::Kind::backspace},
                                                 {'\b', Key::Kind::backspace}};
  const auto kind = kinds.find(code);
  if (kind != kinds.end()) return Key{kind->second, '\0'};
  if (code < ' ' || code > 0xFF) return std::nullopt;
  return Key{Key::Kind::character, static_cast<char>(code)};
}

}  // namespace

struct Screen::Terminal {
  explicit Terminal(SCREEN* its_screen) : screen(its_screen) {}
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal() {
    endwin();
    delscreen(screen);
  }

  SCREEN* screen;
};

Result<std::unique_ptr<Screen>> Screen::open() {
  if (isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0) {
    return Error{std::string("top needs a terminal; without one ") + instead};
  }
  std::setlocale(LC_CTYPE, "");  // names are UTF-8
  auto* screen = newterm(nullptr, stdout, stdin);
  if (screen == nullptr) {
    const auto* kind = std::getenv("TERM");
    return Error{std::string("this kind of terminal is not known (TERM is ") +
                 (kind == nullptr ? "not set" : "'" + std::string(kind) + "'") + "); set it, or " +
                 instead};
  }
  return std::unique_ptr<Screen>(new Screen(std::make_unique<Terminal>(screen)));
}

Screen::Screen(std::unique_ptr<Terminal> terminal) : terminal_(std::move(terminal)) {
  cbreak();
  noecho();
  nonl();
  keypad(stdscr, TRUE);
  nodelay(stdscr, TRUE);
  set_escdelay(escape_ms);
  curs_set(0);
  if (has_colors()) {
    start_color();
    use_default_colors();
    init_pair(red, COLOR_RED, -1);
  }
}

Screen::~Screen() = default;

std::size_t Screen::width() const { return static_cast<std::size_t>(getmaxx(stdscr)); }
std::size_t Screen::height() const { return static_cast<std::size_t>(getmaxy(stdscr)); }

void Screen::draw(const std::vector<Line>& lines) {
  erase();
  int row = 0;
  for (const auto& [text, style] : lines) {
    attrset(static_cast<int>(attributes(style)));
    mvaddstr(row, 0, text.c_str());
    // The head of the table is a bar.
    if (style == Style::head && getcury(stdscr) == row) {
      for (auto column = getcurx(stdscr); column < getmaxx(stdscr); ++column) {
        mvaddch(row, column, ' ');
      }
    }
    ++row;
  }
  attrset(A_NORMAL);
  refresh();
}

std::optional<Key> Screen::key() {
  for (auto code = getch(); code != ERR; code = getch()) {
    if (const auto key = key_of(code)) return key;
  }
  return std::nullopt;
}

}  // namespace tidegate::command::top
