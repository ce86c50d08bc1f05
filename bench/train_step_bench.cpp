// One training step: forward, loss, backward and AdamW of one network on random pixels, so that nothing but the step is
// measured. bench/train_step.py measures the same in Python with the same LibTorch; run both one after the other.
//   train_step_bench MODEL [--batch N] [--size PX] [--threads N] [--steps N] [--precision fp32|bf16]
#include <fmt/format.h>
#include <torch/torch.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <vector>

#include "train/loop/grading.h"
#include "train/loop/optimiser.h"
#include "train/loop/tensor_runtime.h"
#include "train/losses/loss.h"
#include "train/models/layout.h"
#include "train/models/registry.h"

namespace {

using namespace genu::train;

struct Options {
  std::string model;
  int batch = 32;
  int size_px = 0;
  int threads = 2;
  int steps = 10;
  std::string precision = "fp32";
};

double time_step_ms(GraderModel& model, Optimiser& adam, const Loss& loss, const torch::Tensor& pixels,
                    const torch::Tensor& labels, Precision precision) {
  const auto start = std::chrono::steady_clock::now();
  torch::Tensor logits;
  {
    const PrecisionScope scope(precision);
    logits = model.forward(pixels);
  }
  const torch::Tensor value = loss(logits.to(torch::kFloat32), labels);
  adam.zero_grad();
  value.backward();
  adam.step(1e-3);
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

void run(const Options& options) {
  prepare_tensor_runtime(options.threads);
  torch::manual_seed(0);
  const auto model = make_model({.name = options.model});
  use_channels_last(*model);
  model->train();
  const int side = input_side_px({.name = options.model}, options.size_px);
  const torch::Tensor pixels = torch::randn({options.batch, 1, side, side});
  const torch::Tensor labels = torch::randint(0, 5, {options.batch});
  const OptimiserConfig config{.weight_decay = 0.02};
  Optimiser adam(parameter_groups(*model, config), config);
  const Loss loss = make_loss({.label_smoothing = 0.1}, 5);
  const Precision precision = options.precision == "bf16" ? Precision::kBf16 : Precision::kFp32;
  for (int i = 0; i < 2; ++i) time_step_ms(*model, adam, loss, pixels, labels, precision);
  std::vector<double> times_ms;
  for (int i = 0; i < options.steps; ++i) {
    times_ms.push_back(time_step_ms(*model, adam, loss, pixels, labels, precision));
  }
  std::sort(times_ms.begin(), times_ms.end());
  const double median_ms = times_ms[times_ms.size() / 2];
  fmt::print(
      "genu (LibTorch {}) {} batch {} {} px {} channels_last {} threads: median {:.1f} ms, best {:.1f} ms, "
      "{:.1f} img/s\n",
      TORCH_VERSION, options.model, options.batch, side, options.precision, options.threads, median_ms,
      times_ms.front(), options.batch / median_ms * 1e3);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Times one training step.");
  app.add_option("MODEL", options.model)->required();
  app.add_option("--batch", options.batch);
  app.add_option("--size", options.size_px);
  app.add_option("--threads", options.threads);
  app.add_option("--steps", options.steps);
  app.add_option("--precision", options.precision)->check(CLI::IsMember({"fp32", "bf16"}));
  CLI11_PARSE(app, argc, argv);
  run(options);
}
