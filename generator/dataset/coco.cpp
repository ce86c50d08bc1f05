#include "generator/dataset/coco.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "generator/truth/measure_knee.h"

namespace genu::generator {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kIdsPerSample = 64;
constexpr int kKneeCategory = 1;

int category_of(LesionKind kind) { return kKneeCategory + 1 + static_cast<int>(kind); }

double rounded(double value) { return std::round(value * 100) / 100; }

struct Box {
  double left, top, right, bottom;
};

Box box_of(const Contour& contour_px, int width_px, int height_px) {
  Box box{1e9, 1e9, -1e9, -1e9};
  for (const PointMm& p : contour_px) {
    box.left = std::min(box.left, p.x);
    box.top = std::min(box.top, p.y);
    box.right = std::max(box.right, p.x);
    box.bottom = std::max(box.bottom, p.y);
  }
  box.left = std::clamp(box.left, 0.0, static_cast<double>(width_px));
  box.right = std::clamp(box.right, 0.0, static_cast<double>(width_px));
  box.top = std::clamp(box.top, 0.0, static_cast<double>(height_px));
  box.bottom = std::clamp(box.bottom, 0.0, static_cast<double>(height_px));
  return box;
}

Json box_json(const Box& box) {
  return {rounded(box.left), rounded(box.top), rounded(box.right - box.left), rounded(box.bottom - box.top)};
}

double area_px(const Contour& contour_px) {
  double twice = 0;
  for (std::size_t i = 0; i < contour_px.size(); ++i) {
    const PointMm &a = contour_px[i], &b = contour_px[(i + 1) % contour_px.size()];
    twice += a.x * b.y - b.x * a.y;
  }
  return 0.5 * std::abs(twice);
}

Json knee_annotation(const KneeSample& sample, std::size_t position) {
  const ImageFrame& frame = sample.frame;
  Json keypoints = Json::array();
  Contour seen;
  for (const Landmark& landmark : landmarks_of(sample.geometry)) {
    const PointMm p = frame.image_px_from_knee_mm(landmark.at_mm);
    const bool inside = p.x >= 0 && p.x <= frame.width_px && p.y >= 0 && p.y <= frame.height_px;
    // 2: in the picture; 0: not labelled, and its coordinates are 0 by COCO's rule.
    keypoints.push_back(inside ? rounded(p.x) : 0.0);
    keypoints.push_back(inside ? rounded(p.y) : 0.0);
    keypoints.push_back(inside ? 2 : 0);
    if (inside) seen.push_back(p);
  }
  const Box box = box_of(seen, frame.width_px, frame.height_px);
  return {{"id", position * kIdsPerSample + 1},
          {"image_id", position + 1},
          {"category_id", kKneeCategory},
          {"iscrowd", 0},
          {"bbox", box_json(box)},
          {"area", rounded((box.right - box.left) * (box.bottom - box.top))},
          {"segmentation", Json::array()},
          {"num_keypoints", seen.size()},
          {"keypoints", keypoints},
          {"kl", sample.kl.value()}};
}

Json lesion_annotation(const LesionOutline& lesion, const KneeSample& sample, std::size_t position,
                       std::size_t number) {
  const Contour outline = to_image_px(lesion.outline_mm, sample.frame);
  Json polygon = Json::array();
  for (const PointMm& p : outline) {
    polygon.push_back(rounded(p.x));
    polygon.push_back(rounded(p.y));
  }
  return {{"id", position * kIdsPerSample + 2 + number},
          {"image_id", position + 1},
          {"category_id", category_of(lesion.kind)},
          {"iscrowd", 0},
          {"bbox", box_json(box_of(outline, sample.frame.width_px, sample.frame.height_px))},
          {"area", rounded(area_px(outline))},
          {"segmentation", Json::array({polygon})},
          {"place", lesion.place}};
}

std::string head_of_document() {
  Json keypoints = Json::array();
  for (const std::string_view name : kLandmarkNames) keypoints.push_back(name);
  const Json knee = {{"id", kKneeCategory},
                     {"name", "knee"},
                     {"supercategory", "joint"},
                     {"keypoints", keypoints},
                     {"skeleton", Json::array()}};
  Json categories = Json::array({knee});
  for (const auto& [kind, name] :
       {std::pair{LesionKind::kOsteophyte, "osteophyte"}, std::pair{LesionKind::kSclerosis, "sclerosis"},
        std::pair{LesionKind::kCyst, "cyst"}, std::pair{LesionKind::kFabella, "fabella"},
        std::pair{LesionKind::kLooseBody, "loose_body"}, std::pair{LesionKind::kChondrocalcinosis, "chondrocalcinosis"},
        std::pair{LesionKind::kHardware, "hardware"}}) {
    categories.push_back({{"id", category_of(kind)}, {"name", name}, {"supercategory", "lesion"}});
  }
  const Json info = {{"description", "Synthetic knee radiographs by genu: landmarks and lesion outlines"},
                     {"version", "1"}};
  return "{\"info\":" + info.dump() + ",\n\"licenses\":[],\n\"categories\":" + categories.dump();
}

}  // namespace

std::string coco_image(const KneeSample& sample, std::size_t position, const std::string& image_path) {
  const Json image = {{"id", position + 1},
                      {"file_name", image_path},
                      {"width", sample.frame.width_px},
                      {"height", sample.frame.height_px},
                      {"sample", sample.id}};
  return image.dump();
}

std::string coco_annotations(const KneeSample& sample, std::size_t position) {
  std::string text = knee_annotation(sample, position).dump();
  std::size_t number = 0;
  for (const LesionOutline& lesion : lesions_of(sample.geometry)) {
    if (number + 2 >= kIdsPerSample) throw InternalError(sample.id + ": more lesions than COCO ids");
    text += ",\n" + lesion_annotation(lesion, sample, position, number++).dump();
  }
  return text;
}

void write_coco(const ProgressFolder& progress, const WorkIdentity& identity, std::size_t image_text,
                std::size_t annotation_text, AtomicFile& file) {
  file.write(head_of_document());
  for (const auto& [key, text] : {std::pair{"images", image_text}, std::pair{"annotations", annotation_text}}) {
    file.write(fmt::format(",\n\"{}\":[\n", key));
    for_each_sample(progress, identity, [&, index = text](std::size_t position, const SampleRecord& record) {
      file.write((position > 0 ? ",\n" : "") + record.texts.at(index));
    });
    file.write("\n]");
  }
  file.write("}\n");
}

}  // namespace genu::generator
