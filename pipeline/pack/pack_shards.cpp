#include "pipeline/pack/pack_shards.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <tbb/global_control.h>
#include <tbb/info.h>
#include <tbb/parallel_for.h>
#include <tbb/parallel_pipeline.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <exception>
#include <memory>
#include <opencv2/core.hpp>
#include <system_error>
#include <utility>

#include "core/errors.h"
#include "core/files.h"
#include "core/log.h"
#include "core/progress.h"
#include "pipeline/pack/journal.h"
#include "pipeline/pack/prepare_sample.h"
#include "pipeline/pack/row_store.h"
#include "pipeline/pack/split_proof.h"
#include "pipeline/shard/croissant.h"
#include "pipeline/shard/quarantine.h"
#include "pipeline/shard/shard_format.h"
#include "pipeline/shard/shard_index.h"

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

fs::path work_folder(const fs::path& out) { return out / ".packing"; }
fs::path work_folder(const fs::path& out, const Part& part) {
  return out / fmt::format(".packing-{}-of-{}", part.number, part.count);
}

// Everything of an unfinished packing. An exception removes it; a kill cannot. Locked: two packings of one folder would
// undo each other.
class WorkFolder {
 public:
  explicit WorkFolder(fs::path path) : path_(std::move(path)) {
    make_folders(path_);
    lock_ = open_file(path_ / "lock", O_RDWR | O_CREAT);
    if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
      throw IoError(path_.string() + ": another `genu shard` is at work here; wait for it or choose another folder");
    }
  }
  ~WorkFolder() {
    std::error_code ignored;
    if (!kept_) fs::remove_all(path_, ignored);
  }
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  const fs::path& path() const { return path_; }
  fs::path journal() const { return path_ / "journal"; }
  void keep() { kept_ = true; }

 private:
  fs::path path_;
  Descriptor lock_;
  bool kept_ = false;
};

// From here on the folder holds no set, and nothing that describes one. The card goes first: a set without it is whole.
void withdraw_index(const fs::path& out) {
  std::error_code ignored;
  for (const char* name : {kCroissantName, kShardIndexName, kQuarantineName}) fs::remove(out / name, ignored);
}

RowFormat row_format(const ShardConfig& config) {
  return {config.preprocess.size_px, config.preprocess.size_px, config.storage};
}

std::vector<StoredRow> all_rows(std::span<const PackedSample> packed) {
  std::vector<StoredRow> rows;
  for (const PackedSample& sample : packed) rows.insert(rows.end(), sample.rows.begin(), sample.rows.end());
  return rows;
}

// A stretch of the samples on its way into files of rows: what has been stored, in order, and its journal.
class Packing {
 public:
  Packing(const std::vector<SourceSample>& samples, const ShardConfig& config, const PackOptions& options,
          const SampleRange& range, const fs::path& folder)
      : samples_(samples),
        config_(config),
        options_(options),
        range_(range),
        header_{job_hash(samples, config), range.first, range.size()},
        folder_(folder),
        rows_(folder_.path(), row_format(config), rows_per_shard(config)) {}

  // Before the first add(): begins anew, or behind what an interrupted run has left.
  void begin() {
    packed_.reserve(range_.size());
    if (options_.resume == Resume::kGoOn && take_over()) return;
    if (options_.resume == Resume::kAnew && fs::exists(folder_.journal())) {
      log_info(options_.out.string() + ": an unfinished packing is thrown away; --resume would have gone on with it");
    }
    rows_.take_over({});
    journal_ = std::make_unique<Journal>(folder_.journal(), header_);
  }

  std::size_t next() const { return range_.first + packed_.size(); }
  std::size_t end() const { return range_.end; }
  const std::vector<PackedSample>& packed() const { return packed_; }
  const RowStore& rows() const { return rows_; }
  const JournalHeader& header() const { return header_; }
  WorkFolder& folder() { return folder_; }

