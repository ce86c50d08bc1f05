// Any bytes as a shard, an index and a quarantine: read, or refused as a DataError. HDF5 itself is reached only by
// bytes whose checksum matches; a mutation of the seed's pixels does that, and the rows must then still be readable or
// named.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "core/errors.h"
#include "pipeline/shard/deflate.h"
#include "pipeline/shard/quarantine.h"
#include "pipeline/shard/shard_index.h"
#include "pipeline/shard/shard_reader.h"

namespace {

template <class Parse>
void try_parse(const Parse& parse) {
  try {
    static_cast<void>(parse());
  } catch (const genu::DataError&) {
  }
}

void read_rows(std::span<const std::uint8_t> bytes) {
  const auto shard = genu::pipeline::read_shard(bytes, "fuzz.h5");
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(shard.height_px) *
                                   static_cast<std::size_t>(shard.width_px));
  for (const auto& row : shard.stored_rows) {
    const auto stored = bytes.subspan(row.offset, row.size);
    if (shard.is_deflated) static_cast<void>(genu::pipeline::inflate_zlib(stored, pixels));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::uint8_t> bytes(data, size);
  const std::string text(bytes.begin(), bytes.end());
  try_parse([&] { return genu::pipeline::parse_shard_index(text, "shards.json"); });
  try_parse([&] { return genu::pipeline::parse_quarantine(text, "quarantine.json"); });
  try_parse([&] { return read_rows(bytes), 0; });
  return 0;
}
