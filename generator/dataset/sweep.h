// One knee, one or two dials turned: a strip or a grid to look at, and a table of what followed.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "generator/dataset/generate_config.h"
#include "generator/dataset/sample_plan.h"

namespace genu::generator {

struct SweepAxis {
  std::string dial;
  std::vector<double> values;
};
// "jsw_medial_mm=0:6:13": from 0 to 6 in 13 values, ends included. Throws UsageError on another form, an unknown dial,
// fewer than 1 or more than 100 values, or values out of the dial's range.
SweepAxis parse_sweep(const std::string& text);
// "3:7": the eighth training knee of KL 3. Throws UsageError.
PlannedSample parse_knee(const std::string& text);

// Draws `knee` for every value of the first axis from left to right, and of the second (if any) from top to bottom,
// into `file` (PNG), with the same anatomy, pose, exposure and noise. Beside it, under the same name with .csv: one row
// a picture with the dials' values, the KL grade that the rule derives, and the readings it rests on. Throws UsageError
// unless there are one or two axes, IoError.
void write_sweep(const GenerateConfig& config, const std::vector<SweepAxis>& axes, const PlannedSample& knee,
                 const std::filesystem::path& file);

}  // namespace genu::generator
