#include "train/distributed/ranks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#ifdef USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#endif
#ifdef USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

#include "core/errors.h"
#include "core/hash.h"

namespace genu::train {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kBucketBytes = std::size_t{25} << 20;
constexpr auto kPatience = std::chrono::milliseconds(2000);  // for the last words of a rank that is gone
constexpr const char* kFault = "fault";

// The first sentence of what c10d or Gloo says, without the place in its source.
std::string complaint_of(const std::exception& error) {
  std::string text = error.what();
  text = text.substr(0, text.find_first_of("\r\n"));
  if (text.starts_with('[')) text.erase(0, text.find("] ") == std::string::npos ? 0 : text.find("] ") + 2);
  return text.substr(0, text.find(". "));
}

std::string alive_key(int rank) { return fmt::format("alive/{}", rank); }
std::string heard_key(int rank) { return fmt::format("heard/{}", rank); }

void sign(c10d::Store& store, const std::string& key) { store.set(key, std::vector<std::uint8_t>{1}); }

// Ranks that do not sign the store in time: `key_of(rank)` is a signature.
template <class KeyOf>
std::vector<int> missing(c10d::Store& store, int size, const KeyOf& key_of) {
  std::vector<int> out;
  const auto end = Clock::now() + kPatience;
  for (int rank = 0; rank < size; ++rank) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    try {
      store.wait({key_of(rank)}, std::max(left, std::chrono::milliseconds(10)));
    } catch (const std::exception&) {
      out.push_back(rank);
    }
  }
  return out;
}

c10::intrusive_ptr<c10d::Store> meet(const Launch& launch, std::chrono::milliseconds timeout) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<std::uint16_t>(launch.master_port);
  options.isServer = launch.leads() && launch.store == Launch::Store::kServedByRankZero;
  options.numWorkers = static_cast<std::size_t>(launch.world_size);
  options.waitWorkers = launch.store == Launch::Store::kServedByRankZero;
  options.timeout = timeout;
  const auto store = c10::make_intrusive<c10d::TCPStore>(launch.master_host, options);
  // A restart of torchrun does not meet what the ranks before it left.
  return c10::make_intrusive<c10d::PrefixStore>(fmt::format("genu/{}", launch.restarts), store);
}

#ifdef USE_C10D_GLOO
std::shared_ptr<gloo::transport::Device> network_device(const Launch& launch) {
  if (const char* name = std::getenv("GLOO_SOCKET_IFNAME")) {
    return c10d::ProcessGroupGloo::createDeviceForInterface(name, /*lazyInit=*/false);
  }
  if (launch.local_size == launch.world_size || launch.master_host == "127.0.0.1" ||
      launch.master_host == "localhost") {
    return c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1", /*lazyInit=*/false);
  }
  return c10d::ProcessGroupGloo::createDefaultDevice(/*lazyInit=*/false);
}
#endif

c10::intrusive_ptr<c10d::Backend> make_backend(const Launch& launch, const RanksOptions& options,
                                               const c10::intrusive_ptr<c10d::Store>& store) {
  if (options.device.is_cuda()) {
#ifdef USE_C10D_NCCL
    auto settings = c10d::ProcessGroupNCCL::Options::create();
    settings->timeout = options.timeout;
    return c10::make_intrusive<c10d::ProcessGroupNCCL>(store, launch.rank, launch.world_size, settings);
#else
    throw UsageError("this LibTorch has no NCCL; train on one GPU, or with --set device=cpu");
#endif
  }
#ifdef USE_C10D_GLOO
  auto settings = c10d::ProcessGroupGloo::Options::create_default(options.timeout);
  settings->devices.push_back(network_device(launch));
  return c10::make_intrusive<c10d::ProcessGroupGloo>(store, launch.rank, launch.world_size, settings);
#else
  throw UsageError("this LibTorch has no Gloo; train in one process");
#endif
}

// Positions of tensors that travel together: of one type, up to kBucketBytes.
std::vector<std::vector<std::size_t>> buckets_of(const std::vector<torch::Tensor>& tensors) {
  struct Open {
    std::size_t bucket = 0;
    std::size_t bytes = 0;
  };
  std::vector<std::vector<std::size_t>> buckets;
  std::map<torch::ScalarType, Open> open;  // the one being filled of each type
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    auto found = open.find(tensors[i].scalar_type());
    if (found == open.end() || found->second.bytes + tensors[i].nbytes() > kBucketBytes) {
      found = open.insert_or_assign(tensors[i].scalar_type(), Open{buckets.size(), 0}).first;
      buckets.emplace_back();
    }
    buckets[found->second.bucket].push_back(i);
    found->second.bytes += tensors[i].nbytes();
  }
  return buckets;
}

torch::Tensor flatten(const std::vector<torch::Tensor>& tensors, const std::vector<std::size_t>& bucket) {
  std::vector<torch::Tensor> flat;
  for (const std::size_t i : bucket) flat.push_back(tensors[i].detach().reshape({-1}));
  return torch::cat(flat);
}

void unflatten(const torch::Tensor& flat, const std::vector<torch::Tensor>& tensors,
               const std::vector<std::size_t>& bucket) {
  std::int64_t begin = 0;
  for (const std::size_t i : bucket) {
    const torch::Tensor target = tensors[i].detach();
    target.copy_(flat.narrow(0, begin, target.numel()).reshape(target.sizes()));
    begin += target.numel();
  }
}

}  // namespace

