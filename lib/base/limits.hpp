// Every fixed bound in one place, related to each other at compile time. Settings for users are in
// options.hpp; these are the walls around them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tidegate::base::limits {

inline constexpr std::size_t mesh_name_bytes = 32;  // fits the discovery datagram
inline constexpr std::size_t peer_name_bytes = 64;
inline constexpr std::size_t host_bytes = 255;    // a DNS name
inline constexpr std::size_t reason_bytes = 256;  // of a refusal
inline constexpr std::size_t id_bytes = 256;      // that a program gives to a line in

// Timelines of one history, the latest. Where two servers differ lies among the last few of them.
inline constexpr std::size_t history_entries = 64;
inline constexpr std::size_t branch_bytes = 9 + 20 * history_entries;  // on the wire

inline constexpr std::size_t topic_elements = 64;
inline constexpr std::size_t topic_bytes = 4096;  // of all elements together

inline constexpr std::size_t payload_bytes = std::size_t{16} << 20U;

inline constexpr std::size_t message_headers = 64;
inline constexpr std::size_t header_bytes = 8192;  // of all names and values of a message

// Messages that wait together travel in one frame, up to this size. A message alone may be larger.
inline constexpr std::size_t batch_bytes = std::size_t{64} << 10U;
inline constexpr std::size_t batch_messages = 1024;

// The messages of one frame lie on so many different histories at the most.
inline constexpr std::size_t frame_branches = 8;
static_assert(frame_branches >= 2, "a message has two positions");

// The bytes that a message adds to its topic, payload and headers on the wire, rounded up: array
// and element heads, and its positions.
inline constexpr std::size_t message_overhead_bytes =
    64 + 5 * topic_elements + message_headers * 2 * 5;
inline constexpr std::size_t frame_overhead_bytes = 64 + frame_branches * (8 + branch_bytes);

// The largest frame that may exist; the transport refuses a longer one before reading it.
inline constexpr std::size_t frame_bytes =
    payload_bytes + topic_bytes + header_bytes + message_overhead_bytes + frame_overhead_bytes;

// All that is held lies on so many at the most: their histories are in no bound of bytes, and all
// of them are compared with the server's.
inline constexpr std::size_t held_branches = 256;
inline constexpr std::size_t held_branches_of_source = 16;

// Open questions of an application whether a position is covered, until it takes the answers; of
// all servers, where each member is asked.
inline constexpr std::size_t questions = 16'384;
inline constexpr std::size_t questions_everywhere = 64;

// Traces of messages: the pattern as text, which fits a call; how many a peer takes part in, and of
// one that asks; and the latest arrivals that one remembers until it is told which message it is.
inline constexpr std::size_t trace_pattern_bytes = 1024;
inline constexpr std::size_t traces = 16;
inline constexpr std::size_t traces_of_asker = 4;
inline constexpr std::size_t traced_arrivals = 256;

inline constexpr std::size_t peers = 1024;
inline constexpr std::size_t remembered_streams = 16 * peers;  // of peers that were forgotten
inline constexpr std::size_t cursors = remembered_streams;     // of streams to be resumed

// A survey: members that are asked and that each of them tests, what one tells besides, and the
// large frame, which is longer than any usual packet on the way.
inline constexpr std::size_t survey_members = 128;
inline constexpr std::size_t survey_refused = 32;
inline constexpr std::size_t survey_seeds = 16;
inline constexpr std::size_t survey_seed_addresses = 4;
inline constexpr std::size_t survey_text_bytes = 300;  // of a seed, a reason, a version
inline constexpr std::size_t large_path_bytes = std::size_t{16} << 10U;

// Released in one step at the most, so that a flood of releases can't starve the heartbeat, and so
// that the application, which can say "no more" only between two steps, gets no more than this
// beyond its bound. A message alone may be larger.
inline constexpr std::size_t releases_per_step = batch_messages;
inline constexpr std::size_t release_bytes_per_step = std::size_t{1} << 20U;

// Broadcast bytes that at least one subscriber has not read yet.
inline constexpr std::size_t outgoing_bytes = std::size_t{128} << 20U;

// Out-of-order bytes buffered for each publisher, behind a gap or before its Ready.
inline constexpr std::size_t ahead_bytes = std::size_t{4} << 20U;

// Upper bound of one retransmission. A message alone may be larger.
inline constexpr std::size_t answer_bytes = 4 * batch_bytes;

// Of all answers that wait for slow connections; beyond it no other is begun.
inline constexpr std::size_t answers_bytes = std::size_t{64} << 20U;

