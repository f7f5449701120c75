#include "command/trace_text.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "command/log.hpp"
#include "command/status_text.hpp"
#include "command/units.hpp"

namespace tidegate::command {
namespace {

const char* meaning(TracedStep step) {
  switch (step) {
    case TracedStep::publish:
      return "accepted by its peer";
    case TracedStep::position:
      return "the question of the primary, after the commit";
    case TracedStep::send:
      return "the commit is flushed, and messages before it are sent";
    case TracedStep::arrival:
      return "the way";
    case TracedStep::gap:
      return "messages before it come, and there is room";
    case TracedStep::held:
      return "the replica comes as far as the change";
    case TracedStep::poll:
      return "the reading of the replica that showed it";
    case TracedStep::delivery:
      return "the application is given it";
  }
  return "";
}

// Of one that is not over.
const char* standing(TracedStep step) {
  switch (step) {
    case TracedStep::publish:
      return "waits until the primary can be asked for its position";
    case TracedStep::position:
      return "waits for the answer of the primary";
    case TracedStep::send:
      return "waits until its commit is flushed";
    case TracedStep::arrival:
      return "has not come";
    case TracedStep::gap:
      return "waits for messages before it, or for room";
    case TracedStep::held:
      return "is held: the replica does not show its change";
    case TracedStep::poll:
      return "is held: the replica does not answer";
    case TracedStep::delivery:
      return "waits for the application, which takes nothing";
  }
  return "";
}

Duration whole_of(const std::vector<TracedTime>& steps) {
  Duration whole{};
  for (const auto& step : steps) whole += step.took;
  return whole;
}

// Steps that took no time are left out, unless all did.
std::string table(const std::vector<TracedTime>& steps) {
  const auto whole = whole_of(steps);
  std::vector<std::vector<std::string>> rows = {{"  STEP", "AT", "TOOK", "SHARE", ""}};
  Duration at{};
  for (const auto& [step, took] : steps) {
    at += took;
    if (took == Duration::zero() && whole != Duration::zero()) continue;
    const auto share = whole == Duration::zero()
                           ? 0.0
                           : 100 * std::chrono::duration<double>(took).count() /
                                 std::chrono::duration<double>(whole).count();
    rows.push_back({fmt::format("  {}", to_string(step)), rough_duration(at), rough_duration(took),
                    fmt::format("{:.1f} %", share), meaning(step)});
  }
  return table_text(rows);
}

std::string fate_words(const TracedReceiver& receiver) {
  const auto whole = rough_duration(whole_of(receiver.steps));
  switch (receiver.fate) {
    case TracedFate::delivered:
      return "delivered after " + whole;
    case TracedFate::late:
      return "delivered after " + whole + ", late: its change was not visible";
    case TracedFate::under_way:
      return fmt::format(
          "after {} it {}", whole,
          standing(receiver.steps.empty() ? TracedStep::arrival : receiver.steps.back().step));
    case TracedFate::unseen:
      return "it had come and gone before it could be followed; trace again";
    case TracedFate::unanswered:
      return "does not answer; is it of an older version?";
    case TracedFate::refused:
      return "follows too many messages already; try again in some seconds";
    default:
      return fmt::format("not delivered: {}, after {}", to_string(receiver.fate), whole);
  }
}

// The clocks of two hosts can't be compared better.
std::string clock_words(const TracedReceiver& receiver) {
  if (receiver.clock_error == Duration::zero()) return "";
  const auto way = std::find_if(receiver.steps.begin(), receiver.steps.end(),
                                [](const auto& one) { return one.step == TracedStep::arrival; });
  if (way == receiver.steps.end()) return "";
  const auto error = rough_duration(receiver.clock_error);
  return way->took < receiver.clock_error
             ? "  the clocks could be compared within " + error + ", which is more than the way\n"
             : "  the clocks could be compared within " + error + "\n";
}

std::string receiver_text(const TracedReceiver& receiver) {
  const auto address = receiver.address.empty() ? "" : " (" + harmless(receiver.address) + ")";
  auto text = fmt::format("\n{}{}: {}\n", harmless(receiver.name), address, fate_words(receiver));
  if (!receiver.steps.empty()) text += table(receiver.steps) + clock_words(receiver);
  return text;
}

std::string message_text(const Traced& traced) {
  const auto topic = harmless(to_string(*traced.topic));
  const auto name = harmless(traced.name);
  if (traced.fate == Traced::Fate::sent) {
    return fmt::format("{}, message {} of {}\n", topic, traced.sequence, name);
  }
  const auto whole = rough_duration(whole_of(traced.steps));
  const auto words =
      traced.fate == Traced::Fate::under_way
          ? fmt::format(
                "after {} it {}", whole,
                standing(traced.steps.empty() ? TracedStep::publish : traced.steps.back().step))
          : fmt::format("it was given back after {}: {}", whole, to_string(traced.fate));
  return fmt::format("{} of {}: {}\n{}", topic, name, words, table(traced.steps));
}

}  // namespace

std::string trace_text(const Traced& traced, Duration timeout) {
  if (!traced.topic) {
    return fmt::format("nothing was published there within {}\n", exact_duration(timeout));
  }
  auto text = message_text(traced);
  std::string unwanted;
  for (const auto& receiver : traced.receivers) {
    if (receiver.fate != TracedFate::unwanted) {
      text += receiver_text(receiver);
    } else {
      unwanted += (unwanted.empty() ? "" : ", ") + harmless(receiver.name);
    }
  }
  if (!unwanted.empty()) text += "\nnot subscribed to it: " + unwanted + "\n";
  if (traced.fate == Traced::Fate::sent && traced.receivers.empty()) {
    text += "nobody else is in the mesh\n";
  }
  return text;
}

bool is_over(const Traced& traced) {
  return traced.fate != Traced::Fate::under_way &&
         std::none_of(traced.receivers.begin(), traced.receivers.end(),
                      [](const auto& one) { return one.fate == TracedFate::under_way; });
}

}  // namespace tidegate::command
