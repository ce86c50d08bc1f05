#include "pipeline/shard/shard_format.h"

#include <cstring>

#include "core/hash.h"

namespace genu::pipeline {

namespace {

// Values on disk: 0 unknown, 1 left, 2 right.
std::uint8_t side_code(const std::optional<KneeSide>& side) {
  if (!side) return 0;
  return *side == KneeSide::kLeft ? 1 : 2;
}

void append_text(const std::string& text, std::vector<std::uint8_t>& bytes) {
  bytes.insert(bytes.end(), text.begin(), text.end());
  bytes.push_back(0);
}

void append_number(double number, std::vector<std::uint8_t>& bytes) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &number, sizeof bits);
  for (int shift = 0; shift < 64; shift += 8) bytes.push_back(static_cast<std::uint8_t>(bits >> shift));
}

}  // namespace

std::uint32_t record_crc32c(const SampleRecord& record, const AugmentParameters& augmentation) {
  std::vector<std::uint8_t> bytes = {static_cast<std::uint8_t>(record.kl.value()),
                                     static_cast<std::uint8_t>(record.kl_read.value()),
                                     side_code(record.side),
                                     static_cast<std::uint8_t>(record.source),
                                     static_cast<std::uint8_t>(record.split),
                                     static_cast<std::uint8_t>(record.variant)};
  append_text(record.sample_id, bytes);
  append_text(record.subject, bytes);
  bytes.insert(bytes.end(), record.source_sha256.begin(), record.source_sha256.end());
  for (const double number : augmentation_numbers(augmentation)) append_number(number, bytes);
  return crc32c(std::as_bytes(std::span(bytes)));
}

ClassCounts class_counts(const std::vector<SampleRecord>& records) {
  ClassCounts counts{};
  for (const SampleRecord& record : records) ++counts.at(static_cast<std::size_t>(record.kl.value()));
  return counts;
}

}  // namespace genu::pipeline
