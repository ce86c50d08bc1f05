#include <gtest/gtest.h>

#include <filesystem>

#include "core/files.h"
#include "pipeline/pack/pack_shards.h"
#include "pipeline/pack/stale_check.h"
#include "pipeline/source/mendeley.h"
#include "tests/pipeline/test_images.h"
#include "tests/temporary_folder.h"

namespace genu::pipeline {
namespace {

namespace fs = std::filesystem;

class Stale : public ::testing::Test {
 protected:
  Stale() {
    write_mendeley_folder(films(), 5, 48);
    write_file_atomically(films() / "val/1/9000099L.png", "no picture");
    config.preprocess.size_px = 48;
    config.near_duplicates.search = NearDuplicateSearch::kOff;
    pack_shards(samples(), config, {out(), 1, FaultPolicy::kSkip, Resume::kAnew});
  }
  fs::path films() const { return folder.path() / "films"; }
  fs::path out() const { return folder.path() / "shards"; }
  std::vector<SourceSample> samples() const { return list_mendeley(films(), FaultPolicy::kStop).samples; }
  std::vector<std::string> reasons() const { return check_stale(samples(), config, out(), 2).reasons; }
  void expect_one(const std::string& part) const {
    const auto found = reasons();
    ASSERT_EQ(found.size(), 1u);
    EXPECT_NE(found[0].find(part), std::string::npos) << found[0];
  }

  TemporaryFolder folder;
  ShardConfig config;
};

TEST_F(Stale, AnUnchangedSetIsNot) { EXPECT_TRUE(reasons().empty()); }

TEST_F(Stale, AChangedImageIsNamed) {
  write_png(films() / "train/0/9000000L.png", knee_like(77, 48));
  expect_one("9000000L.png: changed since");
}

TEST_F(Stale, AnAddedAndARemovedImageAreNamed) {
  write_png(films() / "train/0/9000050L.png", knee_like(78, 48));
  expect_one("9000050L.png: not in the shards");
  fs::remove(films() / "train/0/9000050L.png");
  fs::remove(films() / "train/0/9000000L.png");
  expect_one("sample 9000000L of source mendeley is in the shards and no longer listed");
}

TEST_F(Stale, AChangedLabelIsNamed) {
  fs::rename(films() / "train/0/9000000L.png", films() / "train/4/9000000L.png");
  expect_one("9000000L.png: its subject, side, split or grade differs");
}

// The box stands in no record: the pixels tell.
TEST_F(Stale, AChangedBoxIsNamed) {
  auto boxed = samples();
  boxed.front().box = PixelBox{0, 0, 32, 32};
  config.variants = 1;
  config.augment.rotation_deg = 5;
  pack_shards(boxed, config, {out(), 1, FaultPolicy::kSkip, Resume::kAnew});
  EXPECT_TRUE(check_stale(boxed, config, out(), 2).reasons.empty());
  for (const std::optional<PixelBox> other : {std::optional(PixelBox{8, 8, 40, 40}), std::optional<PixelBox>()}) {
    boxed.front().box = other;
    const auto found = check_stale(boxed, config, out(), 2).reasons;
    ASSERT_EQ(found.size(), 1u);
    EXPECT_NE(found[0].find(boxed.front().path.string() + ": gives other pixels"), std::string::npos) << found[0];
  }
}

TEST_F(Stale, AChangedConfigKeyIsNamed) {
  config.preprocess.clahe_clip = 2;
  expect_one("config differs: stored '  clahe_clip: 0', asked for '  clahe_clip: 2'");
}

}  // namespace
}  // namespace genu::pipeline
