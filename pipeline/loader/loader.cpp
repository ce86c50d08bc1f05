#include "pipeline/loader/loader.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "core/errors.h"

namespace genu::pipeline {

namespace {

std::vector<Sampler::Label> labels_of(const ShardSet& shards, const std::vector<std::size_t>& samples) {
  std::vector<Sampler::Label> labels;
  labels.reserve(samples.size());
  for (const std::size_t i : samples) labels.push_back({shards.record(i).kl, shards.record(i).source});
  return labels;
}

}  // namespace

void LoaderConfig::list_fields(FieldList& fields) {
  fields.add("batch_size", batch_size, Range{1, 65536}, "samples a batch");
  fields.add("size_px", size_px, Range{0, 4096},
             "width of the network's input, and its height before rows are cut out; 0 = as stored");
  fields.section("rows", rows, "the part of the height that is shown");
  fields.add("channels", channels, Range{1, 3}, "1, or 3 equal ones");
  fields.choice("normalisation", normalisation, normalisation_words(), "how grey levels are scaled");
  fields.section("augment", augment, "augmentation on the fly; all zero = none");
  fields.choice("order", order, {{"shuffled", Order::kShuffled}, {"stored", Order::kStored}},
                "shuffled anew each epoch, or as stored");
  fields.choice("sampling", sampling,
                {{"as_is", SamplingPolicy::kAsIs},
                 {"class_balanced", SamplingPolicy::kClassBalanced},
                 {"square_root", SamplingPolicy::kSquareRoot},
                 {"effective_number", SamplingPolicy::kEffectiveNumber}},
                "how often each grade is shown");
  fields.add("effective_number_beta", effective_number_beta, Range{0.0, 0.999999},
             "beta of sampling: effective_number");
  fields.section("mix", mix, "share of each source in an epoch; all zero = as they come");
  fields.add("rank", rank, Range{0, 65535}, "which of the processes that step together this is");
  fields.add("world_size", world_size, Range{1, 65536}, "how many processes step together");
  fields.add("drop_last", drop_last, "leave out a last batch that is not full");
  fields.add("seed", seed, Range<std::uint64_t>{}, "seed of order and augmentation");
  fields.add("threads", threads, Range{0, 1024}, "loader threads, 0 = one a processor; changes speed only");
  fields.add("prefetch", prefetch, Range{1, 1024}, "batches made ahead; changes speed only");
}

Loader::Loader(std::shared_ptr<const ShardSet> shards, std::vector<std::size_t> samples, LoaderConfig config)
    : shards_(std::move(shards)),
      config_(std::move(config)),
      sampler_(samples, labels_of(*shards_, samples),
               {config_.order, config_.sampling, config_.mix, config_.effective_number_beta, config_.seed}) {
  if (!(config_.rank >= 0 && config_.rank < config_.world_size)) {
    throw ConfigError("rank must be 0 .. world_size - 1");
  }
  if (config_.channels != 1 && config_.channels != 3) throw ConfigError("channels must be 1 or 3");
  if (config_.batch_size < 1) throw ConfigError("batch_size must be at least 1");
  if (batches_per_epoch() == 0) {
    throw ConfigError(
        "an epoch has no full batch: batch_size is larger than the number of samples and drop_last is on");
  }
}

std::size_t Loader::batches_per_epoch() const {
  const std::size_t step = static_cast<std::size_t>(config_.batch_size) * static_cast<std::size_t>(config_.world_size);
  return config_.drop_last ? size() / step : (size() + step - 1) / step;
}

Loader::Positions Loader::positions_of(std::size_t batch) const {
  if (batch >= batches_per_epoch()) throw InternalError("Loader: no such batch in an epoch");
  const auto ranks = static_cast<std::size_t>(config_.world_size);
  const auto rank = static_cast<std::size_t>(config_.rank);
  const std::size_t step = static_cast<std::size_t>(config_.batch_size) * ranks;
  const std::size_t in_step = std::min(step, size() - batch * step);
  const std::size_t begin = rank * in_step / ranks;
  return {batch * step + begin, (rank + 1) * in_step / ranks - begin};
}

std::size_t Loader::count_of(std::size_t batch) const { return positions_of(batch).count; }

TensorShape Loader::shape() const {
  return tensor_shape(config_.tensor_format(), shards_->height_px(), shards_->width_px());
}

Batch Loader::load(std::uint64_t epoch, std::size_t batch) const {
  Batch out;
  load_into(epoch, batch, out);
  return out;
}

void Loader::load_into(std::uint64_t epoch, std::size_t batch, Batch& out) const {
  const std::size_t count = count_of(batch);
  const TensorShape each = shape();
  out.count = static_cast<int>(count);
  out.channels = each.channels;
  out.height_px = each.height_px;
  out.width_px = each.width_px;
  out.epoch = epoch;
  out.index = batch;
  out.pixels.resize(count * each.size());
  out.labels.resize(count);
  out.samples.resize(count);
  load_into(epoch, batch, BatchMemory{out.pixels, out.labels, out.samples});
}

std::size_t Loader::load_into(std::uint64_t epoch, std::size_t batch, const BatchMemory& out) const {
  const Positions positions = positions_of(batch);
  const std::size_t each = shape().size();
  if (out.pixels.size() < positions.count * each || out.labels.size() < positions.count ||
      out.samples.size() < positions.count) {
    throw InternalError("Loader: the memory given is smaller than the batch");
  }
  const auto order = sampler_.epoch_order(epoch);
  for (std::size_t row = 0; row < positions.count; ++row) {
    const std::size_t position = positions.first + row;
    const std::size_t sample = (*order)[position];
    out.samples[row] = sample;
    out.labels[row] = shards_->record(sample).kl.value();
    fill_sample(epoch, position, sample, out.pixels.subspan(row * each, each));
  }
  return positions.count;
}

void Loader::fill_sample(std::uint64_t epoch, std::size_t position, std::size_t sample, std::span<float> out) const {
  thread_local std::vector<std::uint8_t> scratch;
  const auto pixels = shards_->pixels(sample, scratch);
  AugmentParameters augmentation;
  if (config_.augment != AugmentConfig{}) {
    augmentation = draw_augmentation(config_.augment, config_.seed, epoch, position);
  }
  make_tensor({pixels.data(), shards_->height_px(), shards_->width_px()}, augmentation, config_.tensor_format(),
              shards_->training_pixels(), out);
}

EpochTable Loader::epoch_table(std::uint64_t epoch) const {
  EpochTable table;
  for (const std::size_t i : *sampler_.epoch_order(epoch)) {
    const SampleRecord& record = shards_->record(i);
    ++table[record.source].at(static_cast<std::size_t>(record.kl.value()));
  }
  return table;
}

// Tickets number the batches from the start of the stream. A worker takes the next ticket once it lies within
// `prefetch` of what was handed out, makes that batch and lays it down under its ticket.
struct Stream::State {
  struct Made {
    Batch batch;
    std::exception_ptr error;
  };

