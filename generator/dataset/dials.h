// Dials: values that a config sets for every knee in place of what chance would give. The rest of the knee stays as it
// is, because every stage draws from a stream of its own; the KL grade is derived again afterwards.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/config.h"
#include "generator/anatomy/knee_anatomy.h"
#include "generator/detector/detector.h"
#include "generator/display/display.h"
#include "generator/display/surroundings.h"
#include "generator/geometry/positioning.h"
#include "generator/pathology/knee_features.h"

namespace genu::generator {

// What a dial may change: everything sampled, before any geometry is built.
struct SampledKnee {
  KneeAnatomy& anatomy;
  KneeFeatures& features;
  Positioning& positioning;
  Exposure& exposure;
  DisplayLook& look;
  Surroundings& surroundings;
};

struct Dial {
  const char* name;
  Range<double> range;
  const char* help;
  void (*apply)(const SampledKnee& knee, double value);
  bool technique = false;  // of exposure or display, not of the knee or its pose
};

// Every dial, in the order of the manifest's stages.
const std::vector<Dial>& all_dials();
// Throws UsageError naming the known ones.
const Dial& find_dial(const std::string& name);

struct DialsConfig {
  std::vector<std::optional<double>> values = std::vector<std::optional<double>>(all_dials().size());

  void list_fields(FieldList& fields);
  // Throws UsageError if the name is unknown or the value out of range.
  void set(const std::string& name, double value);
  // What a dial is set to, if it is. Throws UsageError if the name is unknown.
  std::optional<double> value(const std::string& name) const;
  // Names of the dials that are set, ';' between them; "" for none.
  std::string names() const;
  void apply(const SampledKnee& knee) const;
  // Only those of exposure and display: a film has one of each for both knees.
  void apply_technique(const SampledKnee& knee) const;
};

// Narrowing that a reader would record for this share of the normal width: where the sampling distributions of spec 2.2
// cross (0 | 1 at 0.85, the limit of evident narrowing; 1 | 2 at 0.68; 2 | 3 at 0.25).
int narrowing_of_share(double share_of_normal);
// OARSI grade of a lip of this protrusion (spec 3.3: 1 from 1 mm, 2 from 2 mm, 3 from 4 mm).
int osteophyte_grade_of(double protrusion_mm);

}  // namespace genu::generator
