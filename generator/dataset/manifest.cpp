#include "generator/dataset/manifest.h"

#include <fmt/format.h>

namespace genu::generator {

const std::vector<std::string>& manifest_columns() {
  static const std::vector<std::string> columns = {"id",
                                                   "path",
                                                   "split",
                                                   "kl",
                                                   "kl_read",
                                                   "side",
                                                   "subject",
                                                   "sex",
                                                   "age_years",
                                                   "pixel_spacing_mm",
                                                   "jsw_medial_mm",
                                                   "jsw_lateral_mm",
                                                   "jsn_medial",
                                                   "jsn_lateral",
                                                   "osteophyte_fm",
                                                   "osteophyte_fl",
                                                   "osteophyte_tm",
                                                   "osteophyte_tl",
                                                   "sclerosis_medial",
                                                   "sclerosis_lateral",
                                                   "cyst_count",
                                                   "attrition_grade",
                                                   "hka_deg",
                                                   "rim_separation_mm",
                                                   "inverted",
                                                   "seed",
                                                   "sha256"};
  return columns;
}

std::vector<std::string> manifest_row(const KneeSample& sample, const std::string& image_path,
                                      const std::string& sha256_hex) {
  const KneeFeatures& features = sample.features;
  const auto number = [](double value) {
    const std::string text = fmt::format("{:.3f}", value);
    return text == "-0.000" ? std::string("0.000") : text;
  };
  const auto whole = [](auto value) { return fmt::format("{}", value); };
  const auto osteophyte = [&](OsteophyteSite site) { return whole(features.at(site).oarsi_grade); };
  return {sample.id,
          image_path,
          std::string(to_string(sample.plan.split)),
          whole(derive_kl_grade(features).value()),
          whole(sample.kl_read.value()),
          std::string(to_string(sample.anatomy.side)),
          sample.plan.subject,
          sample.anatomy.sex == Sex::kFemale ? "F" : "M",
          fmt::format("{:.1f}", sample.anatomy.age_years),
          fmt::format("{:.5f}", sample.frame.pixel_spacing_mm),
          number(features.medial.jsw_mm),
          number(features.lateral.jsw_mm),
          whole(features.medial.jsn),
          whole(features.lateral.jsn),
          osteophyte(OsteophyteSite::kFemurMedial),
          osteophyte(OsteophyteSite::kFemurLateral),
          osteophyte(OsteophyteSite::kTibiaMedial),
          osteophyte(OsteophyteSite::kTibiaLateral),
          whole(features.medial.sclerosis),
          whole(features.lateral.sclerosis),
          whole(features.cysts.size()),
          whole(features.attrition_grade),
          number(sample.geometry.hka_deg),
          number(sample.geometry.rim_separation_mm),
          sample.look.polarity == Polarity::kBoneDark ? "1" : "0",
          whole(sample.plan.number),
          sha256_hex};
}

}  // namespace genu::generator
