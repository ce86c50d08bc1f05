#include "pipeline/pack/pack_shards.h"

#include <tbb/global_control.h>
#include <tbb/info.h>
#include <tbb/parallel_for.h>
#include <tbb/parallel_pipeline.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <memory>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
#include <set>
#include <system_error>
#include <utility>

#include "core/errors.h"
#include "core/files.h"
#include "core/progress.h"
#include "pipeline/pack/prepare_sample.h"
#include "pipeline/shard/shard_format.h"
#include "pipeline/shard/shard_index.h"
#include "pipeline/shard/shard_writer.h"

namespace genu::pipeline {

namespace fs = std::filesystem;

namespace {

// Samples that travel through the pipeline together.
constexpr std::size_t kChunk = 8;

struct Chunk {
  std::size_t first = 0;
  std::vector<PreparedSample> prepared;
  std::exception_ptr failure;  // what stopped its preparation
};

// Where the pixels of a packed sample's own image (variant 0) lie.
struct RowAddress {
  std::size_t shard = 0;
  std::size_t row = 0;
};

// The serial end of the pipeline: writes rows in order and keeps what the proof needs.
class Sink {
 public:
  Sink(const ShardConfig& config, const PackOptions& options) : config_(config), options_(options) {}

  void add(const SourceSample& sample, PreparedSample prepared) {
    if (prepared.variants.empty()) return report_fault(options_.policy, prepared.fault, report_.skipped);
    for (std::size_t k = 0; k < prepared.variants.size(); ++k) {
      append_row(sample, prepared, static_cast<int>(k));
    }
    report_.negatives_righted += prepared.was_negative ? 1u : 0u;
    report_.mirrored += prepared.was_mirrored ? 1u : 0u;
    if (sample.split == Split::kTrain) {
      training_pixels_ += prepared.variants.front().pixels.size();
      grey_sum_ += prepared.grey_sum;
      grey_square_sum_ += prepared.grey_square_sum;
    }
    packed_.push_back(sample);
    sha256_.push_back(prepared.sha256);
    fingerprints_.push_back(prepared.fingerprint);
  }

  // Proves the split, then gives the files their names; shards.json comes last.
  PackReport finish() {
    if (packed_.empty()) throw DataError(nothing_left());
    prove();
    std::vector<Sha256Digest> hashes(writers_.size());
    const SetFacts facts{report_.training_pixels, to_yaml(config_), to_yaml(config_.preprocess),
                         report_.split_proof_json};
    // Each completion holds one shard in memory.
    constexpr int kMostAtOnce = 4;
    tbb::task_arena few(std::min(kMostAtOnce, tbb::this_task_arena::max_concurrency()));
    few.execute([&] {
      tbb::parallel_for(std::size_t{0}, writers_.size(),
                        [&](std::size_t i) { hashes[i] = writers_[i]->finish(facts); });
    });
    publish(hashes);
    return std::move(report_);
  }

 private:
  void append_row(const SourceSample& sample, const PreparedSample& prepared, int variant) {
    if (writers_.empty() || writers_.back()->size() == rows_per_shard(config_)) {
      writers_.push_back(std::make_unique<ShardWriter>(options_.out / shard_file_name(writers_.size()),
                                                       config_.preprocess.size_px, config_.preprocess.size_px));
    }
    if (variant == 0) addresses_.push_back({writers_.size() - 1, writers_.back()->size()});
    const SampleRecord record{sample.id, sample.subject, sample.side, sample.source,  sample.split,
                              sample.kl, sample.kl_read, variant,     prepared.sha256};
    const PreparedVariant& made = prepared.variants.at(static_cast<std::size_t>(variant));
    writers_.back()->append(record, made.augmentation, made.pixels);
    ++report_.rows;
  }

  std::string nothing_left() const {
    std::string message = options_.out.string() + ": no image could be used";
    if (!report_.skipped.empty()) message += ", the first fault: " + report_.skipped.front().message;
    return message;
  }

