#include "generator/dataset/dataset_card.h"

#include <fmt/format.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "core/run_record.h"
#include "generator/dataset/manifest.h"

namespace genu::generator {

namespace {

using Json = nlohmann::ordered_json;

class GradeTable {
 public:
  explicit GradeTable(const ManifestStatistics& statistics) : statistics_(statistics) {
    text_ = "| | KL 0 | KL 1 | KL 2 | KL 3 | KL 4 |\n|---|---|---|---|---|---|\n";
  }
  void row(const std::string& name, const std::function<std::string(KlGrade)>& cell) {
    text_ += "| " + name;
    for (int grade = 0; grade < kKlGradeCount; ++grade) text_ += " | " + cell(KlGrade(grade));
    text_ += " |\n";
  }
  void mean(const std::string& name, const std::string& column) {
    row(name, [&](KlGrade grade) {
      return statistics_.count(grade) == 0 ? std::string("-") : fmt::format("{:.2f}", statistics_.mean(column, grade));
    });
  }
  void share(const std::string& name, const std::function<double(KlGrade)>& value) {
    row(name, [&](KlGrade grade) {
      return statistics_.count(grade) == 0 ? std::string("-") : fmt::format("{:.1f} %", 100 * value(grade));
    });
  }
  void share_above_zero(const std::string& name, const std::string& column) {
    share(name, [&](KlGrade grade) {
      return static_cast<double>(statistics_.column(column).above_zero[static_cast<std::size_t>(grade.value())]) /
             static_cast<double>(statistics_.count(grade));
    });
  }
  const std::string& text() const { return text_; }

