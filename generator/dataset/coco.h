// annotations.json: landmarks and lesions as COCO, https://cocodataset.org/#format-data.
//
// Pixel coordinates as everywhere in genu: the corner of the first pixel is (0, 0), its centre (0.5, 0.5).
#pragma once

#include <cstddef>
#include <string>

#include "core/files.h"
#include "generator/dataset/knee_sample.h"
#include "generator/dataset/progress_folder.h"

namespace genu::generator {

// The object of `images` for one sample. `position` is its place in the plan; ids count from 1.
std::string coco_image(const KneeSample& sample, std::size_t position, const std::string& image_path);
// The objects of `annotations` for one sample, ',' and a line feed between them: first the knee with its keypoints,
// then each lesion with box and polygon. Ids are 64 a sample.
std::string coco_annotations(const KneeSample& sample, std::size_t position);

// Streams the whole document; `image_text` and `annotation_text` say which texts of a sample's record hold the above.
void write_coco(const ProgressFolder& progress, const WorkIdentity& identity, std::size_t image_text,
                std::size_t annotation_text, AtomicFile& file);

}  // namespace genu::generator