// Of one client of a STOMP door. Its frames: header lines, the bytes of one, and the body, which is
// a payload. Its transactions, all together: how many are open, and the bytes of their messages.
inline constexpr std::size_t stomp_headers = 64;
inline constexpr std::size_t stomp_line_bytes = std::size_t{8} << 10U;
inline constexpr std::size_t stomp_subscriptions = 256;
inline constexpr std::size_t stomp_transactions = 16;
inline constexpr std::size_t stomp_transaction_bytes = 2 * payload_bytes;
// Messages of one subscription that it has got and not acknowledged.
inline constexpr std::size_t stomp_window = 1000;
// Bytes that wait because it reads, or acknowledges, too slowly.
inline constexpr std::size_t stomp_waiting_bytes = std::size_t{64} << 20U;
// Bytes of frames that are written in advance of its socket. A frame alone may be larger.
inline constexpr std::size_t stomp_written_bytes = std::size_t{64} << 10U;
// Of all doors together.
inline constexpr std::size_t stomp_clients = 64;
inline constexpr std::size_t stomp_clients_bytes = 4 * stomp_waiting_bytes;

// Durable subscriptions, which outlive their connections: how many a peer has, the bytes of a name,
// and the publishers of which one knows its place, besides those that are there.
inline constexpr std::size_t stomp_durable = 64;
inline constexpr std::size_t stomp_durable_name_bytes = 128;
inline constexpr std::size_t stomp_durable_publishers = 4 * peers;
// Bytes that one keeps for its client, read or not; of them read and not acknowledged; and of all.
inline constexpr std::size_t stomp_durable_bytes = stomp_waiting_bytes;
inline constexpr std::size_t stomp_durable_read_bytes = stomp_durable_bytes / 2;
inline constexpr std::size_t stomp_durable_all_bytes = 4 * stomp_durable_bytes;
// Of the file in which they are kept, and of its end, which is written anew when it is so long.
inline constexpr std::size_t stomp_durable_file_bytes = std::size_t{256} << 20U;
inline constexpr std::size_t stomp_durable_journal_bytes = std::size_t{1} << 20U;

// Of one durable subscription to an outbox: rows that are handed out and not done; and the ranges
// of ids that it knows behind the settled transactions. Of those done there may be more, behind a
// row that is not.
inline constexpr std::size_t outbox_window = 1000;
inline constexpr std::size_t outbox_ranges = 10'000;
inline constexpr std::size_t outbox_done_ranges = 2 * outbox_ranges;
// And ids, since each reading looks at all rows of transactions that are not settled.
inline constexpr std::uint64_t outbox_ids = 100'000;
// Bytes of the rows that are handed out; a row alone may have more.
inline constexpr std::size_t outbox_window_bytes = 4 * payload_bytes;
// The file of its cursor: what is appended before the whole is written anew, and the whole.
inline constexpr std::size_t outbox_journal_bytes = std::size_t{256} << 10U;
inline constexpr std::size_t outbox_cursor_file_bytes = std::size_t{64} << 20U;
// Payloads of one reading; a row alone may have more.
inline constexpr std::size_t outbox_reading_bytes = std::size_t{1} << 20U;
// Of the doors of a peer: subscriptions to the outbox that are open at a time, each of which has a
// connection to the database; and names, each of which has a file. Of one STOMP client: bytes of
// rows that wait for it before no more are taken.
inline constexpr std::size_t door_outboxes = 16;
inline constexpr std::size_t door_outbox_names = 64;
inline constexpr std::size_t stomp_outbox_bytes = std::size_t{1} << 20U;

static_assert(outbox_ranges + outbox_window < outbox_done_ranges,
              "while a transaction is open, a reader whose rows are done goes on");
static_assert(stomp_durable_publishers <= cursors, "all their places can be resumed");
static_assert(stomp_waiting_bytes > 2 * payload_bytes && stomp_transaction_bytes > payload_bytes,
              "a client that keeps up may send and get the largest message");
static_assert(topic_bytes < stomp_line_bytes, "a topic fits a header line");
static_assert(releases_per_step >= batch_messages && release_bytes_per_step >= batch_bytes,
              "what one frame brings can go in one step, so an application that keeps up with its "
              "messages is never said to be full");
static_assert(answer_bytes < ahead_bytes);
static_assert(answer_bytes + frame_bytes < answers_bytes);
static_assert(2 * frame_bytes < outgoing_bytes);
static_assert(batch_bytes + frame_overhead_bytes < frame_bytes);
static_assert(frame_bytes < (std::size_t{1} << 30U), "sizes on the wire fit 32 bits with room");

}  // namespace tidegate::base::limits