  void prove() {
    report_.repeated_files = check_identical_files(packed_, sha256_);
    const NearDuplicateReport near = check_near_duplicates(packed_, fingerprints_, config_.near_duplicates,
                                                           [this](std::size_t i) { return structure_of(i); });
    report_.table = count_samples(packed_);
    report_.training_pixels = training_statistics();
    report_.split_proof_json = proof(near).dump(2);
  }

  StructureMap structure_of(std::size_t i) const {
    const auto pixels = writers_.at(addresses_[i].shard)->read_pixels(addresses_[i].row);
    return structure_map({pixels.data(), config_.preprocess.size_px, config_.preprocess.size_px});
  }

  // Without training images there is nothing to normalise by: grey levels stay as they are.
  PixelStatistics training_statistics() const {
    if (training_pixels_ == 0) return {};
    const auto count = static_cast<double>(training_pixels_);
    const double mean = static_cast<double>(grey_sum_) / count;
    const double variance = static_cast<double>(grey_square_sum_) / count - mean * mean;
    return {mean, std::max(1e-3, std::sqrt(std::max(0.0, variance)))};
  }

  nlohmann::ordered_json proof(const NearDuplicateReport& near) const {
    std::map<Split, std::set<std::string>> subjects;
    Sha256 list;
    for (std::size_t i = 0; i < packed_.size(); ++i) {
      const SourceSample& s = packed_[i];
      const std::string person = std::string(s.source == Source::kSynthetic ? "synthetic/" : "real/") + s.subject;
      subjects[s.split].insert(person);
      list.update(std::string(to_string(s.source)) + "," + s.id + "," + std::string(to_string(s.split)) + "," +
                  s.subject + "," + to_hex(sha256_[i]) + "\n");
    }
    nlohmann::ordered_json counts;
    for (const auto& [split, sources] : report_.table) {
      for (const auto& [source, grades] : sources) {
        counts[std::string(to_string(split))][std::string(to_string(source))] = grades;
      }
    }
    nlohmann::ordered_json subject_counts;
    for (const auto& [split, people] : subjects) subject_counts[std::string(to_string(split))] = people.size();
    const bool searched = config_.near_duplicates.search == NearDuplicateSearch::kOn;
    return {{"samples", packed_.size()},
            {"counts_by_split_source_grade", counts},
            {"subjects_by_split", subject_counts},
            {"subjects_in_two_splits", 0},
            {"identical_files_in_two_splits", 0},
            {"identical_files_within_a_split", report_.repeated_files},
            {"near_duplicates",
             {{"searched", searched},
              {"most_hash_bits", config_.near_duplicates.most_hash_bits},
              {"least_correlation", config_.near_duplicates.least_correlation},
              {"candidate_pairs", near.candidate_pairs},
              {"largest_correlation_of_no_copy", near.largest_correlation},
              {"copies_in_two_splits", 0}}},
            {"negatives_righted", report_.negatives_righted},
            {"right_knees_mirrored", report_.mirrored},
            {"samples_sha256", to_hex(list.finish())}};
  }

  // From removing the old index to writing the new one the folder holds no set; it never holds a mixture.
  void publish(const std::vector<Sha256Digest>& hashes) {
    ShardIndex index;
    index.height_px = config_.preprocess.size_px;
    index.width_px = config_.preprocess.size_px;
    index.config_sha256_hex = config_hash(config_);
    for (std::size_t i = 0; i < writers_.size(); ++i) {
      index.shards.push_back({shard_file_name(i), writers_[i]->size(), to_hex(hashes[i])});
    }
    std::error_code ignored;
    fs::remove(options_.out / kShardIndexName, ignored);
    for (const auto& writer : writers_) writer->commit();
    for (std::size_t i = writers_.size(); fs::remove(options_.out / shard_file_name(i), ignored); ++i) {
    }
    const std::string text = to_json(index);
    write_file_atomically(options_.out / kShardIndexName, text);
    report_.shards = writers_.size();
    report_.index_sha256_hex = to_hex(sha256(text));
  }

