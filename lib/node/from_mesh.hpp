// The seam between the mesh's effects and those of the node.
#pragma once

#include <utility>
#include <variant>

#include "lib/mesh/effects.hpp"
#include "lib/node/event.hpp"

namespace tidegate::node {

// Where a part of the mesh puts its effects: at the end of the statement they stand behind those of
// the node.
class FromMesh {
 public:
  explicit FromMesh(Effects& effects) : effects_(effects) {}
  FromMesh(const FromMesh&) = delete;
  FromMesh& operator=(const FromMesh&) = delete;
  ~FromMesh() {
    for (auto& effect : of_mesh_) {
      std::visit([this](auto& e) { effects_.emplace_back(std::move(e)); }, effect);
    }
  }

  operator mesh::Effects&() { return of_mesh_; }

 private:
  Effects& effects_;
  mesh::Effects of_mesh_;
};

}  // namespace tidegate::node
