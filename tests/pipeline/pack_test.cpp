#include "pipeline/pack/pack_shards.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <optional>
#include <set>

#include "core/errors.h"
#include "core/files.h"
#include "pipeline/loader/shard_set.h"
#include "pipeline/shard/hdf5_file.h"
#include "pipeline/shard/shard_index.h"
#include "pipeline/shard/shard_reader.h"
#include "pipeline/shard/verify_shards.h"
#include "pipeline/source/mendeley.h"
#include "tests/pipeline/test_images.h"
#include "tests/temporary_folder.h"

namespace genu::pipeline {
namespace {

namespace fs = std::filesystem;

// 24 subjects a split, 96 knees, 96 px, 20 rows a shard.
class Packing : public ::testing::Test {
 protected:
  Packing() {
    write_mendeley_folder(films(), 12);
    config.preprocess.size_px = 96;
    config.samples_per_shard = 20;
  }
  fs::path films() const { return folder.path() / "films"; }
  fs::path out() const { return folder.path() / "shards"; }
  std::vector<SourceSample> samples() const { return list_mendeley(films(), FaultPolicy::kStop).samples; }
  PackReport pack(int threads = 2, FaultPolicy policy = FaultPolicy::kSkip) const {
    return pack_shards(samples(), config, {out(), threads, policy});
  }
  // The message of the DataError that packing ends with; nothing may have been written.
  std::string refusal() const {
    try {
      pack();
    } catch (const DataError& error) {
      EXPECT_FALSE(fs::exists(out()));
      return error.what();
    }
    ADD_FAILURE() << "packed";
    return "";
  }

