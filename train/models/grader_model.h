// What the trainer needs to know of a network that grades knees: its image, its feature blocks in order, its head. Each
// architecture is a function that builds one.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "train/models/input_spec.h"
#include "train/models/model_options.h"

namespace genu::train {

using TensorFunction = std::function<torch::Tensor(const torch::Tensor&)>;

// One step from the image to the head: what is frozen together, and between which activations can be stored.
struct FeatureBlock {
  std::string name;                                         // "layer1.0"
  std::vector<std::shared_ptr<torch::nn::Module>> modules;  // that hold its parameters, in the order they are applied
  TensorFunction forward;
  std::vector<torch::Tensor> loose_parameters = {};  // that belong to none of the modules
};

// The head of a network as published, and where its tensors go.
struct HeadPlan {
  std::string path;                         // of a single linear layer: "fc", "classifier.1"
  std::int64_t feature_count = 0;           // that the pooling gives
  std::vector<std::int64_t> native_hidden;  // widths of the published head's hidden layers
  enum class NativeDropout : std::uint8_t { kNone, kBeforeLast } native_dropout = NativeDropout::kNone;
  std::optional<double> weight_sd;  // linear layers start as N(0, sd) and 0; nothing = LibTorch's own start
};

class GraderModel : public torch::nn::Module {
 public:
  explicit GraderModel(const InputSpec& input) : torch::nn::Module("GraderModel"), input_(input) {}

  // pixels: float32 or bfloat16 [n, 1 or input().channels, h, w]; one channel stands for equal ones.
  // Returns logits [n, outputs]. The same as classify(pool(run_blocks(prepare(pixels), 0, all))).
  torch::Tensor forward(const torch::Tensor& pixels);
  // Pixels in the layout and with the channels that the first block takes.
  torch::Tensor prepare(const torch::Tensor& pixels) const;
  // Applies the blocks first .. end - 1.
  torch::Tensor run_blocks(torch::Tensor x, std::size_t first, std::size_t end) const;
  // What the last block gives -> features [n, feature count].
  torch::Tensor pool(const torch::Tensor& maps) const { return pool_(maps); }
  torch::Tensor classify(torch::Tensor features);

  const InputSpec& input() const { return input_; }
  // Prefix of the head's tensor names: "classifier.".
  const std::string& head_prefix() const { return head_prefix_; }
  // Together with the head they are the whole network.
  const std::vector<FeatureBlock>& feature_blocks() const { return blocks_; }

  // For the functions that build an architecture, in this order.
  void add_block(FeatureBlock block) { blocks_.push_back(std::move(block)); }
  // Registers `module` as `name` of `parent` and makes it the next block; the block's name is `block_name`.
  template <class M>
  void add_block(torch::nn::Module& parent, const std::string& name, const std::string& block_name,
                 std::shared_ptr<M> module);
  void set_pool(TensorFunction pool) { pool_ = std::move(pool); }
  void add_head(const HeadPlan& plan, const ModelOptions& options);

 private:
  InputSpec input_;
  std::vector<FeatureBlock> blocks_;
  TensorFunction pool_;
  std::string head_prefix_;
  std::vector<torch::nn::Linear> head_;
  double dropout_ = 0;
};

// A module that only holds others, registered as `name` of `parent`; dots in the name make one inside the other.
std::shared_ptr<torch::nn::Module> add_group(torch::nn::Module& parent, const std::string& name);

// Mean over the image of maps [n, c, h, w].
torch::Tensor average_pool(const torch::Tensor& maps);

// He et al.'s start for every convolution (normal, fan out), as torchvision's networks have it.
void initialise_convolutions(torch::nn::Module& module);

// ---- templates ----

template <class M>
void GraderModel::add_block(torch::nn::Module& parent, const std::string& name, const std::string& block_name,
                            std::shared_ptr<M> module) {
  parent.register_module(name, module);
  add_block({block_name, {module}, [module](const torch::Tensor& x) { return module->forward(x); }});
}

}  // namespace genu::train
