#include "train/kernels/fused_ops.h"

#include <ATen/autocast_mode.h>

#include <cmath>

#include "train/kernels/depthwise_kernels.h"
#include "train/kernels/norm_sync.h"

namespace genu::train {

namespace {

using kernels::Bf16;
using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

bool kernels_apply(const Tensor& x) {
  return x.device().is_cpu() && x.dim() == 4 && x.numel() > 0 && x.size(1) % 8 == 0 &&
         (x.scalar_type() == torch::kFloat32 || x.scalar_type() == torch::kBFloat16);
}

Tensor channels_last(const Tensor& x) { return x.contiguous(at::MemoryFormat::ChannelsLast); }

kernels::Rows rows_of(const Tensor& x) { return {x.size(0) * x.size(2) * x.size(3), x.size(1)}; }

// Calls f with pointers of the tensor's element type.
template <class F>
void with_element(const Tensor& x, const F& f) {
  if (x.scalar_type() == torch::kBFloat16) {
    f(static_cast<Bf16*>(nullptr));
  } else {
    f(static_cast<float*>(nullptr));
  }
}

template <class T>
T* pointer(const Tensor& x) {
  return static_cast<T*>(x.data_ptr());
}

Tensor float_tensor(const std::vector<float>& values) { return torch::tensor(values, torch::kFloat32); }

Tensor apply_norm(const Tensor& x, const Tensor& scale, const Tensor& shift, Activation activation) {
  Tensor y = torch::empty_like(x);
  with_element(x, [&]<class T>(T*) {
    kernels::scale_shift_act(pointer<T>(x), pointer<T>(y), rows_of(x), pointer<float>(scale), pointer<float>(shift),
                             activation);
  });
  return y;
}

struct BatchNormAct : torch::autograd::Function<BatchNormAct> {
  // Returns y, the batch's mean and its variance (divided by the count).
  static tensor_list forward(AutogradContext* context, const Tensor& given, const Tensor& gamma, const Tensor& beta,
                             double epsilon, std::int64_t activation) {
    const Tensor x = channels_last(given);
    kernels::Moments moments;
    with_element(x, [&]<class T>(T*) { moments = kernels::moments(pointer<T>(x), rows_of(x)); });
    const Tensor mean = float_tensor(moments.mean);
    const Tensor variance = float_tensor(moments.variance);
    const Tensor inverse_sd = (variance + epsilon).rsqrt();
    const Tensor scale = (gamma * inverse_sd).contiguous();
    const Tensor shift = (beta - mean * scale).contiguous();
    context->save_for_backward({x, scale, shift, mean, inverse_sd});
    context->saved_data["activation"] = activation;
    context->mark_non_differentiable({mean, variance});
    return {apply_norm(x, scale, shift, static_cast<Activation>(activation)), mean, variance};
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor& x = saved[0];
    const Tensor dy = channels_last(gradients[0].to(x.scalar_type()));
    const kernels::NormForward forward{.scale = pointer<float>(saved[1]),
                                       .shift = pointer<float>(saved[2]),
                                       .mean = pointer<float>(saved[3]),
                                       .inverse_sd = pointer<float>(saved[4])};
    const auto activation = static_cast<Activation>(context->saved_data["activation"].toInt());
    Tensor dx = torch::empty_like(x);
    kernels::NormGradients sums;
    with_element(x, [&]<class T>(T*) {
      sums = kernels::norm_act_backward(pointer<T>(x), pointer<T>(dy), pointer<T>(dx), rows_of(x), forward, activation);
    });
    return {dx, float_tensor(sums.gamma), float_tensor(sums.beta), Tensor(), Tensor()};
  }
};

struct DepthwiseConv : torch::autograd::Function<DepthwiseConv> {
  static Tensor forward(AutogradContext* context, const Tensor& given, const Tensor& weight, std::int64_t stride) {
    const Tensor x = channels_last(given);
    context->save_for_backward({x, weight});
    context->saved_data["stride"] = stride;
    return channels_last(torch::conv2d(x, weight.to(x.scalar_type()), {}, stride, 1, 1, x.size(1)));
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor& x = saved[0];
    const Tensor& weight = saved[1];
    const Tensor dy = channels_last(gradients[0].to(x.scalar_type()));
    const kernels::DepthwiseShape shape{.n = x.size(0),
                                        .height = x.size(2),
                                        .width = x.size(3),
                                        .channels = x.size(1),
                                        .stride = context->saved_data["stride"].toInt()};
    Tensor dx, dweight;
    if (context->needs_input_grad(0)) {
      dx = torch::empty_like(x);
      const Tensor kernel = weight.to(torch::kFloat32).reshape({shape.channels, 9}).t().contiguous();
      with_element(x, [&]<class T>(T*) {
        kernels::depthwise_input_gradient(pointer<T>(dy), pointer<float>(kernel), pointer<T>(dx), shape);
      });
    }
    if (context->needs_input_grad(1)) {
      const Tensor sums = torch::empty({9, shape.channels});
      with_element(x, [&]<class T>(T*) {
        kernels::depthwise_weight_gradient(pointer<T>(x), pointer<T>(dy), pointer<float>(sums), shape);
      });
      dweight = sums.t().reshape({shape.channels, 1, 3, 3}).to(weight.scalar_type());
    }
    return {dx, dweight, Tensor()};
  }
};

Tensor activate(Tensor y, Activation activation) {
  switch (activation) {
    case Activation::kRelu:
      return torch::relu_(y);
    case Activation::kRelu6:
      return torch::relu6_(y);
    case Activation::kSilu:
      return torch::silu(y);
    case Activation::kNone:
      break;
  }
  return y;
}

// Momentum 0.1 and unbiased variance, as nn.BatchNorm2d.
void update_running(torch::nn::BatchNorm2dImpl& norm, const Tensor& mean, const Tensor& variance, std::int64_t rows) {
  const torch::NoGradGuard no_grad;
  const double momentum = norm.options.momentum().value();
  const double unbiased = static_cast<double>(rows) / static_cast<double>(std::max<std::int64_t>(1, rows - 1));
  norm.running_mean.mul_(1.0 - momentum).add_(mean, momentum);
  norm.running_var.mul_(1.0 - momentum).add_(variance, momentum * unbiased);
  norm.num_batches_tracked.add_(1);
}

bool depthwise_kernel_applies(const torch::nn::Conv2dImpl& conv) {
  const auto& options = conv.options;
  const auto* padding = std::get_if<torch::ExpandingArray<2>>(&options.padding());
  const std::int64_t stride = options.stride()->at(0);
  return options.groups() == options.in_channels() && options.in_channels() == options.out_channels() &&
         options.kernel_size()->at(0) == 3 && options.kernel_size()->at(1) == 3 && padding != nullptr &&
         (*padding)->at(0) == 1 && options.dilation()->at(0) == 1 && (stride == 1 || stride == 2) && !options.bias();
}

}  // namespace

Tensor norm_act(torch::nn::BatchNorm2dImpl& norm, const Tensor& x, Activation activation) {
  if (activation == Activation::kSilu) return torch::silu(norm_act(norm, x, Activation::kNone));
  const double epsilon = norm.options.eps();
  if (const TensorSum* sum = active_norm_sync(); sum != nullptr && norm.is_training()) {
    return activate(synchronised_norm(norm, x, *sum), activation);
  }
  if (kernels_apply(x) && norm.is_training() && norm.options.momentum().has_value() && rows_of(x).rows > 1) {
    const tensor_list out =
        BatchNormAct::apply(x, norm.weight, norm.bias, epsilon, static_cast<std::int64_t>(activation));
    update_running(norm, out[1], out[2], rows_of(x).rows);
    return out[0];
  }
  if (kernels_apply(x) && !norm.is_training() && !torch::GradMode::is_enabled()) {
    const Tensor scale = (norm.weight * (norm.running_var + epsilon).rsqrt()).contiguous();
    return apply_norm(channels_last(x), scale, (norm.bias - norm.running_mean * scale).contiguous(), activation);
  }
  return activate(norm.forward(x), activation);
}

Tensor depthwise_conv(torch::nn::Conv2dImpl& conv, const Tensor& x) {
  if (!depthwise_kernel_applies(conv)) return conv.forward(x);
  const bool autocast = at::autocast::is_autocast_enabled(at::kCPU);
  const Tensor input = autocast && x.device().is_cpu() ? x.to(torch::kBFloat16) : x;
  if (!kernels_apply(input) || !torch::GradMode::is_enabled()) return conv.forward(x);
  return DepthwiseConv::apply(input, conv.weight, conv.options.stride()->at(0));
}

}  // namespace genu::train