  // Stores the rows of the next samples, then notes them.
  void add(std::vector<PreparedSample>& prepared) {
    const std::size_t first = packed_.size();
    for (PreparedSample& sample : prepared) {
      for (const EncodedRow& row : sample.rows) {
        rows_.append(row);
        sample.facts.rows.push_back({row.pixel_crc32c, static_cast<std::uint32_t>(row.bytes.size())});
      }
      // Policy kStop throws here; under kSkip the report is drawn from the journal at the end.
      std::vector<SkippedInput> listed_later;
      if (!sample.facts.fault.empty()) report_fault(options_.policy, sample.facts.fault, listed_later);
      packed_.push_back(std::move(sample.facts));
    }
    journal_->append(std::span(packed_).subspan(first));
  }

  PackReport report() const {
    PackReport report;
    report.rows = rows_.size();
    report.resumed_samples = resumed_;
    for (std::size_t i = 0; i < packed_.size(); ++i) {
      const PackedSample& sample = packed_[i];
      if (sample.was_coloured && sample.fault.empty()) report.coloured.push_back(samples_[range_.first + i].path);
      report.negatives_righted += sample.was_negative ? 1u : 0u;
      report.mirrored += sample.was_mirrored ? 1u : 0u;
      if (!sample.fault.empty()) report.skipped.push_back({sample.fault});
    }
    return report;
  }

 private:
  // What the journal says and the files still hold. False if there is nothing to go on with.
  bool take_over() {
    auto old = read_journal(folder_.journal());
    if (!old) return false;
    if (old->header != header_) {
      folder_.keep();
      throw DataError(options_.out.string() +
                      ": the unfinished packing there is of other samples or another config; give those again, or run "
                      "without --resume to begin anew");
    }
    const auto published = [&](std::size_t number) {
      withdraw_index(options_.out);  // its shards are about to be opened again
      return options_.out / shard_file_name(number);
    };
    const std::size_t intact_rows = rows_.count_intact(all_rows(old->samples), published);
    std::size_t kept = 0;
    std::size_t kept_rows = 0;
    for (; kept < old->samples.size(); ++kept) {
      const PackedSample& sample = old->samples[kept];
      if (kept_rows + sample.rows.size() > intact_rows) break;
      if (file_stamp(samples_[range_.first + kept].path) != sample.stamp) break;  // changed since
      if (!sample.fault.empty() && !is_still_so(samples_[range_.first + kept], sample.fault)) break;
      kept_rows += sample.rows.size();
    }
    packed_.assign(std::make_move_iterator(old->samples.begin()),
                   std::make_move_iterator(old->samples.begin() + static_cast<std::ptrdiff_t>(kept)));
    rows_.take_over(all_rows(packed_));
    journal_ = std::make_unique<Journal>(folder_.journal(), kept == 0 ? old->header_end : old->ends[kept - 1]);
    resumed_ = kept;
    return true;
  }

  // A file can become readable again without a change of its own. Policy kStop throws where it has not, and what the
  // interrupted run left stays.
  bool is_still_so(const SourceSample& sample, const std::string& fault) {
    const PreparedSample again = prepare_sample(sample, config_);
    if (again.facts.fault.empty()) return false;
    std::vector<SkippedInput> listed_later;
    if (options_.policy == FaultPolicy::kStop) folder_.keep();
    report_fault(options_.policy, again.facts.fault, listed_later);
    return again.facts.fault == fault;
  }

  const std::vector<SourceSample>& samples_;
  const ShardConfig& config_;
  const PackOptions& options_;
  SampleRange range_;
  JournalHeader header_;
  WorkFolder folder_;
  RowStore rows_;
  std::unique_ptr<Journal> journal_;
  std::vector<PackedSample> packed_;
  std::size_t resumed_ = 0;
};

