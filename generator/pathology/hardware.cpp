#include "generator/pathology/hardware.h"

namespace genu::generator {

Hardware sample_hardware(const DiseaseConfig& config, RandomStream& stream) {
  Hardware hardware;
  const bool present = stream.bernoulli(config.hardware_share);
  const HardwareKind kind = stream.bernoulli(0.5) ? HardwareKind::kStaple : HardwareKind::kScrew;
  if (present) hardware.kind = kind;
  if (stream.bernoulli(config.replacement_share)) hardware.kind = HardwareKind::kReplacement;
  hardware.staple_side = stream.bernoulli(0.5) ? Compartment::kMedial : Compartment::kLateral;
  hardware.staple_leg_mm = stream.uniform(14, 20);
  hardware.staple_width_mm = stream.uniform(15, 21);
  // A screw of a cruciate ligament's tunnel: tibial, or femoral in the lateral condyle.
  hardware.screw_bone = stream.bernoulli(0.6) ? Bone::kTibia : Bone::kFemur;
  hardware.screw_mm = stream.uniform(22, 28);  // spec 7: 25 mm
  hardware.screw_width_mm = stream.uniform(7, 9);
  hardware.screw_deg = stream.truncated_normal(hardware.screw_bone == Bone::kTibia ? 66 : 48, 6);
  hardware.stem_mm = stream.uniform(35, 45);
  hardware.liner_mm = stream.uniform(8, 10);
  return hardware;
}

void replace_joint(KneeFeatures& features) {
  const KneeFeatures before = features;
  features = {};
  features.fabella = before.fabella;
  features.hardware = before.hardware;
  for (const Compartment side : {Compartment::kMedial, Compartment::kLateral}) {
    features.at(side).jsw_mm = features.at(side).normal_jsw_mm = before.hardware.liner_mm;
  }
}

}  // namespace genu::generator
