// Small knee-like pictures and folders of them, made from numbers: tests need no real film.
#pragma once

#include <cstdint>
#include <filesystem>

#include "core/png.h"

namespace genu::pipeline {

// A bright shaft with a dark joint below the middle, brighter on the left condyle (so that mirroring shows), and 60
// blobs that differ from knee to knee.
PngImage knee_like(std::uint64_t seed, int side_px = 96);
PngImage mirrored_picture(PngImage image);
PngImage negative_picture(PngImage image);
void write_png(const std::filesystem::path& path, const PngImage& image);

// SPLIT/GRADE/SUBJECTSIDE.png: `subjects` people a split (train and val), both knees each, grades 0-4 in turn.
void write_mendeley_folder(const std::filesystem::path& root, int subjects, int side_px = 96);

}  // namespace genu::pipeline
