// The names of the values that people and other programs read and write: on the command line, in
// settings, in the JSON of the program.
#pragma once

#include "lib/base/enum_names.hpp"
#include "tidegate/covered.hpp"
#include "tidegate/notice.hpp"
#include "tidegate/options.hpp"
#include "tidegate/peer.hpp"
#include "tidegate/status.hpp"
#include "tidegate/survey.hpp"

namespace tidegate::node {

inline constexpr auto from_names =
    base::enum_names<From>({{From::latest, "latest"}, {From::earliest, "earliest"}});

inline constexpr auto local_transport_names =
    base::enum_names<LocalTransport>({{LocalTransport::tcp, "tcp"}, {LocalTransport::ipc, "ipc"}});

inline constexpr auto overdue_names = base::enum_names<Overdue>(
    {{Overdue::hold, "hold"}, {Overdue::late, "late"}, {Overdue::drop, "drop"}});

inline constexpr auto own_messages_names =
    base::enum_names<OwnMessages>({{OwnMessages::none, "none"},
                                   {OwnMessages::at_once, "at-once"},
                                   {OwnMessages::gated, "gated"}});

inline constexpr auto gone_names =
    base::enum_names<PeerGone::Why>({{PeerGone::Why::left, "left"},
                                     {PeerGone::Why::silent, "silent"},
                                     {PeerGone::Why::replaced, "replaced"}});

inline constexpr auto undelivered_names =
    base::enum_names<Undelivered::Why>({{Undelivered::Why::missing, "missing"},
                                        {Undelivered::Why::expired, "expired"},
                                        {Undelivered::Why::orphaned, "orphaned"},
                                        {Undelivered::Why::in_doubt, "in_doubt"},
                                        {Undelivered::Why::foreign, "foreign"},
                                        {Undelivered::Why::overdue, "overdue"}});

inline constexpr auto not_resumed_names = base::enum_names<NotResumed::Why>(
    {{NotResumed::Why::ended, "ended"}, {NotResumed::Why::behind, "behind"}});

inline constexpr auto outbox_lost_names =
    base::enum_names<OutboxLost::Why>({{OutboxLost::Why::removed, "removed"},
                                       {OutboxLost::Why::undone, "undone"},
                                       {OutboxLost::Why::foreign, "foreign"}});

inline constexpr auto without_names =
    base::enum_names<Received::Without::Why>({{Received::Without::Why::gone, "gone"},
                                              {Received::Without::Why::missed, "missed"},
                                              {Received::Without::Why::left, "left"}});

inline constexpr auto unpublished_names =
    base::enum_names<Unpublished::Why>({{Unpublished::Why::primary_lost, "primary_lost"},
                                        {Unpublished::Why::left, "left"},
                                        {Unpublished::Why::no_primary, "no_primary"},
                                        {Unpublished::Why::primary_outdated, "primary_outdated"},
                                        {Unpublished::Why::database_lost, "database_lost"},
                                        {Unpublished::Why::other_primary, "other_primary"}});

inline constexpr auto peer_state_names =
    base::enum_names<PeerState>({{PeerState::heard, "heard"},
                                 {PeerState::hello, "hello"},
                                 {PeerState::ready, "ready"},
                                 {PeerState::suspect, "suspect"},
                                 {PeerState::left, "left"},
                                 {PeerState::gone, "gone"}});

inline constexpr auto handshake_names =
    base::enum_names<Handshake>({{Handshake::done, "done"},
                                 {Handshake::answer, "answer"},
                                 {Handshake::call, "call"},
                                 {Handshake::stream, "stream"},
                                 {Handshake::subscription, "subscription"}});

inline constexpr auto datagram_state_names =
    base::enum_names<DatagramState>({{DatagramState::none, "none"},
                                     {DatagramState::tried, "tried"},
                                     {DatagramState::open, "open"}});

inline constexpr auto port_answer_names =
    base::enum_names<PortAnswer>({{PortAnswer::untested, "untested"},
                                  {PortAnswer::speaks, "speaks"},
                                  {PortAnswer::silent, "silent"},
                                  {PortAnswer::other, "other"},
                                  {PortAnswer::refused, "refused"},
                                  {PortAnswer::unreachable, "unreachable"},
                                  {PortAnswer::no_answer, "no_answer"}});

inline constexpr auto refused_names =
    base::enum_names<RefusedSeen::Why>({{RefusedSeen::Why::other_mesh, "other_mesh"},
                                        {RefusedSeen::Why::no_key, "no_key"},
                                        {RefusedSeen::Why::other_key, "other_key"},
                                        {RefusedSeen::Why::forged, "forged"},
                                        {RefusedSeen::Why::other_version, "other_version"}});

inline constexpr auto trouble_names =
    base::enum_names<Trouble::Kind>({{Trouble::Kind::database_down, "database_down"},
                                     {Trouble::Kind::replay_still, "replay_still"},
                                     {Trouble::Kind::replay_behind, "replay_behind"},
                                     {Trouble::Kind::position_far, "position_far"},
                                     {Trouble::Kind::primary_down, "primary_down"},
                                     {Trouble::Kind::position_missing, "position_missing"},
                                     {Trouble::Kind::not_taking, "not_taking"},
                                     {Trouble::Kind::held_full, "held_full"},
                                     {Trouble::Kind::readers_slow, "readers_slow"},
                                     {Trouble::Kind::peer_slow, "peer_slow"},
                                     {Trouble::Kind::peer_silent, "peer_silent"},
                                     {Trouble::Kind::peer_unmet, "peer_unmet"},
                                     {Trouble::Kind::seed_unmet, "seed_unmet"},
                                     {Trouble::Kind::nobody_met, "nobody_met"},
                                     {Trouble::Kind::same_name, "same_name"},
                                     {Trouble::Kind::foreign_cluster, "foreign_cluster"},
                                     {Trouble::Kind::parted_history, "parted_history"},
                                     {Trouble::Kind::malformed, "malformed"}});

inline constexpr auto covered_names = base::enum_names<Covered>({{Covered::visible, "visible"},
                                                                 {Covered::pending, "pending"},
                                                                 {Covered::orphaned, "orphaned"},
                                                                 {Covered::in_doubt, "in_doubt"},
                                                                 {Covered::foreign, "foreign"},
                                                                 {Covered::unknown, "unknown"}});

inline constexpr auto ask_names = base::enum_names<Ask>({{Ask::accepted, "accepted"},
                                                         {Ask::too_many, "too_many"},
                                                         {Ask::bad_pattern, "bad_pattern"},
                                                         {Ask::leaving, "leaving"},
                                                         {Ask::other_process, "other_process"}});

inline constexpr auto traced_step_names =
    base::enum_names<TracedStep>({{TracedStep::publish, "publish"},
                                  {TracedStep::position, "position"},
                                  {TracedStep::send, "send"},
                                  {TracedStep::arrival, "arrival"},
                                  {TracedStep::gap, "gap"},
                                  {TracedStep::held, "held"},
                                  {TracedStep::poll, "poll"},
                                  {TracedStep::delivery, "delivery"}});

inline constexpr auto traced_fate_names =
    base::enum_names<TracedFate>({{TracedFate::under_way, "under_way"},
                                  {TracedFate::delivered, "delivered"},
                                  {TracedFate::late, "late"},
                                  {TracedFate::unwanted, "unwanted"},
                                  {TracedFate::unseen, "unseen"},
                                  {TracedFate::missing, "missing"},
                                  {TracedFate::expired, "expired"},
                                  {TracedFate::orphaned, "orphaned"},
                                  {TracedFate::in_doubt, "in_doubt"},
                                  {TracedFate::foreign, "foreign"},
                                  {TracedFate::overdue, "overdue"},
                                  {TracedFate::unanswered, "unanswered"},
                                  {TracedFate::refused, "refused"}});

inline constexpr auto traced_names =
    base::enum_names<Traced::Fate>({{Traced::Fate::none, "none"},
                                    {Traced::Fate::under_way, "under_way"},
                                    {Traced::Fate::sent, "sent"},
                                    {Traced::Fate::primary_lost, "primary_lost"},
                                    {Traced::Fate::left, "left"},
                                    {Traced::Fate::no_primary, "no_primary"},
                                    {Traced::Fate::primary_outdated, "primary_outdated"},
                                    {Traced::Fate::database_lost, "database_lost"},
                                    {Traced::Fate::other_primary, "other_primary"}});

inline constexpr auto publish_names =
    base::enum_names<Publish>({{Publish::accepted, "accepted"},
                               {Publish::queue_full, "queue_full"},
                               {Publish::payload_too_large, "payload_too_large"},
                               {Publish::bad_headers, "bad_headers"},
                               {Publish::no_primary, "no_primary"},
                               {Publish::no_database, "no_database"},
                               {Publish::leaving, "leaving"},
                               {Publish::other_process, "other_process"}});

}  // namespace tidegate::node
