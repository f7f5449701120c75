// Bytes of STOMP clients: their frames alone, and a session in virtual time that gets them in
// pieces, with answers of the peer, deliveries and the time in between.
#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lib/base/must.hpp"
#include "lib/stomp/durable_subscriptions.hpp"
#include "lib/stomp/frame_reader.hpp"
#include "lib/stomp/frame_writer.hpp"
#include "lib/stomp/session.hpp"
#include "tests/fuzz/targets.hpp"

namespace tidegate::fuzz {
namespace {

using namespace std::string_literals;

constexpr std::size_t body_bytes = 1000;

struct ReadStomp {
  std::vector<stomp::Frame> frames;
  std::optional<Error> error;

  friend bool operator==(const ReadStomp&, const ReadStomp&) = default;
};

ReadStomp read_frames_of(std::string_view bytes, std::optional<stomp::Version> version,
                         std::size_t piece) {
  stomp::FrameReader reader(body_bytes);
  if (version) reader.follow(*version);
  ReadStomp got;
  for (std::size_t at = 0; at < bytes.size() && !got.error; at += piece) {
    reader.add(bytes.substr(at, piece));
    while (!got.error) {
      auto frame = reader.next();
      if (!frame) {
        got.error = frame.error();
      } else if (*frame) {
        got.frames.push_back(std::move(**frame));
      } else {
        break;
      }
    }
  }
  return got;
}

// Does what each letter of a script says.
class ScriptedSession {
  using Item = stomp::SubscriptionQueue::Item;

 public:
  void run(std::string_view script, std::string_view bytes) {
    for (const char c : script) {
      act(c, bytes);
      take_effects();
    }
    session_.receive(bytes, now_);
    take_effects();
    write(std::string_view::npos);
    session_.input_ended(now_);
    session_.step(now_ += std::chrono::minutes(1));
    session_.step(now_ += std::chrono::minutes(1));
    TIDEGATE_MUST(session_.over());
  }

 private:
  void act(char c, std::string_view& bytes) {
    const auto tag = tags_.empty() ? 0 : tags_.front();
    switch (c) {
      case 'b':
      case 'B': {
        const auto piece = bytes.substr(0, c == 'b' ? 1 : 100);
        bytes.remove_prefix(piece.size());
        return session_.receive(piece, now_);
      }
      case 's':
        return session_.sent(tag, ++sequence_, std::nullopt);
      case 'r':
        tags_.erase(tags_.begin(), tags_.begin() + (tags_.empty() ? 0 : 1));
        return session_.received(tag);
      case 'u':
        return session_.unpublished(tag, "left", "{}");
      case 'x':
        return session_.refused(tag, "no");
      case 'c':
      case 'C':
        if (asked_.empty()) return;
        session_.covered(asked_.front(), c == 'c' ? Covered::visible : Covered::pending, "a, b");
        asked_.erase(asked_.begin());
        return;
      case 'd':
        durable_.deliver(delivery(++sequence_));
        return session_.deliver(delivery(sequence_));
      case 'o':
      case 'O':
        if (opened_.empty()) return;
        c == 'o' ? session_.answered(opened_.front()) : session_.given_up(opened_.front());
        opened_.erase(opened_.begin());
        return;
      case 'l':
      case 'L':
        return session_.give(
            "x", c == 'l' ? Item{row(++sequence_), nullptr} : Item{nullptr, lost(++sequence_)});
      case 'n':
        return session_.notify("undelivered", "{}");
      case 't':
        return session_.step(now_ += std::chrono::milliseconds(50));
      case 'T':
        return session_.step(now_ += std::chrono::seconds(10));
      case 'w':
        return write(10);
      default:
        return write(std::string_view::npos);
    }
  }

  static std::shared_ptr<const Delivery> delivery(std::uint64_t sequence) {
    Delivery delivery{.message = {Topic::of({"a", "b\n"}).value(), "text\0\n"s, {}, {}},
                      .origin = {},
                      .origin_name = "name:\n\\"};
    delivery.sequence = sequence;
    return std::make_shared<const Delivery>(std::move(delivery));
  }

  static std::shared_ptr<const Delivery> row(std::uint64_t sequence) {
    auto row = *delivery(sequence);
    row.row = OutboxRow{.ticket = sequence, .transaction = 7, .id = sequence, .announced = 1};
    return std::make_shared<const Delivery>(std::move(row));
  }
  static std::shared_ptr<const stomp::Loss> lost(std::uint64_t sequence) {
    return std::make_shared<const stomp::Loss>(stomp::Loss{.kind = stomp::Loss::Kind::outbox,
                                                           .origin = {},
                                                           .first = sequence,
                                                           .json = "{}",
                                                           .ticket = sequence});
  }

