// Networks by name.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/kl_grade.h"
#include "train/models/input_spec.h"

namespace genu::train {

class GraderModel;

enum class HeadChoice : std::uint8_t {
  kNative,
  kLinear,
  kDropoutLinear,
  kHidden512,
  kOrdinal,  // dropout and one output fewer than grades: output k says whether the grade is above k
};

struct ModelConfig {
  std::string name = "custom_cnn";
  double dropout = 0.5;
  HeadChoice head = HeadChoice::kNative;
  int channels = 0;  // 1, 3 or 0 = the network's own
  void list_fields(FieldList& fields);
  bool operator==(const ModelConfig&) const = default;
};

// In alphabetical order.
std::vector<std::string> model_names();

// With weights drawn from torch's generator. Throws ConfigError on an unknown name, listing those that exist.
std::shared_ptr<GraderModel> make_model(const ModelConfig& config, int class_count = kKlGradeCount);

// Whether `config` names the random forest, which is no network: make_model() does not know it.
bool is_forest(const ModelConfig& config);

// The image that a configured network takes. Throws ConfigError on an unknown name.
InputSpec input_spec(const ModelConfig& config);

// Side of the input of a configured network: `wanted_px`, or the network's own if that is 0.
// Throws ConfigError if the network takes its own side alone, or on an unknown name.
int input_side_px(const ModelConfig& config, int wanted_px);

}  // namespace genu::train
