// The picture a person looks at first: rows are KL grades, each knee captioned with what it shows.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "generator/dataset/generate_config.h"
#include "generator/dataset/knee_sample.h"

namespace genu::generator {

// Gives the 8-bit picture of a sampled knee: rendered anew, or read back from the dataset.
using PictureOf = std::function<Image<std::uint8_t>(const KneeSample&)>;

// PNG bytes; up to `columns` knees a grade (or members of pairs a step) from the first split that holds images.
// Pictures larger than 256 px are shrunk by a whole factor.
std::vector<std::uint8_t> make_contact_sheet(const GenerateConfig& config, const PictureOf& picture_of, int columns);

// PNG bytes: `columns` x `rows` knees of one grade (or pairs of one step), uncaptioned.
std::vector<std::uint8_t> make_gallery(const GenerateConfig& config, const PictureOf& picture_of, int sheet_row,
                                       int columns, int rows);

// Means of square blocks, so that the longer side is at most `most_px`.
Image<std::uint8_t> shrunk(const Image<std::uint8_t>& picture, int most_px);

}  // namespace genu::generator