  std::shared_ptr<const Loader> loader;
  std::uint64_t first_epoch = 0;
  std::size_t first_batch = 0;
  std::uint64_t ahead = 1;

  std::mutex mutex;
  std::condition_variable room;   // workers wait for room
  std::condition_variable ready;  // the consumer waits for its ticket
  bool stopping = false;
  std::uint64_t next_to_make = 0;
  std::uint64_t next_to_hand_out = 0;
  std::map<std::uint64_t, Made> made;
  std::vector<Batch> spare;  // batches whose memory is used again
  std::vector<std::thread> workers;

  void work() {
    std::unique_lock lock(mutex);
    while (true) {
      room.wait(lock, [&] { return stopping || next_to_make < next_to_hand_out + ahead; });
      if (stopping) return;
      const std::uint64_t ticket = next_to_make++;
      Made item;
      if (!spare.empty()) {
        item.batch = std::move(spare.back());
        spare.pop_back();
      }
      lock.unlock();
      make(ticket, item);
      lock.lock();
      made.emplace(ticket, std::move(item));
      ready.notify_all();
    }
  }

  void make(std::uint64_t ticket, Made& item) const {
    const std::uint64_t batches = loader->batches_per_epoch();
    const std::uint64_t place = first_batch + ticket;
    try {
      loader->load_into(first_epoch + place / batches, static_cast<std::size_t>(place % batches), item.batch);
    } catch (...) {
      item.error = std::current_exception();
    }
  }
};

Stream::Stream(std::shared_ptr<const Loader> loader, std::uint64_t epoch, std::size_t first_batch)
    : state_(std::make_unique<State>()) {
  state_->loader = std::move(loader);
  state_->first_epoch = epoch;
  state_->first_batch = first_batch;
  const LoaderConfig& config = state_->loader->config();
  const unsigned processors = std::max(1u, std::thread::hardware_concurrency());
  const std::size_t threads = config.threads > 0 ? static_cast<std::size_t>(config.threads) : processors;
  state_->ahead = std::max<std::uint64_t>(static_cast<std::uint64_t>(config.prefetch), threads);
  for (std::size_t i = 0; i < threads; ++i) state_->workers.emplace_back([state = state_.get()] { state->work(); });
}

Stream::~Stream() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->room.notify_all();
  for (std::thread& worker : state_->workers) worker.join();
}

void Stream::next(Batch& batch) {
  std::unique_lock lock(state_->mutex);
  const std::uint64_t ticket = state_->next_to_hand_out;
  state_->ready.wait(lock, [&] { return state_->made.contains(ticket); });
  State::Made item = std::move(state_->made.extract(ticket).mapped());
  ++state_->next_to_hand_out;
  std::swap(batch, item.batch);
  state_->spare.push_back(std::move(item.batch));
  lock.unlock();
  state_->room.notify_one();
  if (item.error) std::rethrow_exception(item.error);
}

Batch Stream::next() {
  Batch batch;
  next(batch);
  return batch;
}

}  // namespace genu::pipeline