  TemporaryFolder folder;
  ShardConfig config;
};

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_F(Packing, WhatIsReadBackIsWhatWasPrepared) {
  const PackReport report = pack();
  EXPECT_EQ(report.rows, 48u);
  EXPECT_EQ(report.shards, 3u);
  EXPECT_EQ(report.mirrored, 24u);
  const auto set = ShardSet::open(out());
  const auto listed = samples();
  ASSERT_EQ(set->size(), listed.size());
  double sum = 0;
  double squares = 0;
  double count = 0;
  for (std::size_t i = 0; i < listed.size(); ++i) {
    const SampleRecord& record = set->record(i);
    EXPECT_EQ(record.sample_id, listed[i].id);
    EXPECT_EQ(record.subject, listed[i].subject);
    EXPECT_EQ(record.kl, listed[i].kl);
    EXPECT_EQ(record.side, listed[i].side);
    EXPECT_EQ(record.split, listed[i].split);
    EXPECT_EQ(record.source, Source::kMendeley);
    EXPECT_EQ(record.source_sha256, sha256_file(listed[i].path));
    const auto image = prepare_image(decode_image_file(listed[i].path), listed[i].side, config.preprocess);
    const auto pixels = set->copy_pixels(i);
    ASSERT_TRUE(std::equal(pixels.begin(), pixels.end(), image.pixels.begin(), image.pixels.end()));
    if (record.split != Split::kTrain) continue;
    for (const double value : image.pixels) sum += value, squares += value * value, count += 1;
  }
  const double mean = sum / count;
  EXPECT_NEAR(set->training_pixels().mean_grey, mean, 1e-6);
  EXPECT_NEAR(set->training_pixels().sd_grey, std::sqrt(squares / count - mean * mean), 1e-6);
  EXPECT_EQ(set->select({Split::kVal, {}, {}}).size(), 24u);
  EXPECT_TRUE(verify_shards(out()).is_sound());
}

TEST_F(Packing, BytesDoNotDependOnThreadsOrPlace) {
  config.variants = 2;
  config.augment = {15, 0.1, 0.05, 0.5, 0.2, 0.1};
  const auto first = pack(1).index_sha256_hex;
  fs::rename(out(), folder.path() / "kept");
  fs::rename(films(), folder.path() / "moved");
  const auto moved = list_mendeley(folder.path() / "moved", FaultPolicy::kStop).samples;
  EXPECT_EQ(pack_shards(moved, config, {out(), 4, FaultPolicy::kSkip}).index_sha256_hex, first);
  for (const char* name : {"shard-00000.h5", "shard-00003.h5", "shards.json"}) {
    EXPECT_EQ(read_file(out() / name), read_file(folder.path() / "kept" / name)) << name;
  }
}

TEST_F(Packing, BakedVariantsAreReplayableAndOnlyOfTrainingImages) {
  config.variants = 2;
  config.augment = {15, 0.1, 0.05, 0.5, 0.2, 0.1};
  EXPECT_EQ(pack().rows, 24u * 3u + 24u);
  const auto set = ShardSet::open(out());
  const auto all = set->select({Split::kTrain, {}, Variants::kAll});
  EXPECT_EQ(all.size(), 72u);
  EXPECT_EQ(set->select({Split::kTrain, {}, Variants::kOriginals}).size(), 24u);
  EXPECT_EQ(set->select({Split::kVal, {}, Variants::kAll}).size(), 24u);
  std::size_t original = 0;
  for (const std::size_t i : all) {
    if (set->record(i).variant == 0) original = i;
    EXPECT_EQ(set->record(i).sample_id, set->record(original).sample_id);
    const auto source = set->copy_pixels(original);
    std::vector<float> replayed(source.size());
    apply_augmentation({source.data(), 96, 96}, set->augmentation(i), replayed);
    const auto stored = set->copy_pixels(i);
    for (std::size_t k = 0; k < stored.size(); ++k) ASSERT_NEAR(stored[k], replayed[k], 0.501);
    EXPECT_EQ(set->augmentation(i).is_identity(), set->record(i).variant == 0);
  }
}

TEST_F(Packing, ASubjectInTwoSplitsIsRefusedByName) {
  write_png(films() / "val/2/9000003L.png", knee_like(700));
  fs::remove(films() / "train/3/9000003L.png");
  const std::string message = refusal();
  EXPECT_TRUE(contains(message, "subject 9000003")) << message;
  EXPECT_TRUE(contains(message, "9000003R.png (train)") && contains(message, "9000003L.png (val)")) << message;
}

TEST_F(Packing, AGradeConflictIsRefusedByName) {
  write_png(films() / "train/4/9000003L.png", knee_like(700));
  EXPECT_TRUE(contains(refusal(), "sample 9000003L is given twice with grades 3 and 4"));
}

TEST_F(Packing, AnExactCopyInAnotherSplitIsRefusedByName) {
  fs::copy_file(films() / "train/3/9000003L.png", films() / "val/3/9999999L.png");
  const std::string message = refusal();
  EXPECT_TRUE(contains(message, "the same image is in two splits")) << message;
  EXPECT_TRUE(contains(message, "9000003L.png (train)") && contains(message, "9999999L.png (val)")) << message;
}

class AlteredCopy : public Packing {
 protected:
  void plant(const cv::Mat& altered, char side) {
    PngImage image{altered.cols, altered.rows, 1, 8, {altered.datastart, altered.dataend}};
    write_png(films() / "val/1" / (std::string("9999999") + side + ".png"), image);
  }
  cv::Mat original() const {
    static const PngImage image = knee_like(6);  // subject 9000003, left
    return cv::Mat(96, 96, CV_8U, const_cast<std::uint8_t*>(image.bytes.data()));
  }
  void expect_refused() {
    const std::string message = refusal();
    EXPECT_TRUE(contains(message, "altered") && contains(message, "9000003L.png (train)") &&
                contains(message, "9999999"))
        << message;
  }
};

TEST_F(AlteredCopy, MirroredIsCaught) {
  cv::Mat altered;
  cv::flip(original(), altered, 1);
  plant(altered, 'L');
  expect_refused();
}

TEST_F(AlteredCopy, EqualisedIsCaught) {
  cv::Mat altered;
  cv::createCLAHE(5, {8, 8})->apply(original(), altered);
  plant(altered, 'L');
  expect_refused();
}

TEST_F(AlteredCopy, NegativeOfTheOtherSideIsCaught) {
  plant(255 - original(), 'R');
  expect_refused();
}

TEST_F(AlteredCopy, ResizedIsCaught) {
  cv::Mat altered;
  cv::resize(original(), altered, {160, 160}, 0, 0, cv::INTER_CUBIC);
  plant(altered, 'L');
  expect_refused();
}

TEST_F(Packing, SyntheticSamplesStayOutOfRealValidationAndTest) {
  auto all = samples();
  SourceSample synthetic = all.front();
  synthetic.source = Source::kSynthetic;
  synthetic.id = "s";
  synthetic.split = Split::kVal;
  auto planted = all;
  planted.push_back(synthetic);
  EXPECT_THROW(pack_shards(planted, config, {out(), 1, FaultPolicy::kSkip}), DataError);
  planted = all;
  synthetic.split = Split::kTest;
  planted.push_back(synthetic);
  EXPECT_NO_THROW(check_splits(planted));  // no real test samples beside it
  planted.front().split = Split::kTest;
  planted.front().subject = "another";
  EXPECT_THROW(check_splits(planted), DataError);
  config.synthetic_held_out = HeldOutSynthetic::kDrop;
  EXPECT_NO_THROW(check_splits(choose_samples(planted, config)));
  EXPECT_FALSE(fs::exists(out()));
}

TEST_F(Packing, RareGradesAreToppedUpWithSyntheticOnesToTheTarget) {
  auto all = samples();
  ClassCounts real{};
  for (const SourceSample& s : all) real[static_cast<std::size_t>(s.kl.value())] += s.split == Split::kTrain ? 1u : 0u;
  for (int i = 0; i < 50; ++i) {
    SourceSample synthetic;
    synthetic.id = "s" + std::to_string(i);
    synthetic.kl = KlGrade(i % 5);
    all.push_back(synthetic);
  }
  config.synthetic_top_up = 6;
  const auto chosen = choose_samples(all, config);
  ClassCounts counts{};
  ClassCounts synthetic{};
  for (const SourceSample& s : chosen) {
    if (s.split != Split::kTrain) continue;
    ++counts[static_cast<std::size_t>(s.kl.value())];
    synthetic[static_cast<std::size_t>(s.kl.value())] += s.source == Source::kSynthetic ? 1u : 0u;
  }
  for (std::size_t grade = 0; grade < counts.size(); ++grade) {
    EXPECT_EQ(synthetic[grade], 6 - std::min<std::size_t>(6, real[grade])) << grade;
    EXPECT_EQ(counts[grade], std::max<std::size_t>(6, real[grade])) << grade;
  }
  config.synthetic_top_up = 0;
  EXPECT_EQ(choose_samples(all, config).size(), all.size());
}

TEST_F(Packing, TheHistogramReferenceIsFittedOnTrainAloneAndStored) {
  config.preprocess.match_histogram = HistogramMatching::kTrain;
  pack(1);
  const std::string first = ShardSet::open(out())->preprocess_yaml();
  PreprocessConfig stored;
  read_config(stored, parse_yaml_text(first, "stored"));
  GreyHistogram counts{};
  for (const SourceSample& s : samples()) {
    if (s.split != Split::kTrain) continue;
    const auto one = grey_histogram(decode_image_file(s.path), config.preprocess);
    for (std::size_t level = 0; level < counts.size(); ++level) counts[level] += one[level];
  }
  EXPECT_EQ(stored.histogram_reference, histogram_reference(counts));
  for (const auto& s : samples()) {
    if (s.split == Split::kVal) write_png(s.path, negative_picture(knee_like(900)));
    if (s.split == Split::kVal) break;
  }
  config.near_duplicates.search = NearDuplicateSearch::kOff;
  pack(2);
  EXPECT_EQ(ShardSet::open(out())->preprocess_yaml(), first);
}

TEST_F(Packing, BadImagesAreNamedAndTheRestGoesOn) {
  const auto whole = read_file(films() / "train/0/9000000L.png");
  write_file_atomically(films() / "train/0/9000000L.png", std::as_bytes(std::span(whole).first(whole.size() / 2)));
  write_file_atomically(films() / "val/0/9000012L.png", "");
  write_file_atomically(films() / "val/1/9000013L.png", "no picture");
  const PackReport report = pack();
  EXPECT_EQ(report.rows, 45u);
  ASSERT_EQ(report.skipped.size(), 3u);
  EXPECT_TRUE(contains(report.skipped[0].message, "9000000L.png: "));
  EXPECT_TRUE(contains(report.skipped[1].message, "9000012L.png: empty file"));
  EXPECT_TRUE(contains(report.skipped[2].message, "9000013L.png: not a PNG"));
  EXPECT_EQ(ShardSet::open(out())->size(), 45u);
  fs::remove_all(out());
  EXPECT_THROW(pack(2, FaultPolicy::kStop), DataError);
  EXPECT_FALSE(fs::exists(out()));
}

// A limit on memory makes sure that a file of 1 TiB asks for more than there is.
TEST_F(Packing, AFileThatTakesTooMuchMemoryIsABadImage) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer ends the process where memory runs out";
#endif
  const auto path = films() / "train/0/9000000L.png";
  std::error_code error;
  fs::resize_file(path, 1ull << 40, error);
  if (error) GTEST_SKIP() << "no files of 1 TiB here";
  rlimit before{};
  ::getrlimit(RLIMIT_AS, &before);
  rlimit small = before;
  small.rlim_cur = 1ull << 39;
  ::setrlimit(RLIMIT_AS, &small);
  const PackReport report = pack();
  ::setrlimit(RLIMIT_AS, &before);
  EXPECT_EQ(report.rows, 47u);
  ASSERT_EQ(report.skipped.size(), 1u);
  EXPECT_TRUE(contains(report.skipped[0].message, "9000000L.png: takes more memory than there is"))
      << report.skipped[0].message;
}

TEST_F(Packing, NothingLeftIsAnErrorAndAChangedFileIsABadImage) {
  auto all = samples();
  for (auto& sample : all) sample.sha256 = Sha256Digest{};
  try {
    pack_shards(all, config, {out(), 1, FaultPolicy::kSkip});
    ADD_FAILURE();
  } catch (const DataError& error) {
    EXPECT_TRUE(contains(error.what(), "no image could be used") && contains(error.what(), "SHA-256")) << error.what();
  }
  EXPECT_FALSE(fs::exists(out()));
}

// A limit on file size stands in for a full disk: write() fails half-way in the same place.
TEST_F(Packing, AFullDiskLeavesNothing) {
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  rlimit small = before;
  small.rlim_cur = 100000;
  ::setrlimit(RLIMIT_FSIZE, &small);
  EXPECT_THROW(pack(), IoError);
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_FALSE(fs::exists(out()));
}

// Memory that runs out behind HDF5's back: told when the file is closed, and the library keeps nothing that would kill
// the process later (without the note it dies at exit, on the next HDF5 file or never).
TEST(Hdf5InMemory, AFullMemoryIsToldAtTheClose) {
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const std::vector<std::uint8_t> pixels(1'000'000, 7);
  const std::array<std::size_t, 1> shape = {pixels.size()};
  const auto write = [&](rlim_t limit) {
    Hdf5File file = Hdf5File::create_in_memory("limited.h5", Placement::kPages);
    rlimit small = before;
    small.rlim_cur = limit;
    ::setrlimit(RLIMIT_FSIZE, &small);
    file.write_array("images", ElementType::kUint8, shape, pixels.data());
    const MemoryFile closed = file.close_image();
    return closed.size();
  };
  EXPECT_THROW(write(100'000), IoError);
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_GT(write(before.rlim_cur), pixels.size());
}

TEST_F(Packing, ARepackReplacesTheOldSet) {
  pack();
  config.samples_per_shard = 48;
  pack();
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(out())) files += entry.is_regular_file() ? 1u : 0u;
  EXPECT_EQ(files, 3u);  // one shard, shards.json, croissant.json
  EXPECT_EQ(ShardSet::open(out())->size(), 48u);
}

TEST_F(Packing, TheCroissantNamesEveryFileWithItsHash) {
  pack();
  const auto card = nlohmann::json::parse(read_text_file(out() / "croissant.json"));
  EXPECT_EQ(card.at("conformsTo"), "http://mlcommons.org/croissant/1.0");
  std::set<std::string> named;
  for (const auto& file : card.at("distribution")) {
    const std::string name = file.at("contentUrl");
    EXPECT_EQ(file.at("sha256"), to_hex(sha256_file(out() / name))) << name;
    named.insert(name);
  }
  EXPECT_EQ(named, std::set<std::string>({"shards.json", "shard-00000.h5", "shard-00001.h5", "shard-00002.h5"}));
}

TEST_F(Packing, OpensInH5py) {
  if (std::system("/usr/bin/python3 -c 'import h5py' 2>/dev/null") != 0) GTEST_SKIP() << "no h5py";
  pack();
  const auto script = folder.path() / "read.py";
  write_file_atomically(script, R"(import h5py, json, sys, zlib
f = h5py.File(sys.argv[1] + '/shard-00000.h5')
assert f['image'].shape == (20, 96, 96) and f['image'].dtype == 'u1' and f['image'].chunks is None
assert f['kl'].shape == (20,) and max(f['kl'][:]) <= 4
assert f['sample_id'][0].decode() == '9000000L', f['sample_id'][0]
assert list(f['source'].attrs['names']) == ['synthetic', 'mendeley', 'oai', 'other']
assert f['augmentation'].dtype.names[:2] == ('rotation_deg', 'zoom')
assert f['source_sha256'].shape == (20, 32)
assert f.attrs['format_version'][0] == 2 and sum(f.attrs['class_counts']) == 20
assert 50 < f.attrs['training_mean_grey'] < 200
assert json.loads(f.attrs['split_proof_json'])['subjects_in_two_splits'] == 0
assert 'size_px: 96' in f.attrs['preprocess_yaml']
assert f['image'][3].std() > 10
)");
  const std::string command = "/usr/bin/python3 " + script.string() + " " + out().string();
  EXPECT_EQ(std::system(command.c_str()), 0);
}

class Damage : public Packing {
 protected:
  Damage() { pack(); }
  fs::path shard() const { return out() / "shard-00001.h5"; }
  void flip(std::size_t at) const {
    auto bytes = read_file(shard());
    bytes.at(at) ^= 0x10;
    write_file_atomically(shard(), std::as_bytes(std::span(bytes)));
  }
};

TEST_F(Damage, AFlippedPixelNamesExactlyThatSample) {
  const auto before = ShardSet::open(out());
  const std::size_t row = 7;
  flip(4096 + row * 96 * 96 + 1234);
  const auto set = ShardSet::open(out());
  for (std::size_t i = 0; i < set->size(); ++i) {
    if (i == 20 + row) {
      try {
        set->copy_pixels(i);
        ADD_FAILURE();
      } catch (const DataError& error) {
        EXPECT_TRUE(contains(error.what(), "shard-00001.h5: sample " + before->record(i).sample_id + " (row 7)"));
      }
      EXPECT_THROW(set->copy_pixels(i), DataError);  // and again
    } else {
      EXPECT_NO_THROW(set->copy_pixels(i));
    }
  }
  const auto report = verify_shards(out());
  EXPECT_EQ(report.damaged_samples, 1u);
  ASSERT_EQ(report.faults.size(), 1u);
  EXPECT_TRUE(contains(report.faults[0], before->record(20 + row).sample_id + " (row 7): pixels are damaged"));
  const auto kept = set->keep_intact(set->select({}));
  EXPECT_EQ(kept.samples.size(), 47u);
  EXPECT_EQ(kept.damaged.size(), 1u);
}

// A label lies in both copies of labels and structure: one flipped loses nothing.
TEST_F(Damage, AFlippedLabelIsReadFromTheOtherCopyAndRestored) {
  const auto before = ShardSet::open(out());
  const auto whole = read_file(shard());
  const auto offset = Hdf5File::open(shard()).contiguous_offset("kl");
  flip(offset + 3);
  const auto set = ShardSet::open(out());
  for (std::size_t i = 0; i < set->size(); ++i) {
    EXPECT_EQ(set->record(i), before->record(i));
    EXPECT_TRUE(set->is_intact(i));
  }
  const auto report = verify_shards(out());
  EXPECT_EQ(report.damaged_samples, 0u);
  ASSERT_EQ(report.faults.size(), 1u);
  EXPECT_TRUE(contains(report.faults[0], "shard-00001.h5: the first copy of labels")) << report.faults[0];
  EXPECT_EQ(repair_shards(out()).restored_files, 1u);
  EXPECT_EQ(read_file(shard()), whole);
  EXPECT_TRUE(verify_shards(out()).is_sound());
}

// Both copies: nothing of the shard can be trusted, and HDF5 never sees it.
TEST_F(Damage, BothCopiesDamagedLoseTheShardAndTheRestTrains) {
  const auto offset = Hdf5File::open(shard()).contiguous_offset("kl");
  auto bytes = read_file(shard());
  const std::vector<std::uint8_t> grades(bytes.begin() + static_cast<std::ptrdiff_t>(offset),
                                         bytes.begin() + static_cast<std::ptrdiff_t>(offset) + 20);
  const auto end = static_cast<std::ptrdiff_t>(check_metadata(bytes, shard()).metadata.hdf5_end);
  const auto spare = std::search(bytes.begin() + end, bytes.end(), grades.begin(), grades.end());
  ASSERT_NE(spare, bytes.end());
  const auto spare_at = static_cast<std::size_t>(spare - bytes.begin());
  flip(offset);
  flip(spare_at);
  EXPECT_THROW(ShardSet::open(out()), DataError);
  EXPECT_EQ(verify_shards(out()).damaged_samples, 20u);
  EXPECT_EQ(repair_shards(out()).quarantined_samples, 20u);
  EXPECT_TRUE(verify_shards(out()).is_sound());
  EXPECT_EQ(verify_shards(out()).quarantined_samples, 20u);
  const auto set = ShardSet::open(out());
  EXPECT_EQ(set->size(), 28u);
  EXPECT_EQ(set->select({}).size(), 28u);
}

// Any byte: exactly the damaged samples are named, and what is not named reads as before.
void expect_exact_loss(const fs::path& out, const fs::path& shard, const ShardSet& before, std::size_t first,
                       const std::vector<std::size_t>& places) {
  const auto whole = read_file(shard);
  const ShardContents contents = read_shard(whole, shard);
  std::vector<std::vector<std::uint8_t>> pixels;
  for (std::size_t i = 0; i < before.size(); ++i) pixels.push_back(before.copy_pixels(i));
  for (const std::size_t at : places) {
    auto bytes = whole;
    bytes[at] ^= 0x10;
    write_file_atomically(shard, std::as_bytes(std::span(bytes)), Durability::kBatch);
    std::optional<std::size_t> hit;
    for (std::size_t row = 0; row < contents.rows.size(); ++row) {
      const ByteRange& place = contents.stored_rows[row];
      if (at >= place.offset && at - place.offset < place.size) hit = row;
    }
    const auto report = verify_shards(out);
    ASSERT_EQ(report.faults.size(), 1u) << at;
    ASSERT_EQ(report.damaged_samples, hit ? 1u : 0u) << at << ": " << report.faults[0];
    const auto set = ShardSet::open(out);
    for (std::size_t i = 0; i < set->size(); ++i) {
      ASSERT_EQ(set->record(i), before.record(i)) << at;
      if (hit && i == first + *hit) {
        ASSERT_TRUE(contains(report.faults[0], before.record(i).sample_id + " ")) << report.faults[0];
        ASSERT_THROW(static_cast<void>(set->copy_pixels(i)), DataError) << at;
      } else {
        ASSERT_EQ(set->copy_pixels(i), pixels[i]) << at;
      }
    }
  }
  write_file_atomically(shard, std::as_bytes(std::span(whole)));
}

TEST_F(Damage, AFlippedByteAnywhereLosesExactlyItsSample) {
  const auto before = ShardSet::open(out());
  const std::size_t size = read_file(shard()).size();
  const std::size_t pixels_end = 4096 + 20 * 96 * 96;
  std::vector<std::size_t> places = {0, 8, 28, 4095, 4096, pixels_end - 1, pixels_end, size - 64, size - 1};
  for (std::size_t at = 1; at < 4096; at += 97) places.push_back(at);
  for (std::size_t at = 4096; at < pixels_end; at += 7919) places.push_back(at);
  for (std::size_t at = pixels_end; at < size; at += 421) places.push_back(at);
  expect_exact_loss(out(), shard(), *before, 20, places);
}

TEST_F(Damage, RepairQuarantinesExactlyTheDamagedSamplesAndKeepsTheirBytes) {
  flip(4096 + 7 * 96 * 96 + 1234);
  flip(4096 + 9 * 96 * 96);
  const auto damaged = read_file(shard());
  EXPECT_EQ(repair_shards(out()).quarantined_samples, 2u);
  EXPECT_EQ(read_file(shard()), damaged);
  const auto set = ShardSet::open(out());
  const auto chosen = set->select({});
  EXPECT_EQ(chosen.size(), 46u);
  for (const std::size_t i : {std::size_t{27}, std::size_t{29}}) {
    EXPECT_TRUE(set->is_quarantined(i));
    EXPECT_EQ(std::count(chosen.begin(), chosen.end(), i), 0);
  }
  for (const std::size_t i : chosen) EXPECT_NO_THROW(static_cast<void>(set->copy_pixels(i)));
  const auto report = verify_shards(out());
  EXPECT_TRUE(report.is_sound());
  EXPECT_EQ(report.quarantined_samples, 2u);
  flip(4096 + 3 * 96 * 96);  // new damage is not covered by an old quarantine
  EXPECT_EQ(verify_shards(out()).damaged_samples, 1u);
  pack();  // a new set begins without one
  EXPECT_FALSE(fs::exists(out() / "quarantine.json"));
}

// Restored from a backup, a sample stays out of every reader's sight until the list is made again.
TEST_F(Damage, AQuarantineOfIntactSamplesIsAFault) {
  const auto whole = read_file(shard());
  flip(4096 + 7 * 96 * 96);
  const auto once = read_file(shard());
  flip(4096 + 9 * 96 * 96);
  repair_shards(out());
  const auto fault = [&] {
    const auto report = verify_shards(out());
    EXPECT_EQ(report.damaged_samples, 0u);
    return report.faults.empty() ? std::string() : report.faults.back();
  };
  EXPECT_EQ(fault(), "");
  write_file_atomically(shard(), std::as_bytes(std::span(once)));
  EXPECT_TRUE(contains(fault(), "quarantine.json: leaves out 1 samples that are intact; run `genu verify --repair`"));
  write_file_atomically(shard(), std::as_bytes(std::span(whole)));
  EXPECT_TRUE(contains(fault(), "leaves out 2 samples that are intact"));
  repair_shards(out());
  EXPECT_EQ(fault(), "");
  EXPECT_EQ(ShardSet::open(out())->size(), 48u);

  write_file_atomically(shard(), "no shard");
  EXPECT_EQ(repair_shards(out()).quarantined_samples, 20u);
  EXPECT_EQ(fault(), "");
  write_file_atomically(shard(), std::as_bytes(std::span(whole)));
  EXPECT_TRUE(contains(fault(), "leaves out 20 samples that are intact"));
}

TEST_F(Damage, AQuarantineOfAnotherSetIsRefused) {
  flip(4096);
  repair_shards(out());
  auto index = read_text_file(out() / "shards.json");
  write_file_atomically(out() / "shards.json", index + "\n");
  EXPECT_THROW(ShardSet::open(out()), DataError);
}

class DeflatedDamage : public Packing {
 protected:
  DeflatedDamage() {
    config.storage = PixelStorage::kDeflate;
    pack();
  }
};

TEST_F(DeflatedDamage, AFlippedByteAnywhereLosesExactlyItsSample) {
  const auto shard = out() / "shard-00001.h5";
  const auto before = ShardSet::open(out());
  const std::size_t size = read_file(shard).size();
  std::vector<std::size_t> places = {0, 28, size - 1};
  for (std::size_t at = 1; at < size; at += size / 150) places.push_back(at);
  expect_exact_loss(out(), shard, *before, 20, places);
}

TEST_F(Damage, ATruncatedShardIsOneClearLine) {
  const auto whole = read_file(shard());
  for (const std::size_t size : {std::size_t{0}, std::size_t{100}, whole.size() / 2}) {
    write_file_atomically(shard(), std::as_bytes(std::span(whole).first(size)));
    EXPECT_THROW(ShardSet::open(out()), DataError) << size;
    EXPECT_EQ(verify_shards(out()).damaged_samples, 20u);
  }
  // Without its last byte the spare copy is damaged and nothing is lost.
  write_file_atomically(shard(), std::as_bytes(std::span(whole).first(whole.size() - 1)));
  EXPECT_EQ(ShardSet::open(out())->size(), 48u);
  EXPECT_EQ(verify_shards(out()).damaged_samples, 0u);
  EXPECT_FALSE(verify_shards(out()).is_sound());
  fs::remove(shard());
  EXPECT_THROW(ShardSet::open(out()), IoError);
}

TEST_F(Damage, ABrokenIndexIsOneClearLine) {
  write_file_atomically(out() / "shards.json", "{\"format\": \"genu shards\"");
  EXPECT_THROW(ShardSet::open(out()), DataError);
  write_file_atomically(out() / "shards.json", "[]");
  EXPECT_THROW(ShardSet::open(out()), DataError);
  fs::remove(out() / "shards.json");
  EXPECT_THROW(ShardSet::open(out()), IoError);
}

TEST(ShardConfig, AShardIsBoundedInRowsAndBytes) {
  ShardConfig config;
  EXPECT_EQ(rows_per_shard(config), 2048u);
  config.preprocess.size_px = 1024;
  EXPECT_EQ(rows_per_shard(config), 256u);
  config.samples_per_shard = 10;
  EXPECT_EQ(rows_per_shard(config), 10u);
}

TEST(ShardIndex, RefusesAnotherFormatVersionInOneLine) {
  std::string text = to_json(ShardIndex{2, 2, "x", {{"shard-00000.h5", 1, "y"}}});
  text.replace(text.find("\"format_version\": 2"), 19, "\"format_version\": 1");
  try {
    parse_shard_index(text, "shards.json");
    ADD_FAILURE();
  } catch (const DataError& error) {
    EXPECT_TRUE(contains(error.what(), "format version 1, this program reads 2; make the shards again"));
  }
}

TEST(ShardIndex, RefusesAPathThatLeavesTheFolder) {
  ShardIndex index{2, 2, "x", {{"../shard-00000.h5", 1, "y"}}};
  EXPECT_THROW(parse_shard_index(to_json(index), "shards.json"), DataError);
}

}  // namespace
}  // namespace genu::pipeline
