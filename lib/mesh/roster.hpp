// The members of the mesh, and the handshake by which two peers come to hear each other. Every
// transition of a member's state is in roster.cpp; what happens to seeds is in roster_seeds.cpp,
// and to keys in roster_keys.cpp.
//
// A joins B (and B joins A in the same way; one beacon, or one seed, is enough for both):
//
//     A                                        B
//     DEALER --- Hello {card} ---------------> ROUTER   B learns A, and dials back
//     DEALER <-- Welcome {card} -------------- ROUTER
//     SUB ------ subscribes to "", "@A" -----> XPUB     "@A" shows B that it has arrived
//     ROUTER <-- Ready {next} ---------------- DEALER   A's stream of B begins at `next`
//     DEALER --- Listening ------------------> ROUTER   B knows that A counts from there
//
// A member is ready when both directions have come so far: nothing that either publishes from then
// on can pass the other unnoticed. Every step may be repeated, and is until a member is ready.
// Only the Welcome goes back on the connection that asked: all else goes over the sender's own
// DEALER, which finds its way again after a break.
//
// 1. Nothing counts before a member's card was seen, with this mesh's name and protocol version.
// 2. A beacon makes a member known, never alive: it neither keeps one nor brings one down.
// 3. A member that is gone keeps its stream for a while: if it returns in the same life, nothing
//    is delivered twice and what was missed is named.
// 4. A word that was meant for an earlier life of this peer says nothing to this one.
// 5. A stream that is silent though its publisher is not gone is subscribed to anew: a socket
//    that only reads on a connection never learns that the other end has closed it.
// 6. A later life ends an earlier one only where that one is silent, or where it answers at that
//    one's address. While both speak, two processes have one id: the one that was here stays.
// 7. A life has one stream key: an answer in its name with another one is somebody else's.
// 8. One life at an address: when another peer answers at the endpoint of a member, that address is
//    stale and nothing more. The member is gone, not gone for good: its next beacon or Hello brings
//    it back.
// 9. A later life that goes on with the stream of an earlier one takes over its state:
//    the next sequence, and the messages that are held.
// 10. Of a member that was forgotten, for its age or for want of room, its stream's place is still
//     known for long: if it comes back, its stream goes on there.
// 11. An announcement that does not count on from the last one is an old one that somebody sends
//     again.
// 12. A connection that has never had an answer is given up for a new one: it may have been refused
//     for good, or by a key that the other end does not use yet, without a word from the carrier.
// 13. A member whose direct port has another key says so in a Hello, and is dialled anew. One that
//     was met over a connection with a key that counts no more has to be met anew, before its
//     stream is followed: its stream's key may have come from somebody who has only that key.
// 14. A seed's name may have several addresses, of one peer or of several. Each that is not our own
//     is dialled until it has answered, and the name is looked up anew for each try.
// 15. Peers that were only named and never met have little room: so many for each host, and so many
//     readers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/random.hpp"
#include "lib/mesh/announcement.hpp"
#include "lib/mesh/effects.hpp"
#include "lib/mesh/failure_detector.hpp"
#include "lib/mesh/frame.hpp"
#include "lib/mesh/inbound_stream.hpp"
#include "lib/mesh/slow_consumer.hpp"
#include "tidegate/status.hpp"
#include "tidegate/time.hpp"

namespace tidegate::mesh {

struct Member {
  Member(Origin its_origin, FailureDetector its_detector)
      : origin(its_origin), publisher(its_origin), detector(its_detector) {}

  Origin origin;
  Origin publisher;  // whose stream this life goes on with; its own, until it says otherwise
  std::string name;
  std::string host;
  std::uint16_t publish_port = 0;
  std::uint16_t direct_port = 0;
  StreamKey stream_key{};              // from its Welcome
  KeyId key = 0;                       // of its direct port, as it last said
  bool traces = false;                 // it knows a TraceRequest, as it last said
  std::uint64_t announced = 0;         // the counter of its last announcement
  Instant beacon_at = Instant::min();  // that came then
  Instant stream_at = Instant::min();  // the last frame of its stream came then

  PeerState state = PeerState::heard;
  FailureDetector detector;
  bool met = false;             // its Welcome came, once at least
  Instant claimed_at = never;   // said Hello while an earlier life of its peer spoke
  Instant retry_at = never;     // says Hello again, unless ready
  std::optional<LinkId> link;   // our DEALER to it
  Instant redial_at = never;    // takes another one, unless this one has had an answer by then
  bool following = false;       // we have subscribed to it
  bool shared = true;           // also to what goes to those without datagrams
  bool called = false;          // a Hello of its own came: it reaches our direct port
  Instant refollow_at = never;  // does so anew, if its stream stays silent until then
  bool started = false;         // Ready came: its messages count
  bool listening = false;       // Listening came: ours count there
  bool was_ready = false;       // the application knows of it
  // Since it should be ready and is not; also while it is gone without having been met.
  Instant unready_since = never;
  std::string refusal;  // why it will not have this peer; empty: it has said nothing of the kind

