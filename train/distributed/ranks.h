// The processes of one job, each with a part of every batch: they meet at a store and add up tensors over c10d (Gloo on
// the CPU, NCCL on GPUs).
#pragma once

#include <torch/torch.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "train/distributed/launch.h"

namespace genu::train {

struct RanksOptions {
  // How long a rank waits for another one before it takes it for lost: longer than the slowest epoch's end, at which
  // rank 0 writes a checkpoint.
  std::chrono::seconds timeout{600};
  torch::Device device = torch::kCPU;  // where the tensors lie that are added up
};

// Every member but the plain ones is called by all ranks, in the same order. Each throws IoError, one line that says
// which rank stopped and why as far as that can be known, if another rank fails, ends or does not answer in time. One
// caller at a time.
class Ranks {
 public:
  // Waits for all ranks of the job. Throws IoError if they do not come, UsageError if this LibTorch lacks c10d.
  static std::unique_ptr<Ranks> join(const Launch& launch, const RanksOptions& options);
  ~Ranks();
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;

  int rank() const { return launch_.rank; }
  int local_rank() const { return launch_.local_rank; }
  int size() const { return launch_.world_size; }
  bool leads() const { return launch_.leads(); }

  // Each tensor becomes the sum over all ranks, the same bits on each. Floating or integer, contiguous in any layout.
  // Small ones travel together, in buckets of up to 25 MB.
  void add_up(const std::vector<torch::Tensor>& tensors);
  void add_up(torch::Tensor& tensor);
  std::vector<double> add_up(const std::vector<double>& values);
  // Whether it is so on any rank.
  bool any(bool here);
  // Each tensor becomes rank 0's.
  void copy_from_leader(const std::vector<torch::Tensor>& tensors);
  void wait_for_all() { any(false); }
  // Throws UsageError on every rank unless all pass the same text: what they are about to do.
  void require_agreement(const std::string& text);

  // Tells the others why this rank stops, so that they can say it; nothing is added up afterwards. Called by this rank
  // alone; never throws.
  void report_fault(const std::string& line) noexcept;

 private:
  struct Group;
  Ranks(const Launch& launch, const RanksOptions& options);
  template <class Work>
  void work(const Work& start);
  [[noreturn]] void say_what_was_lost(const std::string& complaint);

  Launch launch_;
  RanksOptions options_;
  std::unique_ptr<Group> group_;
};

// What `work` gives. What it throws is told to the other ranks, if there are any.
template <class Work>
auto told(Ranks* ranks, const Work& work) {
  try {
    return work();
  } catch (const std::exception& error) {
    if (ranks != nullptr) ranks->report_fault(error.what());
    throw;
  }
}

}  // namespace genu::train
