#include "train/models/vision_transformer.h"

#include <cmath>

#include "train/models/blocks.h"

namespace genu::train {

namespace {

constexpr double kNormEpsilon = 1e-6;
constexpr double kEmbeddingSd = 0.02;

torch::nn::LayerNorm make_norm(std::int64_t width) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({width}).eps(kNormEpsilon));
}

// Multi-head self-attention with the tensor names of torch.nn.MultiheadAttention.
class SelfAttention : public torch::nn::Module {
 public:
  SelfAttention(std::int64_t width, std::int64_t heads) : heads_(heads) {
    weight_ = register_parameter("in_proj_weight", torch::empty({3 * width, width}));
    bias_ = register_parameter("in_proj_bias", torch::zeros({3 * width}));
    out_ = register_module("out_proj", torch::nn::Linear(width, width));
    torch::nn::init::xavier_uniform_(weight_);
    torch::nn::init::zeros_(out_->bias);
  }
  // [n, tokens, width] -> the same shape.
  torch::Tensor forward(const torch::Tensor& x) {
    const std::int64_t n = x.size(0), tokens = x.size(1), width = x.size(2);
    const torch::Tensor all =
        torch::linear(x, weight_, bias_).view({n, tokens, 3, heads_, width / heads_}).permute({2, 0, 3, 1, 4});
    const torch::Tensor mixed = at::scaled_dot_product_attention(all[0], all[1], all[2]);
    return out_(mixed.transpose(1, 2).reshape({n, tokens, width}));
  }

 private:
  std::int64_t heads_;
  torch::Tensor weight_;
  torch::Tensor bias_;
  torch::nn::Linear out_{nullptr};
};

class EncoderLayer : public torch::nn::Module {
 public:
  explicit EncoderLayer(const VisionTransformerShape& shape) {
    norm1_ = register_module("ln_1", make_norm(shape.width));
    attention_ = register_module("self_attention", std::make_shared<SelfAttention>(shape.width, shape.heads));
    norm2_ = register_module("ln_2", make_norm(shape.width));
    const auto mlp = add_group(*this, "mlp");
    wide_ = mlp->register_module("0", torch::nn::Linear(shape.width, shape.mlp_width));
    narrow_ = mlp->register_module("3", torch::nn::Linear(shape.mlp_width, shape.width));
    for (const auto& linear : {wide_, narrow_}) {
      torch::nn::init::xavier_uniform_(linear->weight);
      torch::nn::init::normal_(linear->bias, 0, 1e-6);
    }
  }
  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor y = x + attention_->forward(norm1_(x));
    return y + narrow_(torch::gelu(wide_(norm2_(y))));
  }

 private:
  torch::nn::LayerNorm norm1_{nullptr}, norm2_{nullptr};
  std::shared_ptr<SelfAttention> attention_;
  torch::nn::Linear wide_{nullptr}, narrow_{nullptr};
};

}  // namespace

std::shared_ptr<GraderModel> make_vision_transformer(const VisionTransformerShape& shape, const ModelOptions& options) {
  InputSpec input = with_channels(kVitB16Input, options.channels);
  input.size_px = shape.size_px;
  auto model = std::make_shared<GraderModel>(input);
  const std::int64_t side = shape.size_px / shape.patch_px;
  const torch::Tensor class_token = model->register_parameter("class_token", torch::zeros({1, 1, shape.width}));
  const auto patches = model->register_module(
      "conv_proj",
      torch::nn::Conv2d(torch::nn::Conv2dOptions(input.channels, shape.width, shape.patch_px).stride(shape.patch_px)));
  const double fan_in = static_cast<double>(input.channels * shape.patch_px * shape.patch_px);
  torch::nn::init::normal_(patches->weight, 0, std::sqrt(1.0 / fan_in));
  torch::nn::init::zeros_(patches->bias);
  const auto encoder = add_group(*model, "encoder");
  const torch::Tensor positions =
      encoder->register_parameter("pos_embedding", torch::randn({1, side * side + 1, shape.width}) * kEmbeddingSd);
  const auto embed = [patches, class_token, positions](const torch::Tensor& x) {
    const torch::Tensor tokens = patches->forward(x).flatten(2).transpose(1, 2);
    const torch::Tensor first = class_token.expand({x.size(0), -1, -1}).to(tokens.scalar_type());
    return torch::cat({first, tokens}, 1) + positions;
  };
  model->add_block({"conv_proj", {patches}, embed, {class_token, positions}});
  const auto layers = add_group(*encoder, "layers");
  for (std::int64_t i = 0; i < shape.layers; ++i) {
    const std::string name = "encoder_layer_" + std::to_string(i);
    model->add_block(*layers, name, "encoder.layers." + name, std::make_shared<EncoderLayer>(shape));
  }
  const auto norm = encoder->register_module("ln", make_norm(shape.width));
  model->add_block({"encoder.ln", {norm}, [norm](const torch::Tensor& x) { return norm->forward(x); }});
  model->set_pool([](const torch::Tensor& tokens) { return tokens.select(1, 0); });
  model->add_head({.path = "heads.head",
                   .feature_count = shape.width,
                   .native_hidden = {},
                   .native_dropout = HeadPlan::NativeDropout::kNone,
                   .weight_sd = 0.0},
                  options);
  return model;
}

std::shared_ptr<GraderModel> make_vit_b16(const ModelOptions& options) { return make_vision_transformer({}, options); }

}  // namespace genu::train
