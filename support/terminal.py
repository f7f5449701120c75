#!/usr/bin/env python3
"""Runs a program in a terminal of a given size, and shows what stands on its screen.

So much of a terminal as programs of curses need of TERM=linux: text, the cursor, and how to erase.
The live tests of `tidegate top` drive it by lines on standard input, and are answered by lines of
JSON; docs/top.svg is made with it (--svg), so that the picture is as the program draws it.

    size 80 24      the window has another size from now on
    keys TEXT       typed there; with the escapes of Python, as \\x1b
    screen          answered by {"screen": [line, ...], "cursor": bool}
    signal NAME     sent to the program
    end             waits for its end: {"status": number, "restored": bool}
"""
import argparse
import ast
import fcntl
import html
import json
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

STYLES = {"1": "bold", "2": "dim", "7": "reverse", "31": "red"}


class Screen:
    def __init__(self, columns, rows):
        self.row = self.column = 0
        self.style = frozenset()
        self.cursor = True
        self.pending = ""
        self.resize(columns, rows)

    def resize(self, columns, rows):
        old = getattr(self, "cells", [])
        self.columns, self.rows = columns, rows
        self.top, self.bottom = 0, rows  # of the region that scrolls
        self.cells = [[(old[y][x] if y < len(old) and x < len(old[y]) else (" ", frozenset()))
                       for x in range(columns)] for y in range(rows)]
        self.row, self.column = min(self.row, rows - 1), min(self.column, columns - 1)

    def lines(self):
        return ["".join(cell for cell, _ in row).rstrip() for row in self.cells]

    def erase(self, row, begin, end):
        for x in range(max(begin, 0), min(end, self.columns)):
            self.cells[row][x] = (" ", frozenset())

    def put(self, character):
        if self.column >= self.columns:
            self.column = 0
            self.line_feed()
        self.cells[self.row][self.column] = (character, self.style)
        self.column += 1

    def line_feed(self):
        if self.row + 1 == self.bottom:
            self.shift(self.top, -1)
        else:
            self.row = min(self.row + 1, self.rows - 1)

    def reverse_line_feed(self):
        if self.row == self.top:
            self.shift(self.top, 1)
        else:
            self.row = max(self.row - 1, 0)

    def shift(self, first, count):
        """Moves the lines of the region from `first` on down, or up with a negative count."""
        lines = self.cells[first:self.bottom]
        blank = [[(" ", frozenset())] * self.columns for _ in range(abs(count))]
        lines = blank + lines if count > 0 else lines[-count:] + blank
        self.cells[first:self.bottom] = lines[:self.bottom - first]

    def feed(self, text):
        text = self.pending + text
        self.pending = ""
        pattern = re.compile(r"\x1b(\[[?>]?[\d;]*[@-~]|[()][A-Z0-9]|\][^\x07]*\x07|[=>78cDEHM])")
        at = 0
        while at < len(text):
            character = text[at]
            if character == "\x1b":
                found = pattern.match(text, at)
                if not found:
                    self.pending = text[at:]
                    return
                if found.group(1)[0] == "[":
                    self.control(found.group(1)[1:])
                elif found.group(1) == "M":
                    self.reverse_line_feed()
                at = found.end()
                continue
            at += 1
            if character == "\r":
                self.column = 0
            elif character == "\n":
                self.line_feed()
            elif character == "\b":
                self.column = max(0, min(self.column, self.columns) - 1)
            elif character == "\t":
                self.column = min(self.columns - 1, self.column // 8 * 8 + 8)
            elif character >= " ":
                self.put(character)

    def control(self, sequence):
        final, body = sequence[-1], sequence[:-1]
        if body.startswith("?"):
            if "25" in body[1:].split(";"):
                self.cursor = final == "h"
            return
        numbers = [int(n) for n in body.split(";") if n.isdigit()]
        count = numbers[0] if numbers and numbers[0] else 1
        if final in "Hf":
            self.row = min(count, self.rows) - 1
            self.column = min(numbers[1] if len(numbers) > 1 else 1, self.columns) - 1
        elif final == "A":
            self.row = max(0, self.row - count)
        elif final == "B":
            self.row = min(self.rows - 1, self.row + count)
        elif final == "C":
            self.column = min(self.columns - 1, self.column + count)
        elif final == "D":
            self.column = max(0, self.column - count)
        elif final == "G":
            self.column = min(count, self.columns) - 1
        elif final == "d":
            self.row = min(count, self.rows) - 1
        elif final == "K":
            how = numbers[0] if numbers else 0
            self.erase(self.row, 0 if how else self.column,
                       self.column + 1 if how == 1 else self.columns)
        elif final == "J":
            how = numbers[0] if numbers else 0
            if how == 0:
                self.erase(self.row, self.column, self.columns)
            for row in range(self.rows):
                if how == 2 or (how == 0 and row > self.row) or (how == 1 and row < self.row):
                    self.erase(row, 0, self.columns)
        elif final == "X":
            self.erase(self.row, self.column, self.column + count)
        elif final == "P":
            row = self.cells[self.row]
            del row[self.column:self.column + count]
            row += [(" ", frozenset())] * (self.columns - len(row))
        elif final == "@":
            row = self.cells[self.row]
            row[self.column:self.column] = [(" ", frozenset())] * count
            del row[self.columns:]
        elif final == "L":
            self.shift(self.row, count)
        elif final == "M":
            self.shift(self.row, -count)
        elif final == "r":
            self.top = count - 1
            self.bottom = min(numbers[1] if len(numbers) > 1 else self.rows, self.rows)
            self.row = self.column = 0
        elif final == "m":
            for one in body.split(";") or ["0"]:
                if one in ("", "0"):
                    self.style = frozenset()
                elif one in STYLES:
                    self.style |= {STYLES[one]}
                elif one in ("22", "21"):
                    self.style -= {"bold", "dim"}
                elif one == "27":
                    self.style -= {"reverse"}
                elif one == "39":
                    self.style -= {"red"}


class Terminal:
    def __init__(self, columns, rows, command):
        self.screen = Screen(columns, rows)
        self.child, self.master = pty.fork()
        if self.child == 0:
            os.environ["TERM"] = "linux"
            os.environ.setdefault("LC_ALL", "C.UTF-8")
            # The size has to be right before the program looks at it.
            os.read(0, 1)
            os.execvp(command[0], command)
        self.set_size(columns, rows)
        os.write(self.master, b"\n")
        time.sleep(0.05)
        self.before = None
        self.decoder = __import__("codecs").getincrementaldecoder("utf-8")("replace")

    def set_size(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(columns, rows)

    def read(self):
        try:
            data = os.read(self.master, 65536)
        except OSError:
            data = b""
        self.screen.feed(self.decoder.decode(data))
        return bool(data)

    def cooked(self):
        """Whether the terminal echoes and waits for lines, as it does for a shell."""
        flags = termios.tcgetattr(self.master)[3]
        return bool(flags & termios.ECHO) and bool(flags & termios.ICANON)


def serve(terminal):
    lines = b""
    inputs = [terminal.master, 0]
    while True:
        ready, _, _ = select.select(inputs, [], [])
        if terminal.master in ready and not terminal.read():
            inputs.remove(terminal.master)
        if 0 not in ready:
            continue
        got = os.read(0, 65536)
        if not got:
            os.kill(terminal.child, signal.SIGKILL)
            return
        lines += got
        while b"\n" in lines:
            line, lines = lines.split(b"\n", 1)
            word, _, rest = line.decode().partition(" ")
            if word == "size":
                terminal.set_size(*map(int, rest.split()))
            elif word == "keys":
                os.write(terminal.master, ast.literal_eval(f"'{rest}'").encode("latin-1"))
            elif word == "signal":
                os.kill(terminal.child, getattr(signal, rest))
            elif word == "screen":
                print(json.dumps({"screen": terminal.screen.lines(),
                                  "cursor": terminal.screen.cursor}), flush=True)
            elif word == "end":
                restored = True
                while terminal.master in inputs:
                    if not terminal.read():
                        break
                _, status = os.waitpid(terminal.child, 0)
                try:
                    restored = terminal.cooked()
                except termios.error:
                    pass  # on Linux the settings are gone with the last user
                print(json.dumps({"status": os.waitstatus_to_exitcode(status),
                                  "restored": restored and terminal.screen.cursor}), flush=True)
                return


def svg(screen):
    """The screen as a picture; each run of one style is a text of its own."""
    wide, high, margin = 8.43, 18, 12
    width, height = screen.columns * wide + 2 * margin, screen.rows * high + 2 * margin
    out = ['<svg xmlns="http://www.w3.org/2000/svg"',
           f'  viewBox="0 0 {width:.0f} {height:.0f}" font-size="14"',
           '  font-family="DejaVu Sans Mono, Menlo, Consolas, monospace">',
           '<style>text { white-space: pre }</style>',
           f'<rect width="{width:.0f}" height="{height:.0f}" rx="6" fill="#1b1f24"/>']
    for y, row in enumerate(screen.cells):
        x = 0
        while x < screen.columns:
            style, begin = row[x][1], x
            while x < screen.columns and row[x][1] == style:
                x += 1
            text = "".join(cell for cell, _ in row[begin:x]).rstrip()
            left, top = margin + begin * wide, margin + y * high
            if "reverse" in style:
                out.append(f'<rect x="{left:.1f}" y="{top}" width="{(x - begin) * wide:.1f}" '
                           f'height="{high}" fill="#d0d7de"/>')
            if not text:
                continue
            color = "#1b1f24" if "reverse" in style else "#ff7b72" if "red" in style else \
                "#8b949e" if "dim" in style else "#e6edf3"
            weight = ' font-weight="bold"' if "bold" in style else ""
            out.append(f'<text x="{left:.1f}" y="{top + 14}" fill="{color}"{weight}')
            out.append(f'  textLength="{len(text) * wide:.1f}"')
            out.append(f'>{html.escape(text)}</text>')
    return "\n".join(out + ["</svg>", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument("--rows", type=int, default=24)
    parser.add_argument("--svg", help="write a picture of the screen there after --seconds")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    terminal = Terminal(options.columns, options.rows, options.command)
    if not options.svg:
        serve(terminal)
        return
    end = time.monotonic() + options.seconds
    while (left := end - time.monotonic()) > 0:
        ready, _, _ = select.select([terminal.master], [], [], left)
        if ready and not terminal.read():
            sys.exit("the program has ended")
    with open(options.svg, "w", encoding="utf-8") as file:
        file.write(svg(terminal.screen))
    os.kill(terminal.child, signal.SIGTERM)
    os.waitpid(terminal.child, 0)


if __name__ == "__main__":
    main()
