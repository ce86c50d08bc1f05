// A folder of shards with pictures that are quickly drawn: a grade is the place of a bright bar.
#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/files.h"
#include "core/random.h"
#include "pipeline/loader/shard_set.h"
#include "pipeline/shard/row_file.h"
#include "pipeline/shard/shard_index.h"

namespace genu::train::testing {

struct FakeRow {
  pipeline::Split split = pipeline::Split::kTrain;
  pipeline::Source source = pipeline::Source::kMendeley;
  int kl = 0;
  std::string subject = {};  // empty: one of its own
};

inline std::vector<std::uint8_t> draw_fake_row(std::size_t number, int kl, int side_px) {
  std::vector<std::uint8_t> pixels;
  RandomStream noise(3, number, "fake shard");
  for (int y = 0; y < side_px; ++y) {
    for (int x = 0; x < side_px; ++x) {
      pixels.push_back(static_cast<std::uint8_t>(noise.integer(60) + (y * 5 / side_px == kl ? 150 : 0)));
    }
  }
  return pixels;
}

// Samples "knee000", "knee001", ... of the subjects "person000", ... where none are given.
inline std::shared_ptr<const pipeline::ShardSet> make_fake_shards(const std::filesystem::path& folder,
                                                                  const std::vector<FakeRow>& rows, int side_px) {
  make_folders(folder);
  pipeline::RowFile file(folder / pipeline::shard_file_name(0), {.height_px = side_px, .width_px = side_px});
  pipeline::ShardRows contents;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    pipeline::SampleRecord record;
    record.sample_id = fmt::format("knee{:03}", i);
    record.subject = rows[i].subject.empty() ? fmt::format("person{:03}", i) : rows[i].subject;
    record.split = rows[i].split;
    record.source = rows[i].source;
    record.kl = record.kl_read = KlGrade(rows[i].kl);
    const auto row = pipeline::encode_row(draw_fake_row(i, rows[i].kl, side_px), pipeline::PixelStorage::kPlain);
    file.append(row);
    contents.records.push_back(record);
    contents.augmentations.emplace_back();
    contents.pixel_crc32c.push_back(row.pixel_crc32c);
  }
  const auto shard = pipeline::complete_shard(
      file, contents,
      {.training_pixels = {100, 50}, .config_yaml = "", .preprocess_yaml = "size_px: 32\n", .split_proof_json = "{}"});
  write_file_atomically(
      folder / pipeline::kShardIndexName,
      pipeline::to_json({.height_px = side_px,
                         .width_px = side_px,
                         .config_sha256_hex = "00",
                         .shards = {{pipeline::shard_file_name(0), rows.size(), to_hex(shard.sha256)}}}));
  return pipeline::ShardSet::open(folder);
}

}  // namespace genu::train::testing
