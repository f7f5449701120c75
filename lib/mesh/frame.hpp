// The frames that peers exchange, and which of them each channel carries. The bytes are in
// frame_codec.hpp and in PROTOCOL.md; roster.hpp and lib/node say which frame is sent when.
//
//     channel       from                  to                     frames
//     CallFrame     a DEALER that dialled the ROUTER dialled     Hello, Ready, Listening,
//                                                                RetransmitRequest, Probe,
//                                                                CoverageQuestion, ReceiptRequest,
//                                                                SurveyQuestion, PathQuestion,
//                                                                TraceRequest, DatagramOffer
//     AnswerFrame   that ROUTER           the same DEALER        Welcome, Refusal, Data, Retained,
//                                                                Vouch, CoverageAnswer, Receipt,
//                                                                SurveyAnswer, PathAnswer,
//                                                                TraceReport
//     StreamFrame   an XPUB               every SUB              Data, Heartbeat, Farewell
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "lib/mesh/announcement.hpp"
#include "lib/mesh/datagram.hpp"
#include "lib/mesh/survey_frames.hpp"
#include "tidegate/covered.hpp"
#include "tidegate/message.hpp"
#include "tidegate/origin.hpp"
#include "tidegate/position.hpp"
#include "tidegate/time.hpp"
#include "tidegate/topic.hpp"
#include "tidegate/traced.hpp"

namespace tidegate::mesh {

inline constexpr std::uint32_t protocol_version = 3;

// The CURVE key by which followers know a publisher's stream from any other. Each process draws
// its own and tells it to nobody but members; all 0: it has none.
using StreamKey = std::array<std::uint8_t, 32>;

// The features of a peer on the wire, a set of bits.
inline constexpr std::uint64_t feature_traces = 1;

// How a peer introduces itself. Its address is where its connection comes from.
struct PeerInfo {
  Origin origin;
  std::string mesh;
  std::string name;
  std::uint16_t publish_port = 0;
  std::uint16_t direct_port = 0;
  // The incarnation in which its stream has begun, if this life goes on with it; 0: in this one.
  std::uint64_t epoch = 0;
  StreamKey stream_key{};
  KeyId key = 0;       // with which its direct port answers
  bool traces = true;  // it knows a TraceRequest; peers of before don't