  Instant probe_at = never;  // while it is suspect: asks again whether it is there
  bool probed = false;       // it was asked itself; now others are

  InboundStream stream;
  std::uint64_t asked_from = 0;   // the first sequence that was last asked for
  std::uint64_t receipt_for = 0;  // it wants to know when all up to here has come; 0: nothing
  RoutingId receipt_route;        // where the answer goes
  std::uint64_t met_at = 0;       // the first sequence that was published after its Ready
  std::uint64_t released = 0;     // the last message that has left, if any are held
  std::uint64_t held = 0;         // its messages in the gate
  bool held_waits = false;        // one of them could not go at once when it came

  SlowConsumer slow_consumer;  // of its questions for what it has missed of ours
  std::uint64_t lag = 0;       // how many it was behind when it last asked

  [[nodiscard]] bool departed() const {
    return state == PeerState::left || state == PeerState::gone;
  }
  // Of an answer in its name: it is this process that speaks.
  [[nodiscard]] bool is_process_of(const PeerInfo& info) const {
    return !met || stream_key == info.stream_key;
  }
  // The gate still speaks of the origins whose messages it holds, and what is missing has yet to be
  // reported.
  [[nodiscard]] bool forgettable() const { return departed() && held == 0 && !stream.gap(); }
  [[nodiscard]] base::Endpoint publish_endpoint() const { return {host, publish_port}; }
  [[nodiscard]] base::Endpoint direct_endpoint() const { return {host, direct_port}; }
  [[nodiscard]] std::string address() const { return to_string(direct_endpoint()); }
};

// Named by the options, and no peer of this mesh has answered there.
struct UnansweredSeed {
  std::string seed;
  Duration unanswered{};
  std::string reason;                     // as far as it is known
  std::vector<base::Endpoint> endpoints;  // that the name leads to
};

// How far this peer's own stream goes.
struct Extent {
  std::uint64_t first = 1;  // that is still kept
  std::uint64_t next = 1;   // that will be published
};

class Roster {
 public:
  Roster(PeerInfo self, std::vector<base::Endpoint> seeds, FailureDetector::Patience patience,
         base::Random random);

  // Each of these may change states and appends what follows from that. `own` is this peer's own
  // stream. False: the frame was not expected, or not from there; it had no effect.

  // True when the announcement's origin was not known.
  bool heard(const Announcement& announcement, const std::string& host, Instant now,
             Effects& effects);
  bool hello(const PeerInfo& info, const RoutingId& route, const std::string& host, Extent own,
             Instant now, Effects& effects);
  bool welcome(LinkId link, const PeerInfo& info, Instant now, Effects& effects);
  // Answers the effect Resolve; without addresses, but with a reason, when it has failed.
  void resolved(const std::string& host, const std::vector<std::string>& addresses,
                const std::string& trouble, Instant now, Effects& effects);
  bool listening(const Listening& listening, Instant now, Effects& effects);
  void reader(PeerId peer, bool present, Extent own, Instant now, Effects& effects);

  // This peer's direct port answers with that key now, which the members are told; and those links
  // had a key that counts no more.
  void rekeyed(KeyId key, const std::vector<LinkId>& ended, Extent own, Instant now,
               Effects& effects);

  // The member that said Ready, marked as started; nullptr: not expected.
  Member* ready(const Ready& ready, Instant now, Effects& effects);

  // The peer behind `link` will not have us: another mesh or version lives at that address.
  bool refused(LinkId link, const std::string& reason, Instant now, Effects& effects);

  // The member that sent something on its stream, marked as heard; nullptr: not followed.
  Member* publisher(const Origin& origin, Instant now, Effects& effects);

  // The member behind `link` if that is `origin`, marked as heard; nullptr: not expected.
  Member* answering(LinkId link, const Origin& origin, Instant now, Effects& effects);

  // The member that asks for what it has missed, marked as heard; nullptr: not expected.
  Member* asking(const Origin& origin, Instant now, Effects& effects);

  bool probe(const Probe& probe, const RoutingId& route, Instant now, Effects& effects);
  bool vouched(LinkId link, const Origin& target, Instant now);

  void left(Member& member, Instant now, Effects& effects);

  // The members whose publisher is not to be heard any more since the last call: nothing that is
  // missing of them will come.
  [[nodiscard]] std::vector<Origin> take_departed() { return std::exchange(departed_, {}); }

  // Repeats, suspects and gives up what is due.
  void advance(Extent own, Instant now, Effects& effects);

  // When advance() may next have something to do. Every call may change it.
  [[nodiscard]] Instant deadline() const { return check_at_; }

