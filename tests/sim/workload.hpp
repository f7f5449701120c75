// The applications: they commit changes and announce them, answer what they are given, and change
// what they subscribe to.
//
// They keep to what tidegate/message.hpp asks of them. AfterCommit: the change was committed on the
// primary that this peer knows, before publish() was called; `durable` only when it was flushed. A
// Position: of a change that was flushed, on any primary; that of commit(), half of the time. But
// now and then one is wrong, as by a mistake.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tests/sim/profile.hpp"
#include "tests/sim/simulation.hpp"

namespace tidegate::sim {

class Workload {
 public:
  enum class Mood : std::uint8_t {
    wild,  // some positions are wrong
    calm,
  };

  Workload(Simulation& simulation, base::Random random, const Profile& profile);

  // Publishes until stop(); what was not published by then never is.
  void start(Mood mood);
  void stop();

 private:
  void later();
  void act();
  void announce(LifeId life, std::size_t changes);
  void announce_position(LifeId life);
  [[nodiscard]] Position position_covering(ServerId primary, ChangeId change);
  void announce_loose(LifeId life);
  void announce_nothing(LifeId life, ChangeId answered);
  void commit_alone();
  void ask(LifeId life);
  void answer(LifeId life, const Delivery& delivery);
  Simulation::Publication publication(Note::Kind kind, ChangeId change, Dependency dependency);
  Duration flush_time();

  Simulation& simulation_;
  base::Random random_;
  const Profile& profile_;
  bool publishing_ = false;
  Mood mood_ = Mood::wild;
  std::uint32_t round_ = 0;
};

}  // namespace tidegate::sim
