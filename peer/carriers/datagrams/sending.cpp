#include "peer/carriers/datagrams/sending.hpp"

#include <algorithm>
#include <utility>

#include <sodium.h>

#include "lib/base/must.hpp"
#include "peer/carriers/datagrams/outlet.hpp"
#include "peer/carriers/datagrams/sockets.hpp"

namespace tidegate::datagrams {
namespace {

keys::Secret draw_key() {
  keys::Secret key;
  randombytes_buf(key.buffer().data(), key.buffer().size());
  return key;
}

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

Sending::Sending(Intake& intake, bool sealed) : intake_(intake) {
  if (sealed) seal_.emplace(draw_key());
}

Sending::~Sending() = default;

bool Sending::admit(mesh::PathId id, const base::Endpoint& reader, const mesh::PathSecret& secret) {
  const auto address = parse_address(reader.host, reader.port);
  if (!address || reader.port == 0) return false;
  if ((secret != mesh::PathSecret{}) != seal_.has_value()) return false;
  auto* outlet = outlet_towards(*address);
  if (outlet == nullptr) return false;
  Path path;
  path.id = id;
  path.reader = *address;
  path.outlet = outlet;
  if (seal_) path.seal.emplace(id, keys::Secret(secret));
  paths_.insert_or_assign(id, std::move(path));
  close_idle_outlets();
  return true;
}

void Sending::drop(mesh::PathId id) {
  paths_.erase(id);
  std::erase(broken_, id);
  close_idle_outlets();
}

void Sending::renew_key() {
  if (seal_) seal_->renew(draw_key());
}

void Sending::probe(const mesh::PathNumber& number, std::uint32_t size) {
  auto* path = find(number.path);
  if (path == nullptr) return;
  std::optional<keys::WrappedKey> wrapped;
  if (seal_) {
    keys::WrappedKey::Nonce nonce{};
    randombytes_buf(nonce.data(), nonce.size());
    wrapped = path->seal->wrap(number.number, size, seal_->current(), nonce);
  }
  write_probe(body_, number, size, wrapped);
  path->sent = std::max(path->sent, number.number);
  path->outlet->add(*path, {});
  path->outlet->flush(0, body_);
}

void Sending::send(std::span<const mesh::PathNumber> numbers, std::string_view frame) {
  TIDEGATE_MUST(!frame.empty());
  auto body = bytes_of(frame);
  std::optional<FrameSeal> seal;
  keys::Digest digest{};
  if (seal_) {
    if (body_.size() < frame.size()) body_.resize(frame.size());
    const auto ciphertext = std::span(body_).first(frame.size());
    const auto sealed = seal_->seal(body, ciphertext);
    seal = FrameSeal{sealed.label, {}};
    digest = sealed.digest;
    body = ciphertext;
  }
  FrameHead head{};
  std::size_t head_size = 0;
  for (const auto& number : numbers) {
    auto* path = find(number.path);
    if (path == nullptr) continue;
    if (seal) seal->mark = path->seal->mark_frame(number.number, digest);
    head_size = write_head(head, number, seal);
    path->sent = std::max(path->sent, number.number);
    path->outlet->add(*path, head);
  }
  for (const auto& outlet : outlets_) outlet->flush(head_size, body);
}

std::optional<BrokenPath> Sending::take_broken() {
  if (broken_.empty()) return std::nullopt;
  const BrokenPath broken{broken_.front()};
  broken_.pop_front();
  return broken;
}

Path* Sending::find(mesh::PathId id) {
  const auto found = paths_.find(id);
  return found == paths_.end() ? nullptr : &found->second;
}

// nullptr: there is no way there, or no socket to be had.
Outlet* Sending::outlet_towards(const Address& reader) {
  const auto own = own_address_towards(reader);
  if (!own) return nullptr;
  for (const auto& outlet : outlets_) {
    if (same(outlet->own(), *own)) return outlet.get();
  }
  auto socket = open_socket(*own, Errors::by_address);
  if (!socket) return nullptr;
  outlets_.push_back(std::make_unique<Outlet>(*this, intake_, std::move(socket), *own));
  return outlets_.back().get();
}

void Sending::close_idle_outlets() {
  std::erase_if(outlets_, [this](const auto& outlet) {
    return std::none_of(paths_.begin(), paths_.end(),
                        [&](const auto& path) { return path.second.outlet == outlet.get(); });
  });
}

void Sending::set_broken(Path& path) {
  if (std::exchange(path.broken, true)) return;
  broken_.push_back(path.id);
}

Arrival Sending::take_ack(const AckView& view, const Outlet& outlet, const Address& from) {
  auto* path = find(view.path);
  if (path == nullptr || path->outlet != &outlet || !same(path->reader, from)) return Malformed{};
  if (seal_ && !keys::same(*view.mark, path->seal->mark_ack(view.marked))) return Malformed{};
  const auto& ack = view.ack;
  const bool older = ack.number < path->last.number || ack.received < path->last.received;
  if (older || ack.number == 0 || ack.number > path->sent) return Malformed{};
  path->last = ack;
  return Ack{path->id, ack};
}

}  // namespace tidegate::datagrams
