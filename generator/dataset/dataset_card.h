// What a run made, by grade, and the README.md drawn from it.
#pragma once

#include <array>
#include <cstddef>
#include <string>

#include "generator/dataset/generate_config.h"
#include "generator/dataset/knee_sample.h"

namespace genu::generator {

// Sums over samples, added in plan order so that they come out alike for any number of threads.
class DatasetSummary {
 public:
  void add(const KneeSample& sample);
  std::size_t size() const;
  std::size_t count(Split split, KlGrade grade) const;
  // The dataset card in Markdown.
  std::string card(const GenerateConfig& config) const;

 private:
  struct GradeSums {
    std::array<std::size_t, kSplitCount> images{};
    double jsw_medial_mm = 0, jsw_lateral_mm = 0, narrower_mm = 0, hka_deg = 0;
    double osteophyte_sum = 0;
    std::size_t women = 0, right = 0, lateral_disease = 0, any_osteophyte = 0, sclerosis = 0, cyst = 0, attrition = 0,
                read_alike = 0;
    std::size_t total() const { return images[0] + images[1] + images[2]; }
  };
  std::array<GradeSums, kKlGradeCount> grades_{};
};

}  // namespace genu::generator
