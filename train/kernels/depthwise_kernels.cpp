#include "train/kernels/depthwise_kernels.h"

#include <algorithm>
#include <array>
#include <vector>

namespace genu::train::kernels {

namespace {

constexpr int kKernel = 3;

// The outputs along one axis that input position i feeds: output o through kernel position k, where
// i = o * stride - 1 + k.
struct Taps {
  int count = 0;
  std::array<std::int64_t, kKernel> output{};
  std::array<int, kKernel> kernel{};
};

Taps taps_of(std::int64_t i, std::int64_t stride, std::int64_t out_size) {
  Taps taps;
  for (int k = 0; k < kKernel; ++k) {
    const std::int64_t scaled = i + 1 - k;
    if (scaled < 0 || scaled % stride != 0 || scaled / stride >= out_size) continue;
    taps.output[static_cast<std::size_t>(taps.count)] = scaled / stride;
    taps.kernel[static_cast<std::size_t>(taps.count)] = k;
    ++taps.count;
  }
  return taps;
}

std::vector<Taps> all_taps(std::int64_t size, std::int64_t stride, std::int64_t out_size) {
  std::vector<Taps> taps;
  for (std::int64_t i = 0; i < size; ++i) taps.push_back(taps_of(i, stride, out_size));
  return taps;
}

// dx = sum over kTaps outputs of weight * dy, all channels of one pixel.
template <int kTaps, class T>
void sum_taps(const std::array<const T*, 9>& dy, const std::array<const float*, 9>& weight, T* dx,
              std::int64_t channels) {
  for_each_run(channels, [&](auto lanes, std::int64_t c) {
    using L = Lanes<lanes.value>;
    auto sum = L::zero();
#pragma GCC unroll 9
    for (std::size_t t = 0; t < kTaps; ++t) sum += L::load(weight[t] + c) * L::load(dy[t] + c);
    L::store(sum, dx + c);
  });
}

// The same with the number known only here: 1 to 3 outputs along each axis.
template <class T>
void sum_some_taps(int count, const std::array<const T*, 9>& dy, const std::array<const float*, 9>& weight, T* dx,
                   std::int64_t channels) {
  switch (count) {
    case 1:
      return sum_taps<1>(dy, weight, dx, channels);
    case 2:
      return sum_taps<2>(dy, weight, dx, channels);
    case 3:
      return sum_taps<3>(dy, weight, dx, channels);
    case 4:
      return sum_taps<4>(dy, weight, dx, channels);
    case 6:
      return sum_taps<6>(dy, weight, dx, channels);
    default:
      return sum_taps<9>(dy, weight, dx, channels);
  }
}

// One row of one image.
template <class T>
void input_gradient_row(const T* dy, const float* weight, T* dx, const DepthwiseShape& shape, const Taps& row,
                        const std::vector<Taps>& columns) {
  std::array<const T*, 9> sources{};
  std::array<const float*, 9> factors{};
  for (std::int64_t x = 0; x < shape.width; ++x) {
    const Taps& column = columns[static_cast<std::size_t>(x)];
    std::size_t count = 0;
    for (std::size_t a = 0; a < static_cast<std::size_t>(row.count); ++a) {
      for (std::size_t b = 0; b < static_cast<std::size_t>(column.count); ++b) {
        sources[count] = dy + (row.output[a] * shape.out_width() + column.output[b]) * shape.channels;
        factors[count] = weight + (row.kernel[a] * kKernel + column.kernel[b]) * shape.channels;
        ++count;
      }
    }
    sum_some_taps(static_cast<int>(count), sources, factors, dx + x * shape.channels, shape.channels);
  }
}

// Adds weight-gradient products of one output pixel to the nine sums of each run.
//   corner   input pixel under the kernel's corner; may lie outside the image where `inside` says so
template <int kLanes, int kRuns, class T, class Inside>
void add_products(const T* dy, const T* corner, std::int64_t row_stride, std::int64_t pixel_stride,
                  const Inside& inside, std::array<std::array<typename Lanes<kLanes>::Float, 9>, kRuns>& sums) {
  using L = Lanes<kLanes>;
#pragma GCC unroll 2
  for (std::size_t run = 0; run < kRuns; ++run) {
    const auto g = L::load(dy + run * kLanes);
#pragma GCC unroll 9
    for (std::size_t k = 0; k < 9; ++k) {
      const auto y = static_cast<std::int64_t>(k / 3);
      const auto x = static_cast<std::int64_t>(k % 3);
      if (inside(y, x)) sums[run][k] += g * L::load(corner + y * row_stride + x * pixel_stride + run * kLanes);
    }
  }
}

// The nine sums of one image over kRuns neighbouring runs of channels, kept in registers.
template <int kLanes, int kRuns, class T>
void weight_gradient_image(const T* x, const T* dy, float* dweight, const DepthwiseShape& shape) {
  using L = Lanes<kLanes>;
  std::array<std::array<typename L::Float, 9>, kRuns> sums{};
  const std::int64_t row_stride = shape.width * shape.channels;
  for (std::int64_t oy = 0; oy < shape.out_height(); ++oy) {
    const std::int64_t top = oy * shape.stride - 1;
    for (std::int64_t ox = 0; ox < shape.out_width(); ++ox) {
      const std::int64_t left = ox * shape.stride - 1;
      const T* const g = dy + (oy * shape.out_width() + ox) * shape.channels;
      const T* const corner = x + top * row_stride + left * shape.channels;
      if (top >= 0 && left >= 0 && top + 2 < shape.height && left + 2 < shape.width) {
        const auto always = [](std::int64_t, std::int64_t) { return true; };
        add_products<kLanes, kRuns>(g, corner, row_stride, shape.channels, always, sums);
      } else {
        const auto in_image = [&](std::int64_t j, std::int64_t i) {
          return top + j >= 0 && top + j < shape.height && left + i >= 0 && left + i < shape.width;
        };
        add_products<kLanes, kRuns>(g, corner, row_stride, shape.channels, in_image, sums);
      }
    }
  }
  for (std::size_t run = 0; run < kRuns; ++run) {
    for (std::size_t k = 0; k < 9; ++k) {
      L::store(sums[run][k], dweight + static_cast<std::int64_t>(k) * shape.channels + run * kLanes);
    }
  }
}

}  // namespace

template <class T>
void depthwise_input_gradient(const T* dy, const float* weight, T* dx, const DepthwiseShape& shape) {
  const auto rows = all_taps(shape.height, shape.stride, shape.out_height());
  const auto columns = all_taps(shape.width, shape.stride, shape.out_width());
  const std::int64_t out_image = shape.out_height() * shape.out_width() * shape.channels;
#pragma omp parallel for schedule(static)
  for (std::int64_t job = 0; job < shape.n * shape.height; ++job) {
    const std::int64_t image = job / shape.height;
    const std::int64_t y = job % shape.height;
    input_gradient_row(dy + image * out_image, weight, dx + job * shape.width * shape.channels, shape,
                       rows[static_cast<std::size_t>(y)], columns);
  }
}

template <class T>
void depthwise_weight_gradient(const T* x, const T* dy, float* dweight, const DepthwiseShape& shape) {
  const std::int64_t size = kKernel * kKernel * shape.channels;
  const std::int64_t in_image = shape.height * shape.width * shape.channels;
  const std::int64_t out_image = shape.out_height() * shape.out_width() * shape.channels;
  std::vector<float> partial(static_cast<std::size_t>(shape.n * size));
#pragma omp parallel for schedule(static)
  for (std::int64_t image = 0; image < shape.n; ++image) {
    const auto runs = [&](auto lanes, auto count, std::int64_t c) {
      weight_gradient_image<lanes.value, count.value>(x + image * in_image + c, dy + image * out_image + c,
                                                      partial.data() + image * size + c, shape);
    };
    // Two runs of 16 bfloat16 fill a cache line.
    const std::int64_t paired = shape.channels / 32 * 32;
    for (std::int64_t c = 0; c < paired; c += 32) {
      runs(std::integral_constant<int, 16>{}, std::integral_constant<int, 2>{}, c);
    }
    for_each_run(shape.channels - paired,
                 [&](auto lanes, std::int64_t c) { runs(lanes, std::integral_constant<int, 1>{}, paired + c); });
  }
  std::fill(dweight, dweight + size, 0.0F);
  for (std::int64_t image = 0; image < shape.n; ++image) {
    for (std::int64_t k = 0; k < size; ++k) dweight[k] += partial[static_cast<std::size_t>(image * size + k)];
  }
}

template void depthwise_input_gradient(const float*, const float*, float*, const DepthwiseShape&);
template void depthwise_input_gradient(const Bf16*, const float*, Bf16*, const DepthwiseShape&);
template void depthwise_weight_gradient(const float*, const float*, float*, const DepthwiseShape&);
template void depthwise_weight_gradient(const Bf16*, const Bf16*, float*, const DepthwiseShape&);

}  // namespace genu::train::kernels