struct Ranks::Group {
  c10::intrusive_ptr<c10d::Store> store;
  c10::intrusive_ptr<c10d::Backend> backend;
};

Ranks::Ranks(const Launch& launch, const RanksOptions& options)
    : launch_(launch), options_(options), group_(std::make_unique<Group>()) {}

Ranks::~Ranks() = default;

std::unique_ptr<Ranks> Ranks::join(const Launch& launch, const RanksOptions& options) {
  std::unique_ptr<Ranks> ranks(new Ranks(launch, options));
  try {
    ranks->group_->store = meet(launch, options.timeout);
    ranks->group_->backend = make_backend(launch, options, ranks->group_->store);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    throw IoError(
        fmt::format("rank {} cannot meet the other {} of its job at {}:{} ({}); check that all were started and "
                    "that the port is free, or set MASTER_ADDR and MASTER_PORT",
                    launch.rank, launch.world_size - 1, launch.master_host, launch.master_port, complaint_of(error)));
  }
  return ranks;
}

// Starts something that all ranks do and waits for it.
template <class Work>
void Ranks::work(const Work& start) {
  try {
    for (const auto& pending : start()) pending->wait();
  } catch (const std::exception& error) {
    say_what_was_lost(complaint_of(error));
  }
}

void Ranks::say_what_was_lost(const std::string& complaint) {
  std::string fault;
  std::vector<int> silent;
  try {
    // The connections of a rank that is gone close, so that every other one comes by here.
    sign(*group_->store, alive_key(rank()));
    silent = missing(*group_->store, size(), alive_key);
    if (group_->store->check({kFault})) fault = group_->store->get_to_str(kFault);
    sign(*group_->store, heard_key(rank()));
  } catch (const std::exception&) {
    silent = {0};  // the store went with it
  }
  const std::string remedy = "the last checkpoint is whole: start all ranks again with --resume";
  if (!fault.empty()) throw IoError(fmt::format("{}; {}", fault, remedy));
  if (!silent.empty()) {
    throw IoError(fmt::format("rank {} of {} is lost ({}); {}", fmt::join(silent, ", "), size(), complaint, remedy));
  }
  throw IoError(fmt::format("a rank of {} is lost ({}); {}", size(), complaint, remedy));
}

void Ranks::report_fault(const std::string& line) noexcept {
  try {
    const std::string text = fmt::format("rank {} of {} stopped: {}", rank(), size(), line);
    c10d::Store& store = *group_->store;
    store.set(kFault, std::vector<std::uint8_t>(text.begin(), text.end()));
    sign(store, alive_key(rank()));
    sign(store, heard_key(rank()));
    group_->backend.reset();  // wakes those that wait for this rank
    // The store goes with the process that serves it.
    if (leads() && launch_.store == Launch::Store::kServedByRankZero) missing(store, size(), heard_key);
  } catch (...) {
    // The store is gone, and with it whom to tell.
  }
}

void Ranks::add_up(const std::vector<torch::Tensor>& tensors) {
  const torch::NoGradGuard no_grad;
  const auto buckets = buckets_of(tensors);
  std::vector<std::vector<torch::Tensor>> flat;
  for (const auto& bucket : buckets) flat.push_back({flatten(tensors, bucket).to(options_.device)});
  work([&] {
    std::vector<c10::intrusive_ptr<c10d::Work>> pending;
    for (auto& one : flat) pending.push_back(group_->backend->allreduce(one));
    return pending;
  });
  for (std::size_t k = 0; k < buckets.size(); ++k) unflatten(flat[k].front(), tensors, buckets[k]);
}

void Ranks::add_up(torch::Tensor& tensor) { add_up(std::vector<torch::Tensor>{tensor}); }

std::vector<double> Ranks::add_up(const std::vector<double>& values) {
  torch::Tensor sums = torch::tensor(values, torch::kFloat64).to(options_.device);
  add_up(sums);
  const torch::Tensor back = sums.cpu();
  return {back.const_data_ptr<double>(), back.const_data_ptr<double>() + back.numel()};
}

void Ranks::require_agreement(const std::string& text) {
  const Sha256Digest own = sha256(text);
  const torch::Tensor here = torch::tensor(std::vector<std::int64_t>(own.begin(), own.end())).to(options_.device);
  const torch::Tensor leaders = here.clone();
  copy_from_leader({leaders});
  if (any(!here.equal(leaders))) {
    throw UsageError("the ranks were started with different configs, shards or --resume; give each the same command");
  }
}

bool Ranks::any(bool here) { return add_up(std::vector<double>{here ? 1.0 : 0.0}).front() > 0; }

void Ranks::copy_from_leader(const std::vector<torch::Tensor>& tensors) {
  const torch::NoGradGuard no_grad;
  for (const auto& bucket : buckets_of(tensors)) {
    std::vector<torch::Tensor> flat = {flatten(tensors, bucket).to(options_.device)};
    work([&] { return std::vector{group_->backend->broadcast(flat)}; });
    unflatten(flat.front(), tensors, bucket);
  }
}

}  // namespace genu::train
