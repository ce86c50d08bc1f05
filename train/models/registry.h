// Networks by name.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/kl_grade.h"

namespace genu::train {

class GraderModel;

struct ModelConfig {
  std::string name = "custom_cnn";
  double dropout = 0.5;
  void list_fields(FieldList& fields);
  bool operator==(const ModelConfig&) const = default;
};

// In alphabetical order.
std::vector<std::string> model_names();

// With weights drawn from torch's generator. Throws ConfigError on an unknown name, listing those that exist.
std::shared_ptr<GraderModel> make_model(const ModelConfig& config, int class_count = kKlGradeCount);

}  // namespace genu::train
