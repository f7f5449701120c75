#include "lib/stomp/message_frame.hpp"

#include <chrono>

#include "lib/stomp/frame_writer.hpp"
#include "lib/stomp/message_id.hpp"
#include "lib/stomp/publication.hpp"
#include "tidegate/token.hpp"

namespace tidegate::stomp {
namespace {

std::string_view notice_of(const Loss& loss) {
  if (loss.kind == Loss::Kind::outbox) return "outbox_lost";
  return loss.is_range() ? "undelivered" : "not_resumed";
}

}  // namespace

void write_message(std::string& to, const Addressee& addressee, const Delivery& delivery,
                   std::uint64_t ack, bool redelivered) {
  const auto& message = delivery.message;
  FrameWriter frame(to, addressee.version, "MESSAGE");
  if (addressee.subscription != nullptr) frame.header("subscription", *addressee.subscription);
  frame.header("message-id", to_string(MessageId{delivery.origin, delivery.sequence}));
  frame.header("destination", destination_of(message.topic, addressee.form));
  if (ack != 0 && addressee.version == Version::v1_2) frame.header("ack", std::to_string(ack));
  frame.header("publisher", delivery.origin_name);
  frame.header("sequence", std::to_string(delivery.sequence));
  if (message.position) frame.header("position", to_token(*message.position));
  const auto held = std::chrono::duration_cast<std::chrono::milliseconds>(delivery.held);
  frame.header("held-ms", std::to_string(held.count()));
  frame.header("late", delivery.late ? "true" : "false");
  if (delivery.row) {
    frame.header("row-transaction", std::to_string(delivery.row->transaction));
    frame.header("announced-us", std::to_string(delivery.row->announced));
  }
  if (redelivered) frame.header("redelivered", "true");
  for (const auto& [name, value] : message.headers) {
    if (!is_reserved(name)) frame.header(name, value);
  }
  frame.end(message.payload);
}

void write_notice(std::string& to, const Addressee& addressee, const NoticeFrame& notice,
                  std::uint64_t number) {
  FrameWriter frame(to, addressee.version, "MESSAGE");
  if (addressee.subscription != nullptr) frame.header("subscription", *addressee.subscription);
  frame.header("message-id", "notice-" + std::to_string(number));
  frame.header("destination", notices);
  frame.header("notice", notice.kind);
  if (!notice.receipt.empty()) frame.header("receipt-id", notice.receipt);
  frame.header("content-type", "application/json");
  frame.end(notice.json);
}

void write_loss(std::string& to, const Addressee& addressee, const Loss& loss,
                std::string_view json, std::uint64_t ack) {
  FrameWriter frame(to, addressee.version, "MESSAGE");
  if (addressee.subscription != nullptr) frame.header("subscription", *addressee.subscription);
  frame.header("message-id", to_string(MessageId{loss.origin, loss.first}));
  frame.header("destination", notices);
  if (addressee.version == Version::v1_2) frame.header("ack", std::to_string(ack));
  frame.header("notice", notice_of(loss));
  frame.header("publisher", loss.publisher);
  frame.header("content-type", "application/json");
  frame.end(json);
}

}  // namespace tidegate::stomp
