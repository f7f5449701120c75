#include "peer/outbox_cursor.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "lib/base/limits.hpp"
#include "lib/outbox/cursor_records.hpp"

namespace tidegate::peer {
namespace {

// The whole is written that long after a row was done, and after a reading that only tells how far
// the server has come: retention would report rows behind it as lost.
constexpr Duration after_done = std::chrono::seconds(1);
constexpr Duration after_reading = std::chrono::seconds(30);
constexpr Duration between_tries = std::chrono::seconds(1);

}  // namespace

Result<OutboxCursor> OutboxCursor::open(const std::string& path,
                                        std::optional<outbox::Cursor>& cursor) {
  OutboxCursor opened;
  std::string text;
  auto file = DurableFile::open(path, base::limits::outbox_cursor_file_bytes, text);
  if (!file) return Error{"the cursor: " + file.error().message};
  auto read = outbox::read_cursor_file(text);
  if (!read) {
    return Error{"the cursor in " + path + " can't be understood: " + read.error().message +
                 "; move the file away, and the subscription begins anew"};
  }
  cursor = std::move(read->cursor);
  opened.file_ = std::move(file).value();
  // Nothing may stand behind a torn line.
  if (cursor) opened.write_at_once();
  return opened;
}

void OutboxCursor::done(const outbox::Reader& reader, const outbox::RowKey& row, Instant now) {
  if (!file_) return;
  write_at_ = std::min(write_at_, now + after_done);
  if (!whole_) return;
  std::string lines;
  if (reader.seen() != seen_) outbox::write_seen(lines, *reader.seen());
  outbox::write_done(lines, row);
  if (file_->append(lines)) {
    whole_ = false;
    write_at_once();
    return;
  }
  seen_ = reader.seen();
  if (file_->appended_bytes() >
      std::max(base::limits::outbox_journal_bytes, file_->replaced_bytes())) {
    write_at_once();
  }
}

void OutboxCursor::moved(Instant now) {
  if (!file_) return;
  // Where the last try has failed the next one has its time: readings come more often.
  const bool at_once = !whole_ && told_.empty();
  write_at_ = std::min(write_at_, at_once ? now : now + after_reading);
}

std::optional<std::string> OutboxCursor::write(const outbox::Reader& reader, Instant now) {
  if (now < write_at_) return std::nullopt;
  write_at_ = never;
  const auto cursor = reader.cursor();
  if (!file_ || !cursor) return std::nullopt;
  std::string text;
  outbox::write_whole(text, *cursor);
  if (const auto failed = file_->replace(text)) {
    whole_ = false;
    write_at_ = now + between_tries;
    if (told_ == failed->message) return std::nullopt;
    told_ = failed->message;
    return told_ + "; what is taken meanwhile comes again if the process ends";
  }
  whole_ = true;
  seen_ = reader.seen();
  told_.clear();
  return std::nullopt;
}

}  // namespace tidegate::peer
