#include "pipeline/loader/tensor_format.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "core/errors.h"
#include "pipeline/augment/resize.h"

namespace genu::pipeline {

namespace {

// output = grey * factor + offset
struct ChannelMap {
  float factor = 1;
  float offset = 0;
};

// Channel means and SDs of ImageNet's training images on a scale of 0..1, as torchvision's models take them.
constexpr std::array<double, 3> kImagenetMean = {0.485, 0.456, 0.406};
constexpr std::array<double, 3> kImagenetSd = {0.229, 0.224, 0.225};

ChannelMap standardise(double mean, double sd) {
  return {static_cast<float>(1.0 / sd), static_cast<float>(-mean / sd)};
}

ChannelMap per_image_map(std::span<const float> grey) {
  double sum = 0;
  double squares = 0;
  for (const float value : grey) {
    sum += static_cast<double>(value);
    squares += static_cast<double>(value) * static_cast<double>(value);
  }
  const auto count = static_cast<double>(grey.size());
  const double mean = sum / count;
  const double sd = std::sqrt(std::max(0.0, squares / count - mean * mean));
  const double factor = 0.5 / (sd + 1.0);
  return {static_cast<float>(factor), static_cast<float>(-mean * factor)};
}

ChannelMap imagenet_map(int channel, int channels) {
  if (channels == 3) {
    const auto c = static_cast<std::size_t>(channel);
    return standardise(255.0 * kImagenetMean.at(c), 255.0 * kImagenetSd.at(c));
  }
  const double mean = (kImagenetMean[0] + kImagenetMean[1] + kImagenetMean[2]) / 3;
  const double sd = (kImagenetSd[0] + kImagenetSd[1] + kImagenetSd[2]) / 3;
  return standardise(255.0 * mean, 255.0 * sd);
}

ChannelMap channel_map(const TensorFormat& format, int channel, const PixelStatistics& training_pixels,
                       std::span<const float> grey) {
  switch (format.normalisation) {
    case Normalisation::kUnit:
      return {1.0f / 255.0f, 0};
    case Normalisation::kPerImage:
      return per_image_map(grey);
    case Normalisation::kDataset:
      return standardise(training_pixels.mean_grey, training_pixels.sd_grey);
    case Normalisation::kTensorflow:
      return {1.0f / 127.5f, -1.0f};
    case Normalisation::kImagenet:
      return imagenet_map(channel, format.channels);
  }
  throw InternalError("unknown normalisation");
}

// Grey levels of the augmented image into `out`: [height, width].
void fill_grey(const GreyView& image, const AugmentParameters& augmentation, std::span<float> out) {
  if (!augmentation.is_identity()) return apply_augmentation(image, augmentation, out);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(image.pixels[i]);
}

void write_plane(const float* __restrict grey, std::size_t count, ChannelMap map, float* __restrict plane) {
  for (std::size_t i = 0; i < count; ++i) plane[i] = grey[i] * map.factor + map.offset;
}

}  // namespace

void RowBand::list_fields(FieldList& fields) {
  fields.add("first", first, Range{0.0, 1.0}, "share of the height above the band");
  fields.add("last", last, Range{0.0, 1.0}, "share of the height down to its end");
}

RowRange rows_of(const RowBand& band, int height_px) {
  const int first = std::clamp(static_cast<int>(std::lround(band.first * height_px)), 0, height_px - 1);
  const int last = std::clamp(static_cast<int>(std::lround(band.last * height_px)), first + 1, height_px);
  return {first, last - first};
}

void TensorFormat::list_fields(FieldList& fields) {
  fields.add("size_px", size_px, Range{0, 4096}, "side of the network's input; 0 = as stored");
  fields.add("channels", channels, Range{1, 3}, "1, or 3 equal ones");
  fields.choice("normalisation", normalisation, normalisation_words(), "how grey levels are scaled");
  fields.section("rows", rows, "the part of the height that is shown");
}

std::vector<std::pair<std::string, Normalisation>> normalisation_words() {
  return {{"unit", Normalisation::kUnit},
          {"per_image", Normalisation::kPerImage},
          {"dataset", Normalisation::kDataset},
          {"tensorflow", Normalisation::kTensorflow},
          {"imagenet", Normalisation::kImagenet}};
}

TensorShape tensor_shape(const TensorFormat& format, int height_px, int width_px) {
  if (format.size_px > 0) height_px = width_px = format.size_px;
  return {format.channels, rows_of(format.rows, height_px).count, width_px};
}

void make_tensor(const GreyView& image, const AugmentParameters& augmentation, const TensorFormat& format,
                 const PixelStatistics& training_pixels, std::span<float> out) {
  const TensorShape shape = tensor_shape(format, image.height_px, image.width_px);
  if (out.size() != shape.size() || (format.channels != 1 && format.channels != 3)) {
    throw InternalError("make_tensor: wrong size");
  }
  thread_local std::vector<std::uint8_t> resized;  // scratch, used again from image to image
  thread_local std::vector<float> grey;

  // 1. Bring the image to the network's size.
  GreyView view = image;
  const int side = format.size_px;
  if (side > 0 && (side != image.height_px || side != image.width_px)) {
    resized.resize(static_cast<std::size_t>(side) * static_cast<std::size_t>(side));
    resize_grey(image, side, side, resized);
    view = {resized.data(), side, side};
  }

  // 2. Augment.
  const auto width = static_cast<std::size_t>(view.width_px);
  grey.resize(static_cast<std::size_t>(view.height_px) * width);
  fill_grey(view, augmentation, grey);

  // 3. Cut out the rows and normalise into each channel.
  const auto first = static_cast<std::size_t>(rows_of(format.rows, view.height_px).first);
  const std::size_t plane = shape.size() / static_cast<std::size_t>(shape.channels);
  const auto shown = std::span<const float>(grey).subspan(first * width, plane);
  for (int channel = 0; channel < shape.channels; ++channel) {
    write_plane(shown.data(), plane, channel_map(format, channel, training_pixels, shown),
                out.data() + static_cast<std::size_t>(channel) * plane);
  }
}

}  // namespace genu::pipeline