void run_pipeline(const std::vector<SourceSample>& samples, const ShardConfig& config, std::size_t chunks_in_flight,
                  Packing& packing) {
  ProgressBar bar("shard", packing.end() - packing.next(), "images");
  std::size_t next = packing.next();
  const std::size_t end = packing.end();
  // An exception that crosses the pipeline loses the chunks in flight (oneTBB does not destroy them), so a failure is
  // carried in its chunk, kept by the serial stage, and thrown when the pipeline has drained.
  std::exception_ptr failure;
  std::atomic<bool> failed{false};
  const auto take = [&](tbb::flow_control& control) -> std::size_t {
    if (failed || next >= end) {
      control.stop();
      return 0;
    }
    return std::exchange(next, next + kChunk);
  };
  const auto prepare = [&](std::size_t first) {
    auto chunk = std::make_shared<Chunk>();
    chunk->first = first;
    try {
      for (std::size_t i = first; i < std::min(first + kChunk, end); ++i) {
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
      packing.add(chunk->prepared);
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

// Proves the split, completes every shard and gives them their names.
class Publisher {
 public:
  Publisher(const std::vector<SourceSample>& samples, const ShardConfig& config, const PackOptions& options,
            Packing& packing)
      : samples_(samples), config_(config), options_(options), packing_(packing), report_(packing.report()) {}

  PackReport run() {
    list_usable();
    prove();
    complete();
    publish();
    return std::move(report_);
  }

 private:
  struct RowOwner {
    std::size_t sample = 0;
    int variant = 0;
  };

  void list_usable() {
    const auto& packed = packing_.packed();
    for (std::size_t i = 0; i < packed.size(); ++i) {
      if (!packed[i].fault.empty()) continue;
      usable_.push_back(i);
      first_rows_.push_back(owners_.size());
      for (std::size_t k = 0; k < packed[i].rows.size(); ++k) owners_.push_back({i, static_cast<int>(k)});
    }
    if (!usable_.empty()) return;
    std::string message = options_.out.string() + ": no image could be used";
    if (!report_.skipped.empty()) message += ", the first fault: " + report_.skipped.front().message;
    throw DataError(message);
  }

  void prove() {
    std::vector<SourceSample> chosen;  // a copy only where something was left out
    std::vector<const PackedSample*> facts;
    const bool all = usable_.size() == samples_.size();
    for (const std::size_t i : usable_) {
      if (!all) chosen.push_back(samples_[i]);
      facts.push_back(&packing_.packed()[i]);
    }
    proven_ = prove_split(all ? std::span<const SourceSample>(samples_) : chosen, facts, config_,
                          [this](std::size_t i) { return structure_of(i); });
    report_.table = proven_.table;
    report_.training_pixels = proven_.training_pixels;
    report_.repeated_files = proven_.repeated_files;
    report_.split_proof_json = proven_.split_proof_json;
  }

  StructureMap structure_of(std::size_t i) const {
    const auto pixels = packing_.rows().read_pixels(first_rows_.at(i));
    if (!pixels) throw IoError(options_.out.string() + ": pixels just written read back differently; check the disk");
    return structure_map({pixels->data(), config_.preprocess.size_px, config_.preprocess.size_px});
  }

  ShardRows contents_of(std::size_t first_row, const RowFile& file) const {
    ShardRows contents;
    for (std::size_t row = 0; row < file.size(); ++row) {
      const RowOwner& owner = owners_.at(first_row + row);
      const SourceSample& s = samples_[owner.sample];
      contents.records.push_back({s.id, s.subject, s.side, s.source, s.split, s.kl, s.kl_read, owner.variant,
                                  packing_.packed()[owner.sample].sha256});
      contents.augmentations.push_back(baked_augmentation(s, config_, owner.variant));
      contents.pixel_crc32c.push_back(file.rows()[row].pixel_crc32c);
    }
    return contents;
  }

  void complete() {
    const auto& files = packing_.rows().files();
    completed_.resize(files.size());
    const SetFacts facts{report_.training_pixels, to_yaml(config_), to_yaml(config_.preprocess),
                         report_.split_proof_json};
    // Each completion holds a shard's labels in memory, and its pixels too where they are deflated.
    const int most_at_once = config_.storage == PixelStorage::kPlain ? 4 : 2;
    tbb::task_arena few(std::min(most_at_once, tbb::this_task_arena::max_concurrency()));
    few.execute([&] {
      tbb::parallel_for(std::size_t{0}, files.size(), [&](std::size_t i) {
        completed_[i] = complete_shard(files[i], contents_of(i * rows_per_shard(config_), files[i]), facts);
      });
    });
  }

  // From removing the old index to writing the new one the folder holds no set; it never holds a mixture.
  void publish() {
    ShardIndex index;
    index.height_px = config_.preprocess.size_px;
    index.width_px = config_.preprocess.size_px;
    index.config_sha256_hex = config_hash(config_);
    withdraw_index(options_.out);
    std::error_code error;
    for (std::size_t i = 0; i < completed_.size(); ++i) {
      fs::rename(completed_[i].file, options_.out / shard_file_name(i), error);
      if (error) {
        throw IoError((options_.out / shard_file_name(i)).string() + ": cannot rename into place: " + error.message());
      }
      index.shards.push_back({shard_file_name(i), packing_.rows().files()[i].size(), to_hex(completed_[i].sha256)});
    }
    for (std::size_t i = completed_.size(); fs::remove(options_.out / shard_file_name(i), error); ++i) {
    }
    const std::string text = to_json(index);
    report_.shards = completed_.size();
    report_.index_sha256_hex = to_hex(sha256(text));
    write_file_atomically(options_.out / kCroissantName, croissant_json(index, report_.index_sha256_hex));
    write_file_atomically(options_.out / kShardIndexName, text);
  }

  const std::vector<SourceSample>& samples_;
  const ShardConfig& config_;
  const PackOptions& options_;
  Packing& packing_;
  PackReport report_;
  std::vector<std::size_t> usable_;      // indices of samples that were not left out
  std::vector<std::size_t> first_rows_;  // row of variant 0 of each of them
  std::vector<RowOwner> owners_;         // one a row
  ProvenFacts proven_;
  std::vector<CompletedShard> completed_;
};

void keep_top_up(std::vector<SourceSample>& samples, const ShardConfig& config) {
  const auto target = static_cast<std::size_t>(config.synthetic_top_up);
  ClassCounts real{};
  std::array<std::vector<std::pair<Sha256Digest, std::size_t>>, kKlGradeCount> synthetic;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (samples[i].split != Split::kTrain) continue;
    const auto grade = static_cast<std::size_t>(samples[i].kl.value());
    if (samples[i].source == Source::kSynthetic) {
      synthetic.at(grade).emplace_back(sha256(fmt::format("{}/{}", config.seed, samples[i].id)), i);
    } else {
      ++real.at(grade);
    }
  }
  std::vector<std::uint8_t> dropped(samples.size());
  for (std::size_t grade = 0; grade < synthetic.size(); ++grade) {
    std::sort(synthetic[grade].begin(), synthetic[grade].end());
    for (std::size_t k = target - std::min(target, real[grade]); k < synthetic[grade].size(); ++k) {
      dropped[synthetic[grade][k].second] = 1;
    }
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (dropped[i] != 0) continue;
    if (kept != i) samples[kept] = std::move(samples[i]);
    ++kept;
  }
  samples.resize(kept);
}

int thread_count(const PackOptions& options) {
  return options.threads > 0 ? options.threads : tbb::info::default_concurrency();
}

// Runs `work` with as many threads as asked for.
template <class Work>
PackReport with_threads(const PackOptions& options, const Work& work) {
  cv::setNumThreads(1);  // the pipeline is parallel over images; OpenCV's own threads would only get in its way
  const int threads = thread_count(options);
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(threads));
  tbb::task_arena arena(threads);
  return arena.execute(work);
}

void require_samples(const std::vector<SourceSample>& samples) {
  if (samples.empty()) throw DataError("no samples to pack; check the sources");
  check_splits(samples);
}

void prepare_all(const std::vector<SourceSample>& samples, const ShardConfig& config, const PackOptions& options,
                 Packing& packing) {
  packing.begin();
  run_pipeline(samples, config, 4 * static_cast<std::size_t>(thread_count(options)), packing);
}

// Samples of one finished part, with their rows as they are stored.
class FinishedPart {
 public:
  FinishedPart(const fs::path& folder, const JournalHeader& expected, const ShardConfig& config)
      : rows_(folder, row_format(config), rows_per_shard(config)) {
    auto journal = read_journal(folder / "journal");
    if (!journal) throw DataError(folder.string() + ": no such part; run it before --merge");
    if (journal->header != expected) {
      throw DataError(folder.string() + ": a part of other samples or another config; run it again");
    }
    if (journal->samples.size() != expected.count) {
      throw DataError(fmt::format("{}: {} of {} samples are packed; run the part again with --resume", folder.string(),
                                  journal->samples.size(), expected.count));
    }
    samples_ = std::move(journal->samples);
    const auto rows = all_rows(samples_);
    const std::size_t intact = rows_.count_intact(rows, [](std::size_t) { return fs::path(); });
    if (intact != rows.size()) {
      throw DataError(fmt::format("{}: row {} is damaged; run the part again with --resume", folder.string(), intact));
    }
    rows_.take_over(rows);
  }

  void move_into(Packing& packing) {
    std::size_t row = 0;
    for (PackedSample& sample : samples_) {
      std::vector<PreparedSample> one(1);
      for (const StoredRow& stored : sample.rows) {
        one.front().rows.push_back({stored.pixel_crc32c, rows_.read_stored(row++)});
      }
      sample.rows.clear();
      one.front().facts = std::move(sample);
      packing.add(one);
    }
  }

 private:
  RowStore rows_;
  std::vector<PackedSample> samples_;
};

}  // namespace

std::vector<SourceSample> choose_samples(std::vector<SourceSample> samples, const ShardConfig& config) {
  if (config.synthetic_held_out == HeldOutSynthetic::kDrop) {
    std::erase_if(samples, [](const SourceSample& sample) {
      return sample.source == Source::kSynthetic && sample.split != Split::kTrain;
    });
  }
  if (config.synthetic_top_up > 0) keep_top_up(samples, config);
  return samples;
}

PackReport pack_shards(const std::vector<SourceSample>& samples, const ShardConfig& asked, const PackOptions& options) {
  require_samples(samples);
  const OutputFolder folder(options.out);
  return with_threads(options, [&] {
    const ShardConfig config = fit_config(samples, asked);
    Packing packing(samples, config, options, {0, samples.size()}, work_folder(options.out));
    prepare_all(samples, config, options, packing);
    return Publisher(samples, config, options, packing).run();
  });
}

PackReport pack_part(const std::vector<SourceSample>& samples, const ShardConfig& asked, const PackOptions& options,
                     const Part& part) {
  require_samples(samples);
  const OutputFolder folder(options.out);
  return with_threads(options, [&] {
    const ShardConfig config = fit_config(samples, asked);
    Packing packing(samples, config, options, range_of(part, samples.size()), work_folder(options.out, part));
    prepare_all(samples, config, options, packing);
    packing.folder().keep();
    return packing.report();
  });
}

PackReport merge_parts(const std::vector<SourceSample>& samples, const ShardConfig& asked, const PackOptions& options,
                       std::size_t part_count) {
  require_samples(samples);
  const OutputFolder folder(options.out);
  return with_threads(options, [&] {
    const ShardConfig config = fit_config(samples, asked);
    PackOptions anew = options;
    anew.resume = Resume::kAnew;  // joining is quick; the parts are what is worth keeping
    Packing packing(samples, config, anew, {0, samples.size()}, work_folder(options.out));
    packing.begin();
    for (std::size_t number = 1; number <= part_count; ++number) {
      const Part part{number, part_count};
      const SampleRange range = range_of(part, samples.size());
      FinishedPart(work_folder(options.out, part), {packing.header().job_hash, range.first, range.size()}, config)
          .move_into(packing);
    }
    PackReport report = Publisher(samples, config, anew, packing).run();
    std::error_code ignored;
    for (std::size_t number = 1; number <= part_count; ++number) {
      fs::remove_all(work_folder(options.out, {number, part_count}), ignored);
    }
    return report;
  });
}

}  // namespace genu::pipeline