  const ShardConfig& config_;
  const PackOptions& options_;
  std::vector<std::unique_ptr<ShardWriter>> writers_;
  std::vector<SourceSample> packed_;
  std::vector<Sha256Digest> sha256_;
  std::vector<ImageFingerprint> fingerprints_;
  std::vector<RowAddress> addresses_;
  std::uint64_t training_pixels_ = 0;
  std::uint64_t grey_sum_ = 0;
  std::uint64_t grey_square_sum_ = 0;
  PackReport report_;
};

void run_pipeline(const std::vector<SourceSample>& samples, const ShardConfig& config, std::size_t chunks_in_flight,
                  Sink& sink) {
  ProgressBar bar("shard", samples.size(), "images");
  std::size_t next = 0;
  // An exception that crosses the pipeline loses the chunks in flight (oneTBB does not destroy them), so a failure is
  // carried in its chunk, kept by the serial stage, and thrown when the pipeline has drained.
  std::exception_ptr failure;
  std::atomic<bool> failed{false};
  const auto take = [&](tbb::flow_control& control) -> std::size_t {
    if (failed || next >= samples.size()) {
      control.stop();
      return 0;
    }
    return std::exchange(next, next + kChunk);
  };
  const auto prepare = [&](std::size_t first) {
    auto chunk = std::make_shared<Chunk>();
    chunk->first = first;
    try {
      for (std::size_t i = first; i < std::min(first + kChunk, samples.size()); ++i) {
        chunk->prepared.push_back(prepare_sample(samples[i], config));
      }
    } catch (...) {
      chunk->failure = std::current_exception();
    }
    return chunk;
  };
  const auto store = [&](const std::shared_ptr<Chunk>& chunk) {
    if (failed) return;
    try {
      if (chunk->failure) std::rethrow_exception(chunk->failure);
      for (std::size_t i = 0; i < chunk->prepared.size(); ++i) {
        sink.add(samples[chunk->first + i], std::move(chunk->prepared[i]));
      }
    } catch (...) {
      failure = std::current_exception();
      failed = true;
    }
    bar.advance(chunk->prepared.size());
  };
  using Mode = tbb::filter_mode;
  tbb::parallel_pipeline(chunks_in_flight,
                         tbb::make_filter<void, std::size_t>(Mode::serial_in_order, take) &
                             tbb::make_filter<std::size_t, std::shared_ptr<Chunk>>(Mode::parallel, prepare) &
                             tbb::make_filter<std::shared_ptr<Chunk>, void>(Mode::serial_in_order, store));
  if (failure) std::rethrow_exception(failure);
}

// Removes the folder again if nothing came of it and it was not there before.
class OutputFolder {
 public:
  explicit OutputFolder(fs::path path) : path_(std::move(path)), is_new_(!fs::exists(path_)) {
    make_folders(path_);
    remove_stale_temporaries(path_);
  }
  ~OutputFolder() {
    std::error_code ignored;
    if (is_new_ && fs::is_empty(path_, ignored)) fs::remove(path_, ignored);
  }
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

 private:
  fs::path path_;
  bool is_new_;
};

}  // namespace

std::vector<SourceSample> choose_samples(std::vector<SourceSample> samples, const ShardConfig& config) {
  if (config.synthetic_held_out == HeldOutSynthetic::kDrop) {
    std::erase_if(samples, [](const SourceSample& sample) {
      return sample.source == Source::kSynthetic && sample.split != Split::kTrain;
    });
  }
  return samples;
}

PackReport pack_shards(const std::vector<SourceSample>& samples, const ShardConfig& config,
                       const PackOptions& options) {
  if (samples.empty()) throw DataError("no samples to pack; check the sources");
  check_splits(samples);
  const OutputFolder folder(options.out);
  cv::setNumThreads(1);  // the pipeline is parallel over images; OpenCV's own threads would only get in its way
  const int threads = options.threads > 0 ? options.threads : tbb::info::default_concurrency();
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(threads));
  tbb::task_arena arena(threads);
  return arena.execute([&] {
    Sink sink(config, options);
    run_pipeline(samples, config, 4 * static_cast<std::size_t>(threads), sink);
    return sink.finish();
  });
}

}  // namespace genu::pipeline