  friend bool operator==(const PeerInfo&, const PeerInfo&) = default;
};

// Whose sequences its messages have: the peer since its stream has begun.
[[nodiscard]] inline Origin publisher_of(const PeerInfo& info) {
  return {info.origin.peer, info.epoch == 0 ? info.origin.incarnation : info.epoch};
}

// The first frame on a DEALER. Nothing that a peer sends counts before it.
struct Hello {
  PeerInfo info;
  friend bool operator==(const Hello&, const Hello&) = default;
};

// The answer to a Hello: the dialled peer introduces itself in turn.
struct Welcome {
  PeerInfo info;
  friend bool operator==(const Welcome&, const Welcome&) = default;
};

// The other answer: not of this mesh, or not of this protocol version.
struct Refusal {
  std::string reason;
  friend bool operator==(const Refusal&, const Refusal&) = default;
};

// From a publisher to `target`: your subscription has arrived; from sequence `next` on you will see
// all, and what I keep begins at `first`. It names whom it is meant for, as the answer does: what
// waits on a broken connection goes to whoever listens at that address next, perhaps another life.
struct Ready {
  Origin origin;
  Origin target;
  std::uint64_t first = 1;  // at most `next`
  std::uint64_t next = 1;
  friend bool operator==(const Ready&, const Ready&) = default;
};

// The answer to Ready: I count your messages from there.
struct Listening {
  Origin origin;
  Origin target;
  friend bool operator==(const Listening&, const Listening&) = default;
};

// Consecutive messages of one origin, the first with sequence `first`. To all, or again to the one
// who asked.
struct Data {
  Origin origin;
  std::uint64_t first = 1;
  std::vector<Message> messages;  // never empty
  friend bool operator==(const Data&, const Data&) = default;
};

// Alive, and how far: also reveals that the last messages were lost, and what can't be asked for.
struct Heartbeat {
  Origin origin;
  std::uint64_t first = 1;  // the first that is still kept; last + 1: nothing is
  std::uint64_t last = 0;   // highest sequence published, 0: none yet
  std::optional<Position> position;
  friend bool operator==(const Heartbeat&, const Heartbeat&) = default;
};

struct Farewell {
  Origin origin;
  std::uint64_t last = 0;
  friend bool operator==(const Farewell&, const Farewell&) = default;
};

// To a publisher: I miss these; send them again.
struct RetransmitRequest {
  Origin origin;  // who asks
  std::uint64_t first = 1;
  std::uint64_t last = 1;  // both included
  friend bool operator==(const RetransmitRequest&, const RetransmitRequest&) = default;
};

// The end of the answer to a Request, behind as much Data as fits one answer: what I keep begins at
// `first`, so what was asked for before that is gone.
struct Retained {
  Origin origin;
  std::uint64_t first = 1;
  friend bool operator==(const Retained&, const Retained&) = default;
};

// I don't hear `target`; do you?
struct Probe {
  Origin origin;  // who asks
  Origin target;
  friend bool operator==(const Probe&, const Probe&) = default;
};

// The answer, from one who does hear it.
struct Vouch {
  Origin target;
  friend bool operator==(const Vouch&, const Vouch&) = default;
};

// From a publisher to one that counts its messages: tell me, once you have all of them up to
// `last`.
struct ReceiptRequest {
  Origin origin;  // who asks
  std::uint64_t last = 1;
  friend bool operator==(const ReceiptRequest&, const ReceiptRequest&) = default;
};

// The answer: of yours I have all from `first` to `last`. A message before that which has not come
// is lost to me.
struct Receipt {
  Origin origin;  // who has them
  std::uint64_t first = 1;
  std::uint64_t last = 0;  // first - 1: there are none
  friend bool operator==(const Receipt&, const Receipt&) = default;
};

// Does the server that you read show this position?
struct CoverageQuestion {
  Origin origin;             // who asks
  std::uint64_t number = 0;  // comes back in the answer
  Position position;         // of something
  friend bool operator==(const CoverageQuestion&, const CoverageQuestion&) = default;
};

// The answer, by what is known at once. None: its peer reads no server.
struct CoverageAnswer {
  Origin origin;
  std::uint64_t number = 0;
  std::optional<Covered> covered;
  friend bool operator==(const CoverageAnswer&, const CoverageAnswer&) = default;
};

// A message of those that were published.
struct PublishedMessage {
  Origin origin;  // as its Data has it
  std::uint64_t sequence = 1;
  friend bool operator==(const PublishedMessage&, const PublishedMessage&) = default;
};

// Follow the next message on these topics that you publish, and tell me its steps. Or, with a
// message: tell me the steps of that one, which you get. Asked again and again; a peer that is not
// asked for some seconds follows no longer.
struct TraceRequest {
  Origin origin;             // who asks
  std::uint64_t number = 0;  // comes back in the reports; names the trace, with who asks
  Instant asked{};           // by the clock of who asks, which comes back, too
  Pattern pattern;           // with a text as limits.hpp says
  std::optional<PublishedMessage> message;
  friend bool operator==(const TraceRequest&, const TraceRequest&) = default;
};

// The steps of a message at its publisher, by the clock of that one. Instant{}: not come so far.
struct SendingSteps {
  Traced::Fate fate = Traced::Fate::under_way;  // not none
  std::uint64_t sequence = 0;                   // 0: it is not sent
  Instant published{};
  Instant asked{};
  Instant answered{};
  Instant left{};  // sent, or given back
  Topic topic;
  friend bool operator==(const SendingSteps&, const SendingSteps&) = default;
};

// The same at a receiver. Its fate is none of those of which nothing is known.
struct ReceivingSteps {
  TracedFate fate = TracedFate::under_way;
  Instant arrived{};
  Instant taken{};  // by the gate, or for the application
  Instant asked{};  // the server, by the reading that showed its change
  Instant shown{};
  Instant left{};  // for the application, or as its fate says
  friend bool operator==(const ReceivingSteps&, const ReceivingSteps&) = default;
};

// The answer, and again, unasked, when a message has left.
struct TraceReport {
  Origin origin;  // whose it is
  std::uint64_t number = 0;
  Instant asked{};       // of the TraceRequest that it answers at once; Instant{}: of none
  Instant clock{};       // of the reporter, now
  bool refused = false;  // it takes part in too many traces
  std::optional<SendingSteps> sending;      // of the message that it publishes
  std::optional<ReceivingSteps> receiving;  // of the message that was named
  friend bool operator==(const TraceReport&, const TraceReport&) = default;
};

// From a reader to a publisher: your stream may come in datagrams to this port of mine. It names
// whom it is meant for, as Ready does.
struct DatagramOffer {
  Origin origin;
  Origin target;
  PathId path = 0;
  std::uint16_t port = 0;
  std::uint32_t capacity = 0;  // datagrams of the largest size that its buffer holds
  bool shared = true;          // it is subscribed to what goes to those without datagrams
  PathSecret secret{};
  friend bool operator==(const DatagramOffer&, const DatagramOffer&) = default;
};

// A Hello or Welcome of another protocol version; nothing more of it can be understood.
struct OtherVersion {
  std::uint32_t version = 0;
  friend bool operator==(const OtherVersion&, const OtherVersion&) = default;
};

// OtherVersion is only ever received.
using CallFrame = std::variant<Hello, Ready, Listening, RetransmitRequest, Probe, ReceiptRequest,
                               CoverageQuestion, SurveyQuestion, PathQuestion, TraceRequest,
                               DatagramOffer, OtherVersion>;
using AnswerFrame = std::variant<Welcome, Refusal, Data, Retained, Vouch, Receipt, CoverageAnswer,
                                 SurveyAnswer, PathAnswer, TraceReport, OtherVersion>;
using StreamFrame = std::variant<Data, Heartbeat, Farewell>;

}  // namespace tidegate::mesh
