#include "tests/pipeline/test_images.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <string>

#include "core/files.h"
#include "core/random.h"

namespace genu::pipeline {

PngImage knee_like(std::uint64_t seed, int side_px) {
  RandomStream random(seed, 0, "test.knee");
  struct Blob {
    double x, y, radius, height;
  };
  std::array<Blob, 60> blobs{};
  for (Blob& blob : blobs) {
    blob = {random.uniform(), random.uniform(), random.uniform(0.01, 0.05), random.uniform(-35, 35)};
  }
  PngImage image{side_px, side_px, 1, 8, {}};
  for (int row = 0; row < side_px; ++row) {
    for (int column = 0; column < side_px; ++column) {
      const double x = (column + 0.5) / side_px;
      const double y = (row + 0.5) / side_px;
      double grey = 60 + 110 * std::exp(-std::pow((x - 0.5) / 0.3, 4));
      grey -= 35 * std::exp(-std::pow((y - 0.6) / 0.03, 2));
      grey += 25 * std::exp(-std::pow((x - 0.3) / 0.1, 2) - std::pow((y - 0.45) / 0.1, 2));
      for (const Blob& blob : blobs) {
        const double distance = std::hypot(x - blob.x, y - blob.y) / blob.radius;
        if (distance < 4) grey += blob.height * std::exp(-distance * distance);
      }
      image.bytes.push_back(static_cast<std::uint8_t>(std::fmin(std::fmax(grey, 2), 253)));
    }
  }
  return image;
}

PngImage mirrored_picture(PngImage image) {
  for (int row = 0; row < image.height_px; ++row) {
    std::reverse(image.bytes.begin() + row * image.width_px, image.bytes.begin() + (row + 1) * image.width_px);
  }
  return image;
}

PngImage negative_picture(PngImage image) {
  for (std::uint8_t& value : image.bytes) value = static_cast<std::uint8_t>(255 - value);
  return image;
}

void write_png(const std::filesystem::path& path, const PngImage& image) {
  make_folders(path.parent_path());
  const auto bytes = encode_png(image);
  write_file_atomically(path, std::as_bytes(std::span(bytes)), Durability::kBatch);
}

void write_mendeley_folder(const std::filesystem::path& root, int subjects, int side_px) {
  int number = 0;
  for (const char* split : {"train", "val"}) {
    for (int s = 0; s < subjects; ++s) {
      const std::string subject = std::to_string(9000000 + number);
      for (const char side : {'L', 'R'}) {
        PngImage image = knee_like(static_cast<std::uint64_t>(2 * number + (side == 'R' ? 1 : 0)), side_px);
        if (side == 'R') image = mirrored_picture(image);
        write_png(root / split / std::to_string((s + (side == 'R' ? 1 : 0)) % 5) / (subject + side + ".png"), image);
      }
      ++number;
    }
  }
}

}  // namespace genu::pipeline
