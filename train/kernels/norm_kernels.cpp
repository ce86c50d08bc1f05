#include "train/kernels/norm_kernels.h"

#include <algorithm>

namespace genu::train::kernels {

namespace {

// Rows of one partial sum: enough to amortise it, few enough that a block stays in the cache from pass to pass.
constexpr std::int64_t kBlockRows = 256;

std::int64_t block_count(Rows size) { return (size.rows + kBlockRows - 1) / kBlockRows; }
std::int64_t block_end(std::int64_t block, Rows size) { return std::min((block + 1) * kBlockRows, size.rows); }

// Rows that are summed together: each sum is loaded and stored once for so many.
constexpr std::int64_t kGroupRows = 8;

// Adds a group of rows to two sums a channel: add(x, dy, first sum, second sum) for each element.
template <int kLanes, class T, class Add>
void sum_group(const T* x, const T* dy, std::int64_t rows, std::int64_t stride, const Add& add, float* first,
               float* second) {
  using L = Lanes<kLanes>;
  auto a = L::load(first);
  auto b = L::load(second);
  for (std::int64_t r = 0; r < rows; ++r) add(L::load(x + r * stride), L::load(dy + r * stride), a, b);
  L::store(a, first);
  L::store(b, second);
}

// Sums two quantities a channel over all rows: partial sums of each block in float, their sum in double, in order.
template <class T, class MakeAdd>
void sum_rows(const T* x, const T* dy, Rows size, const MakeAdd& make_add, std::vector<double>& first,
              std::vector<double>& second) {
  const std::int64_t blocks = block_count(size);
  std::vector<float> partial(static_cast<std::size_t>(2 * blocks * size.channels), 0.0F);
#pragma omp parallel for schedule(static)
  for (std::int64_t block = 0; block < blocks; ++block) {
    float* const sums = partial.data() + 2 * block * size.channels;
    const std::int64_t end = block_end(block, size);
    for (std::int64_t row = block * kBlockRows; row < end; row += kGroupRows) {
      for_each_run(size.channels, [&](auto lanes, std::int64_t c) {
        const std::int64_t offset = row * size.channels + c;
        sum_group<lanes.value>(x + offset, dy + offset, std::min(kGroupRows, end - row), size.channels,
                               make_add(lanes, c), sums + c, sums + size.channels + c);
      });
    }
  }
  first.assign(static_cast<std::size_t>(size.channels), 0.0);
  second.assign(static_cast<std::size_t>(size.channels), 0.0);
  for (std::int64_t block = 0; block < blocks; ++block) {
    const float* const sums = partial.data() + 2 * block * size.channels;
    for (std::int64_t c = 0; c < size.channels; ++c) {
      first[static_cast<std::size_t>(c)] += static_cast<double>(sums[c]);
      second[static_cast<std::size_t>(c)] += static_cast<double>(sums[size.channels + c]);
    }
  }
}

template <Activation kActivation, class L>
typename L::Float activate(typename L::Float z) {
  if constexpr (kActivation == Activation::kNone) return z;
  z = L::keep(z > 0.0F, z);
  if constexpr (kActivation == Activation::kRelu6) z = z > 6.0F ? L::zero() + 6.0F : z;
  return z;
}

// The gradient that passes back through the activation at z.
template <Activation kActivation, class L>
typename L::Float pass_back(typename L::Float z, typename L::Float dy) {
  if constexpr (kActivation == Activation::kNone) return dy;
  if constexpr (kActivation == Activation::kRelu) return L::keep(z > 0.0F, dy);
  return L::keep((z > 0.0F) & (z < 6.0F), dy);
}

// Calls f with the activation as a compile-time constant.
template <class F>
auto with_activation(Activation activation, const F& f) {
  using A = Activation;
  switch (activation) {
    case A::kRelu:
      return f(std::integral_constant<A, A::kRelu>{});
    case A::kRelu6:
      return f(std::integral_constant<A, A::kRelu6>{});
    case A::kSilu:  // applied behind this norm
    case A::kNone:
      break;
  }
  return f(std::integral_constant<A, A::kNone>{});
}

// Per-channel factors of dx = a * g + b * x + c.
struct Affine {
  std::vector<float> a, b, c;
};

template <Activation kActivation, class T>
void write_gradient(const T* x, const T* dy, T* dx, Rows size, const NormForward& forward, const Affine& affine) {
#pragma omp parallel for schedule(static)
  for (std::int64_t row = 0; row < size.rows; ++row) {
    for_each_run(size.channels, [&](auto lanes, std::int64_t channel) {
      using L = Lanes<lanes.value>;
      const std::int64_t i = row * size.channels + channel;
      const auto value = L::load(x + i);
      const auto z = value * L::load(forward.scale + channel) + L::load(forward.shift + channel);
      const auto g = pass_back<kActivation, L>(z, L::load(dy + i));
      L::store(L::load(affine.a.data() + channel) * g + L::load(affine.b.data() + channel) * value +
                   L::load(affine.c.data() + channel),
               dx + i);
    });
  }
}

template <Activation kActivation, class T>
NormGradients backward(const T* x, const T* dy, T* dx, Rows size, const NormForward& forward) {
  std::vector<double> sum_g, sum_gx;
  sum_rows(
      x, dy, size,
      [&](auto lanes, std::int64_t c) {
        using L = Lanes<lanes.value>;
        return [scale = L::load(forward.scale + c), shift = L::load(forward.shift + c),
                mean = L::load(forward.mean + c)](typename L::Float value, typename L::Float gradient,
                                                  typename L::Float& first, typename L::Float& second) {
          const auto g = pass_back<kActivation, L>(value * scale + shift, gradient);
          first += g;
          second += g * (value - mean);
        };
      },
      sum_g, sum_gx);
  NormGradients gradients;
  Affine affine;
  const double rows = static_cast<double>(size.rows);
  for (std::size_t k = 0; k < sum_g.size(); ++k) {
    const double inverse_sd = static_cast<double>(forward.inverse_sd[k]);
    const double a = static_cast<double>(forward.scale[k]);
    const double b = -a * inverse_sd * inverse_sd * sum_gx[k] / rows;
    gradients.gamma.push_back(static_cast<float>(sum_gx[k] * inverse_sd));
    gradients.beta.push_back(static_cast<float>(sum_g[k]));
    affine.a.push_back(static_cast<float>(a));
    affine.b.push_back(static_cast<float>(b));
    affine.c.push_back(static_cast<float>(-a * sum_g[k] / rows - b * static_cast<double>(forward.mean[k])));
  }
  write_gradient<kActivation>(x, dy, dx, size, forward, affine);
  return gradients;
}

}  // namespace

template <class T>
Moments moments(const T* x, Rows size) {
  // Differences from the first row: the variance of a channel far from 0 keeps its digits.
  std::vector<float> origin(static_cast<std::size_t>(size.channels));
  for_each_run(size.channels, [&](auto lanes, std::int64_t c) {
    using L = Lanes<lanes.value>;
    L::store(L::load(x + c), origin.data() + c);
  });
  std::vector<double> sum, sum_of_squares;
  sum_rows(
      x, x, size,
      [&](auto lanes, std::int64_t c) {
        using L = Lanes<lanes.value>;
        return [start = L::load(origin.data() + c)](typename L::Float value, typename L::Float,
                                                    typename L::Float& first, typename L::Float& second) {
          const auto difference = value - start;
          first += difference;
          second += difference * difference;
        };
      },
      sum, sum_of_squares);
  Moments result;
  const double rows = static_cast<double>(size.rows);
  for (std::size_t k = 0; k < sum.size(); ++k) {
    const double mean = sum[k] / rows;
    result.mean.push_back(static_cast<float>(static_cast<double>(origin[k]) + mean));
    result.variance.push_back(static_cast<float>(std::max(0.0, sum_of_squares[k] / rows - mean * mean)));
  }
  return result;
}

template <class T>
void scale_shift_act(const T* x, T* y, Rows size, const float* scale, const float* shift, Activation activation) {
  with_activation(activation, [&](auto constant) {
#pragma omp parallel for schedule(static)
    for (std::int64_t row = 0; row < size.rows; ++row) {
      for_each_run(size.channels, [&](auto lanes, std::int64_t c) {
        using L = Lanes<lanes.value>;
        const std::int64_t i = row * size.channels + c;
        L::store(activate<decltype(constant)::value, L>(L::load(x + i) * L::load(scale + c) + L::load(shift + c)),
                 y + i);
      });
    }
  });
}

template <class T>
NormGradients norm_act_backward(const T* x, const T* dy, T* dx, Rows size, const NormForward& forward,
                                Activation activation) {
  return with_activation(activation,
                         [&](auto constant) { return backward<decltype(constant)::value>(x, dy, dx, size, forward); });
}

template Moments moments(const float*, Rows);
template Moments moments(const Bf16*, Rows);
template void scale_shift_act(const float*, float*, Rows, const float*, const float*, Activation);
template void scale_shift_act(const Bf16*, Bf16*, Rows, const float*, const float*, Activation);
template NormGradients norm_act_backward(const float*, const float*, float*, Rows, const NormForward&, Activation);
template NormGradients norm_act_backward(const Bf16*, const Bf16*, Bf16*, Rows, const NormForward&, Activation);

}  // namespace genu::train::kernels