  void act_for_outbox(const stomp::OutboxEffect& effect) {
    if (const auto* open = std::get_if<stomp::OutboxOpen>(&effect)) {
      TIDEGATE_MUST(outboxes_.insert(open->name).second);
      opened_.push_back(open->tag);
    } else if (const auto* close = std::get_if<stomp::OutboxClose>(&effect)) {
      TIDEGATE_MUST(outboxes_.erase(close->name) == 1);
    } else if (const auto* remove = std::get_if<stomp::OutboxRemove>(&effect)) {
      outboxes_.erase(remove->name);
      opened_.push_back(remove->tag);
    } else {
      const auto& taken = std::get<stomp::OutboxTaken>(effect);
      TIDEGATE_MUST(outboxes_.contains(taken.name));
      TIDEGATE_MUST(taken.ticket != 0);
    }
  }

  void take_effects() {
    for (const auto& effect : session_.take_effects()) {
      if (const auto* publish = std::get_if<stomp::PublishEffect>(&effect)) {
        tags_.push_back(publish->tag);
      }
      if (const auto* ask = std::get_if<stomp::AskEffect>(&effect)) asked_.push_back(ask->tag);
      if (const auto* outbox = std::get_if<stomp::OutboxEffect>(&effect)) act_for_outbox(*outbox);
      if (std::holds_alternative<stomp::WantEffect>(effect)) ++wanted_;
      if (std::holds_alternative<stomp::UnwantEffect>(effect)) --wanted_;
    }
    const auto lasting = static_cast<int>(durable_.patterns().size());
    TIDEGATE_MUST(wanted_ >= lasting && (!session_.ended() || wanted_ == lasting));
    TIDEGATE_MUST(!session_.ended() || outboxes_.empty());
    file_ += durable_.take_journal();
    if (durable_.changed()) file_ = durable_.snapshot();
    durable_.written();
    const auto kept = stomp::read_durable(file_);
    TIDEGATE_MUST(kept.ok() && snapshot_of(*kept) == durable_.snapshot());
  }

  static std::string snapshot_of(const stomp::DurableImage& image) {
    std::string text;
    stomp::write_durable(text, image);
    return text;
  }

  // The client reads so much: whole frames, and none behind an ERROR.
  void write(std::size_t most) {
    const auto output = session_.output().substr(0, most);
    TIDEGATE_MUST(output.empty() || !error_seen_);
    if (session_.version()) reader_.follow(*session_.version());
    reader_.add(output);
    session_.wrote(output.size(), now_);
    while (true) {
      const auto frame = reader_.next();
      TIDEGATE_MUST(frame.ok());
      if (!*frame) break;
      TIDEGATE_MUST(!error_seen_);
      error_seen_ = (*frame)->command == "ERROR";
    }
  }