  // This process did not run for so long.
  void discount(Duration lateness);

  [[nodiscard]] Member* find(const Origin& origin);
  // The latest life that goes on with this stream.
  [[nodiscard]] Member* find_publisher(const Origin& publisher);
  [[nodiscard]] const std::map<Origin, Member>& members() const { return members_; }
  [[nodiscard]] std::size_t ready_count() const { return ready_count_; }
  // Another number than before: some member's state has changed.
  [[nodiscard]] std::uint64_t changes() const { return changes_; }

  [[nodiscard]] Handshake lacks(const Member& member) const;
  [[nodiscard]] std::vector<SeedStatus> seeds(Instant now) const;
  [[nodiscard]] std::vector<UnansweredSeed> unanswered_seeds(Instant now) const;
  [[nodiscard]] bool has_seeds() const { return !seeds_.empty(); }

  // For a connection beside those to the members.
  [[nodiscard]] LinkId new_link() { return ++last_link_; }

 private:
  struct SeedAddress {
    base::Endpoint endpoint;
    std::optional<LinkId> link = {};    // dialled, no Welcome yet
    std::optional<Origin> member = {};  // the one that answered
    bool own = false;                   // this peer itself did
    std::string refusal = {};           // of a peer that will not have us
    Instant retry_at = Instant::min();
  };
  struct Seed {
    base::Endpoint endpoint;  // as the options name it
    bool is_name = false;     // to be looked up
    std::vector<SeedAddress> addresses = {};
    Instant retry_at = Instant::min();
    Instant refresh_at = Instant::min();  // looks the name up though all have answered
    Instant unanswered_since = never;     // by any peer
    std::string lookup_trouble = {};
  };
  // The place in the stream of a publisher that is no member any more.
  struct Remembered {
    Origin publisher;
    std::uint64_t next = 0;
  };

  Member* admit(const Origin& origin, const std::string& host, Instant now);
  [[nodiscard]] bool later_life_of(const Origin& origin) const;
  [[nodiscard]] bool has_room_for_one_at(const std::string& host) const;
  [[nodiscard]] bool must_wait(Member& member, Instant now, Effects& effects) const;
  void add_reader(PeerId peer);
  void forget(std::map<Origin, Member>::iterator member);
  void recall_stream(Member& member);
  void take_over_stream(Member& member, const PeerInfo& info);
  void introduce(Member& member, const PeerInfo& info, const std::string& host);
  void dial(Member& member, Instant now, Effects& effects);
  void connect(Member& member, Instant now, Effects& effects);
  void send_hello(LinkId link, Effects& effects) const;
  void meet_again(Member& member, Instant now, Effects& effects);
  void follow(Member& member, Instant now, Effects& effects) const;
  void tell_ready(const Member& member, Extent own, Effects& effects) const;
  void enter(Member& member, PeerState state);
  void sign_of_life(Member& member, Instant now, Effects& effects);
  void replace_earlier_lives(const Origin& origin, Instant now, Effects& effects);
  void update_readiness(Member& member, Effects& effects);
  void depart(Member& member, PeerGone::Why why, Instant now, Effects& effects);
  void disconnect(Member& member, Effects& effects);
  void advance_member(Member& member, Extent own, Instant now, Effects& effects);
  void probe_around(Member& member, Instant now, Effects& effects);
  void add_seed(base::Endpoint endpoint);
  bool other_answered(Member& member, const PeerInfo& info, Instant now, Effects& effects);
  bool seed_answered(SeedAddress& seed, const PeerInfo& info, Instant now, Effects& effects);
  bool seed_refused(LinkId link, const std::string& reason, Instant now, Effects& effects);
  void meet(Member& member, const PeerInfo& info, Instant now, Effects& effects);
  void advance_seed(Seed& seed, Instant now, Effects& effects);
  bool all_answered(Seed& seed);
  static std::size_t count_answered(const Seed& seed);
  void dial_seed(Seed& seed, Instant now, Effects& effects);
  SeedAddress* seed_of(LinkId link);
  Member* member_of(LinkId link);
  Instant soon(Instant now, Duration least);
  void wake_at(Instant when);
  [[nodiscard]] bool ours(const PeerInfo& info) const;

  PeerInfo self_;
  std::vector<Seed> seeds_;
  FailureDetector::Patience patience_;
  base::Random random_;
  std::map<Origin, Member> members_;
  std::set<PeerId> readers_;  // whose "@" subscription is present
  std::vector<Origin> departed_;
  std::deque<Remembered> remembered_;  // the oldest first
  std::size_t ready_count_ = 0;        // asked for in every turn
  std::uint64_t changes_ = 0;
  LinkId last_link_ = 0;
  Instant check_at_ = Instant::min();
};

}  // namespace tidegate::mesh
