#include "train/loop/batch_source.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/errors.h"
#include "tests/temporary_folder.h"
#include "tests/train/fake_shards.h"

namespace genu::train {
namespace {

using pipeline::Source;
using pipeline::Split;

constexpr int kSidePx = 32;

using Row = testing::FakeRow;

std::shared_ptr<const pipeline::ShardSet> make_shards(const std::filesystem::path& folder,
                                                      const std::vector<Row>& rows) {
  return testing::make_fake_shards(folder, rows, kSidePx);
}

// Grades 0..4 twice over in train, synthetic then real; three real knees in val.
std::vector<Row> rows() {
  std::vector<Row> out;
  for (const Source source : {Source::kSynthetic, Source::kMendeley}) {
    for (int kl = 0; kl < 5; ++kl) out.push_back({Split::kTrain, source, kl});
  }
  for (int kl = 0; kl < 3; ++kl) out.push_back({Split::kVal, Source::kMendeley, kl});
  return out;
}

template <class Make>
std::string fault_of(const Make& make) {
  try {
    make();
  } catch (const DataError& error) {
    return error.what();
  }
  return "none";
}

TEST(BatchSource, ChoosesSplitAndSource) {
  const TemporaryFolder folder;
  const auto shards = make_shards(folder.path() / "shards", rows());
  const auto count = [&](SourceChoice source) {
    return training_source(shards, {.batch_size = 2, .source = source}, {.size_px = kSidePx})->samples_per_epoch();
  };
  EXPECT_EQ(count(SourceChoice::kAll), 10U);
  EXPECT_EQ(count(SourceChoice::kSynthetic), 5U);
  EXPECT_EQ(count(SourceChoice::kReal), 5U);
  const auto validation =
      evaluation_source(shards, {.split = Split::kVal}, pipeline::Normalisation::kUnit, {.size_px = kSidePx});
  EXPECT_EQ(validation->samples_per_epoch(), 3U);
  pipeline::Batch batch;
  validation->seek(0, 0);
  validation->next(batch);
  EXPECT_EQ(validation->identity(batch.samples[0]).sample_id, "knee010");
  EXPECT_EQ(validation->identity(batch.samples[2]).subject, "person012");
}

TEST(BatchSource, AMissingGradeIsNamed) {
  const TemporaryFolder folder;
  auto without = rows();
  std::erase_if(without, [](const Row& row) { return row.kl == 3 && row.split == Split::kTrain; });
  const auto shards = make_shards(folder.path() / "shards", without);
  const std::string fault = fault_of([&] { training_source(shards, {}, {.size_px = kSidePx}); });
  EXPECT_NE(fault.find("shards: grade 3 has no training sample"), std::string::npos) << fault;
  EXPECT_EQ(fault.find('\n'), std::string::npos);
}

TEST(BatchSource, AnEmptySplitIsNamed) {
  const TemporaryFolder folder;
  const auto shards = make_shards(folder.path() / "shards", rows());
  const std::string fault = fault_of([&] {
    evaluation_source(shards, {.split = Split::kTest}, pipeline::Normalisation::kUnit, {.size_px = kSidePx});
  });
  EXPECT_NE(fault.find("split 'test' holds no sample"), std::string::npos) << fault;
}

TEST(BatchSource, ALimitTakesGradesInTurn) {
  const TemporaryFolder folder;
  const auto shards = make_shards(folder.path() / "shards", rows());
  const auto source = training_source(shards, {.batch_size = 6, .limit_samples = 6}, {.size_px = kSidePx});
  EXPECT_EQ(source->samples_per_epoch(), 6U);
  pipeline::Batch batch;
  source->seek(0, 0);
  source->next(batch);
  EXPECT_EQ((std::multiset<std::int64_t>(batch.labels.begin(), batch.labels.end())),
            (std::multiset<std::int64_t>{0, 0, 1, 2, 3, 4}));
}

TEST(BatchSource, AShareOfTheRealSubjectsLeavesSyntheticOnesAlone) {
  const TemporaryFolder folder;
  std::vector<Row> many = rows();
  for (int i = 0; i < 200; ++i) many.push_back({Split::kTrain, Source::kMendeley, i % 5});
  const auto shards = make_shards(folder.path() / "shards", many);
  const auto chosen = [&](SourceChoice source, std::uint64_t seed) {
    const auto batches = training_source(shards, {.batch_size = 1, .source = source, .real_subject_share = 0.2},
                                         {.size_px = kSidePx, .seed = seed});
    std::map<std::string, std::int64_t> knees;
    pipeline::Batch batch;
    batches->seek(0, 0);
    for (std::size_t i = 0; i < batches->samples_per_epoch(); ++i) {
      batches->next(batch);
      knees[batches->identity(batch.samples[0]).sample_id] = batch.labels[0];
    }
    return knees;
  };
  const auto real = chosen(SourceChoice::kReal, 3);
  EXPECT_NEAR(static_cast<double>(real.size()), 41, 3);  // 205 of one knee each
  for (std::int64_t kl = 0; kl < 5; ++kl) {
    const auto of_grade = std::count_if(real.begin(), real.end(), [&](const auto& knee) { return knee.second == kl; });
    EXPECT_NEAR(static_cast<double>(of_grade), 8, 1) << kl;
  }
  EXPECT_EQ(chosen(SourceChoice::kReal, 3), real);
  EXPECT_NE(chosen(SourceChoice::kReal, 4), real);
  EXPECT_EQ(chosen(SourceChoice::kSynthetic, 3).size(), 5U);
  EXPECT_EQ(chosen(SourceChoice::kAll, 3).size(), real.size() + 5);
}

TEST(BatchSource, ASeekGivesTheSameBatchAsGoingThere) {
  const TemporaryFolder folder;
  const auto shards = make_shards(folder.path() / "shards", rows());
  const DataConfig data{.batch_size = 3, .augment = {.rotation_deg = 10, .flip_probability = 0.5}};
  const auto source = training_source(shards, data, {.size_px = kSidePx, .seed = 5});
  EXPECT_EQ(source->batches_per_epoch(), 3U);  // the tenth sample is left out
  pipeline::Batch walked, sought;
  source->seek(0, 0);
  for (int i = 0; i < 6; ++i) source->next(walked);
  source->seek(1, 2);
  source->next(sought);
  EXPECT_EQ(walked.samples, sought.samples);
  EXPECT_EQ(walked.pixels, sought.pixels);
}

}  // namespace
}  // namespace genu::train