  Instant now_{std::chrono::hours(1)};
  std::string file_ = snapshot_of({});
  stomp::DurableSubscriptions durable_{{}, [](const stomp::Loss&) { return "{}"s; }};
  stomp::Session session_{{.name = "1",
                           .server = "s",
                           .payload_bytes = body_bytes,
                           .durable = &durable_,
                           .outbox = true},
                          now_};
  stomp::FrameReader reader_{2 * body_bytes};
  std::vector<stomp::Tag> tags_;    // of what is published
  std::vector<stomp::Tag> asked_;   // of the questions
  std::vector<stomp::Tag> opened_;  // of the outbox
  std::set<std::string> outboxes_;
  std::uint64_t sequence_ = 0;
  int wanted_ = 0;
  bool error_seen_ = false;
};

}  // namespace

// The first byte chooses the version and the size of the pieces.
void read_stomp_frames(std::string_view input) {
  if (input.empty()) return;
  const auto choice = static_cast<unsigned char>(input.front());
  const auto bytes = input.substr(1);
  std::optional<stomp::Version> version;
  if (choice % 4 != 3) version = static_cast<stomp::Version>(choice % 4);
  const auto at_once = read_frames_of(bytes, version, std::max<std::size_t>(bytes.size(), 1));
  TIDEGATE_MUST(read_frames_of(bytes, version, 1 + choice / 4) == at_once);
  if (!version || version == stomp::Version::v1_0) return;
  for (const auto& frame : at_once.frames) {
    if (stomp::opens_connection(frame.command)) continue;
    const auto again = read_frames_of(to_bytes(frame, *version), version, 4096);
    TIDEGATE_MUST(!again.error && again.frames == std::vector{frame});
  }
}

std::vector<std::string> stomp_frame_seeds() {
  return {"\x03STOMP\r\naccept-version:1.0,1.1,1.2\r\nlogin:u:ser\r\n\r\n\0\n\n"s,
          "\x06SEND\r\ndestination:/topic/a.b\r\na\\c:\\\\\\n\\r:x\r\n\r\ntext\0"s,
          "\x51SEND\ncontent-length:3\na:b\\cc\n\n\0\n\0\0SUBSCRIBE\nid:1\n\n\0"s,
          "\x00SEND\n destination : a:b\\t\n\nx\0\n\nDISCONNECT\n\n\0"s};
}

// The first line is the script, the rest what the client sends.
void run_stomp_session(std::string_view input) {
  const auto end = std::min(input.find('\n'), input.size());
  ScriptedSession().run(input.substr(0, end), input.substr(std::min(end + 1, input.size())));
}

std::vector<std::string> stomp_session_seeds() {
  return {
      "BBBBWdddwwnWsruxtT\nCONNECT\naccept-version:1.2\nheart-beat:100,100\n\n\0"
      "SUBSCRIBE\nid:1\ndestination:/topic/a.>\nack:client\n\n\0"
      "SUBSCRIBE\nid:2\ndestination:/tidegate/notices\n\n\0ACK\nid:2\n\n\0"
      "SEND\ndestination:a/b\nreceipt:r\nreceipt-when:received\n\nbody\0"s,
      "BBBBsssstttW\nCONNECT\n\n\0BEGIN\ntransaction:t\nreceipt:b\n\n\0"
      "SEND\ndestination:a\ntransaction:t\ndepends:none\norder:none\n\n\0"
      "COMMIT\ntransaction:t\nreceipt:c\n\n\0DISCONNECT\nreceipt:d\n\n\0"s,
      "BBdddddBBddWrruuW\nSTOMP\naccept-version:1.1\n\n\0SUBSCRIBE\nid:1\ndestination:#\n"
      "ack:client-individual\nprefetch-count:2\n\n\0NACK\nsubscription:1\nmessage-id:"
      "00000000000000000000000000000000-0-1\n\n\0UNSUBSCRIBE\nid:1\n\n\0"
      "SEND\ndestination:a\nreceipt:1\nposition:postgres:7:1:0/1\n\n\0"s,
      "BBBddWddWBBWBBdW\nSTOMP\naccept-version:1.2\n\n\0SUBSCRIBE\nid:1\ndestination:a/*\n"
      "ack:client-individual\ndurable-subscription-name:x\n\n\0"
      "ACK\nid:2\n\n\0ACK\nid:1\n\n\0UNSUBSCRIBE\nid:1\n\n\0"
      "UNSUBSCRIBE\ndurable-subscription-name:x\n\n\0"s,
      "BBcBBCWTBcW\nSTOMP\naccept-version:1.2\n\n\0SEND\ndestination:/tidegate/wait\nreceipt:1\n"
      "position:postgres:7:1:0/1\neverywhere:true\ntimeout-ms:50\n\n\0"
      "SEND\ndestination:/tidegate/wait\nreceipt:2\nposition:postgres:7:1:0/1\n\n\0"
      "DISCONNECT\nreceipt:3\n\n\0"s,
      "BBBBolLWBBBBoW\nSTOMP\naccept-version:1.2\n\n\0SUBSCRIBE\nid:1\ndestination:a/*\n"
      "ack:client\noutbox:x\nfrom:earliest\nreceipt:1\n\n\0ACK\nid:2\n\n\0"
      "UNSUBSCRIBE\nid:1\n\n\0UNSUBSCRIBE\noutbox:x\nreceipt:2\n\n\0"s};
}

// A good text is read as it was written.
void read_durable_subscriptions(std::string_view input) {
  const auto read = stomp::read_durable(input);
  if (!read) return;
  std::string written;
  stomp::write_durable(written, *read);
  const auto again = stomp::read_durable(written);
  TIDEGATE_MUST(again.ok() && again->torn == 0 && again->subscriptions == read->subscriptions);
  const stomp::DurableSubscriptions restored(*read, [](const stomp::Loss&) { return ""s; });
  TIDEGATE_MUST(restored.snapshot() == written);
}

std::vector<std::string> durable_subscription_seeds() {
  stomp::DurableImage image;
  Origin origin;
  origin.incarnation = 7;
  auto& one = image.subscriptions[3];
  one = {"mails", "/topic/a.*", {}};
  auto& stream = one.streams[origin];
  stream.publisher = "app\\1\n";
  stream.sent = 30;
  stream.settled.settle({1, 17});
  stream.settled.settle({20, 21});
  std::string text;
  stomp::write_durable(text, image);
  std::string later = text;
  stomp::write_settled(later, 3, origin, {18, 19});
  stomp::write_sent(later, 3, origin, 31);
  stomp::write_forget(later, 3, origin);
  return {text, later, text + "0123"};
}

}  // namespace tidegate::fuzz