 private:
  const ManifestStatistics& statistics_;
  std::string text_;
};

std::string what_it_is(const GenerateConfig& config) {
  if (config.mode == Mode::kSeedCompat) {
    return "**Non-anatomical.** This set follows a published pixel ladder (joint space 25-32 px at grade 0 down to 2-7 "
           "px at "
           "grade 4 in a\n224 px picture, angular deformity from grade 3): several times the joint space of a living "
           "knee. For "
           "comparison with such sets\nonly; `mode: physical` follows anatomy.\n\n";
  }
  return "No patient, no real pixel: every knee is sampled in millimetres, projected with polychromatic X-ray physics "
         "and "
         "graded by the\nKellgren-Lawrence rule from its own features.\n\n";
}

std::string notes(const GenerateConfig& config) {
  std::string text;
  if (config.pairs) {
    text +=
        "Counterfactual pairs: rows that share `pair` show the same knee, pose, exposure and noise at KL k and k + "
        "1.\n\n";
  }
  if (!config.dials.names().empty()) {
    text += "Dials were set for every knee: " + config.dials.names() +
            ". `kl` is derived by the rule afterwards; the grade "
            "that was sampled\nbefore is `kl_planned`.\n\n";
  }
  return text;
}

Json croissant_context() {
  return {{"@language", "en"},
          {"@vocab", "https://schema.org/"},
          {"citeAs", "cr:citeAs"},
          {"column", "cr:column"},
          {"conformsTo", "dct:conformsTo"},
          {"cr", "http://mlcommons.org/croissant/"},
          {"rai", "http://mlcommons.org/croissant/RAI/"},
          {"data", {{"@id", "cr:data"}, {"@type", "@json"}}},
          {"dataType", {{"@id", "cr:dataType"}, {"@type", "@vocab"}}},
          {"dct", "http://purl.org/dc/terms/"},
          {"examples", {{"@id", "cr:examples"}, {"@type", "@json"}}},
          {"extract", "cr:extract"},
          {"field", "cr:field"},
          {"fileProperty", "cr:fileProperty"},
          {"fileObject", "cr:fileObject"},
          {"fileSet", "cr:fileSet"},
          {"format", "cr:format"},
          {"includes", "cr:includes"},
          {"isLiveDataset", "cr:isLiveDataset"},
          {"jsonPath", "cr:jsonPath"},
          {"key", "cr:key"},
          {"md5", "cr:md5"},
          {"parentField", "cr:parentField"},
          {"path", "cr:path"},
          {"recordSet", "cr:recordSet"},
          {"references", "cr:references"},
          {"regex", "cr:regex"},
          {"repeated", "cr:repeated"},
          {"replace", "cr:replace"},
          {"sc", "https://schema.org/"},
          {"separator", "cr:separator"},
          {"source", "cr:source"},
          {"subField", "cr:subField"},
          {"transform", "cr:transform"}};
}

Json file_set(const std::string& id, const std::string& description, const std::string& encoding,
              const std::string& includes) {
  return {{"@type", "cr:FileSet"},      {"@id", id},           {"name", id}, {"description", description},
          {"encodingFormat", encoding}, {"includes", includes}};
}

Json record_field(const ManifestColumn& column) {
  const bool whole = column.kind == ColumnKind::kNumber && !column.name.ends_with("_mm");
  const char* type = column.kind == ColumnKind::kText         ? "sc:Text"
                     : whole && column.name.starts_with("kl") ? "sc:Integer"
                                                              : "sc:Float";
  return {{"@type", "cr:Field"},
          {"@id", "samples/" + column.name},
          {"name", "samples/" + column.name},
          {"description", "column " + column.name + " of manifest.csv"},
          {"dataType", type},
          {"source", {{"fileObject", {{"@id", "manifest.csv"}}}, {"extract", {{"column", column.name}}}}}};
}

}  // namespace

std::string dataset_card(const GenerateConfig& config, const ManifestStatistics& statistics) {
  std::string text = fmt::format(
      "# Synthetic knee radiographs\n\n{} pictures of {} x {} px, drawn by genu {} from the config in dataset.yaml "
      "(seed "
      "{}).\n",
      statistics.size(), config.image_size_px, config.image_size_px, version(), config.seed);
  text += what_it_is(config) + notes(config);
  GradeTable table(statistics);
  for (const Split split : kSplits) {
    table.row(fmt::format("images, {}", to_string(split)),
              [&](KlGrade grade) { return fmt::format("{}", statistics.count(split, grade)); });
  }
  table.mean("medial joint space, mean mm", "jsw_medial_mm");
  table.mean("lateral joint space, mean mm", "jsw_lateral_mm");
  table.mean("HKA, mean deg (negative is varus)", "hka_deg");
  for (const char* site : {"fm", "fl", "tm", "tl"}) {
    table.share_above_zero(fmt::format("osteophyte {}", site), fmt::format("osteophyte_{}", site));
  }
  table.share_above_zero("medial sclerosis", "sclerosis_medial");
  table.share_above_zero("lateral sclerosis", "sclerosis_lateral");
  table.share_above_zero("cyst", "cyst_count");
  table.share_above_zero("attrition", "attrition_grade");
  table.share_above_zero("fabella", "fabella_mm");
  table.share_above_zero("loose body", "loose_body_count");
  table.share_above_zero("calcified lateral meniscus", "chondrocalcinosis_lateral");
  table.share_above_zero("calcified medial meniscus", "chondrocalcinosis_medial");
  table.share("women", [&](KlGrade grade) { return statistics.share_of_text("sex", "F", grade); });
  table.share("right knees", [&](KlGrade grade) { return statistics.share_of_text("side", "R", grade); });
  table.share("kl_read equals kl", [&](KlGrade grade) { return statistics.share_read_alike(grade); });
  text += table.text();
  text += "\n![Knees by grade](contact_sheet.png)\n\nMore of each grade: ";
  for (int grade = 0; grade < kKlGradeCount; ++grade) text += fmt::format("[KL {0}](card/gallery_kl{0}.png) ", grade);
  text +=
      "\n\nEvery number of the manifest, one histogram a grade (each scaled to its own highest bar, the range below "
      "it):\n\n"
      "![Histograms](card/histograms.png)\n";
  text += fmt::format(
      "\nFolders: `images/SPLIT/GRADE/ID.{0}` ({1}), `masks/SPLIT/GRADE/ID.png` (label map: 0 air, 1 soft tissue, 2 "
      "femur, 3 "
      "tibia,\n4 fibula, 5 patella, 6 joint space, 7 osteophyte, 8 sclerosis, 9 cyst, 10 hardware){2}. `manifest.csv` "
      "has one "
      "row a picture: every\nnumber that made it and every label. `annotations.json` (COCO) holds landmarks and the "
      "outline of "
      "each lesion. `kl` is the grade the\nrule derives; `kl_read` is what a simulated reader records. A right knee is "
      "the "
      "mirror image of a left one. Pictures of one subject\nnever cross splits.\n\nNot for diagnosis. Joint space, "
      "osteophytes "
      "and alignment follow published distributions; what the model leaves out is not here to be\nlearnt.\n",
      config.format == FileFormat::kDicom ? "dcm" : "png", fmt::format("{} bits", config.bit_depth),
      config.truth.noise_free ? ", `clean/` (the same without quantum noise)" : "");
  return text;
}

std::string croissant_json(const GenerateConfig& config, const ManifestStatistics& statistics,
                           const std::string& manifest_sha256) {
  const bool dicom = config.format == FileFormat::kDicom;
  Json distribution = Json::array();
  distribution.push_back({{"@type", "cr:FileObject"},
                          {"@id", "manifest.csv"},
                          {"name", "manifest.csv"},
                          {"description", "one row a picture: every number that made it and every label"},
                          {"contentUrl", "manifest.csv"},
                          {"encodingFormat", "text/csv"},
                          {"sha256", manifest_sha256}});
  distribution.push_back(file_set("images", "pictures by split and grade", dicom ? "application/dicom" : "image/png",
                                  dicom ? "images/*/*/*.dcm" : "images/*/*/*.png"));
  distribution.push_back(file_set("masks", "label maps of the same pixels", "image/png", "masks/*/*/*.png"));
  Json fields = Json::array();
  for (const ManifestColumn& column : manifest_columns()) fields.push_back(record_field(column));
  const std::string honesty =
      config.mode == Mode::kSeedCompat ? " Non-anatomical: follows a published pixel ladder." : "";
  const Json document = {
      {"@context", croissant_context()},
      {"@type", "sc:Dataset"},
      {"conformsTo", "http://mlcommons.org/croissant/1.0"},
      {"name", "genu-synthetic-knees"},
      {"description",
       fmt::format("{} synthetic knee radiographs graded by Kellgren and Lawrence, with masks and every number that "
                   "made them.{} Not for diagnosis.",
                   statistics.size(), honesty)},
      {"license", "https://www.apache.org/licenses/LICENSE-2.0"},
      {"url", "https://example.org/genu"},
      {"version", "1.0.0"},
      {"distribution", distribution},
      {"recordSet", Json::array({{{"@type", "cr:RecordSet"},
                                  {"@id", "samples"},
                                  {"name", "samples"},
                                  {"description", "the manifest, row by row"},
                                  {"key", {{"@id", "samples/id"}}},
                                  {"field", fields}}})}};
  return document.dump(1) + "\n";
}

}  // namespace genu::generator
