#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/checkpoint_options.h"
#include "cli/commands.h"
#include "core/csv.h"
#include "core/errors.h"
#include "core/log.h"
#include "train/loop/grader.h"
#include "train/loop/tensor_runtime.h"
#ifdef GENU_WITH_IMAGES
#include "cli/knee_files.h"
#endif

namespace genu::cli {

namespace {

struct Options {
  CommonOptions common;
  std::string checkpoint;
  std::string side = "auto";
  int threads = 0;
  bool strict = false;
  bool anyway = false;
  std::vector<std::string> files;
};

void describe(CLI::App& app, Options& options) {
  add_output_options(app, options.common);
  add_checkpoint_option(app, options.checkpoint);
  app.add_option("--side", options.side,
                 "knee in the pictures: left, right, unknown, or auto = from names such as 9001400R.png")
      ->check(CLI::IsMember({"auto", "left", "right", "unknown"}))
      ->capture_default_str();
  app.add_option("--threads", options.threads, "processor threads, 0 = all")->check(CLI::Range(0, 1024));
  app.add_flag("--strict", options.strict, "stop at the first file that cannot be graded");
  add_anyway_option(app, options.anyway);
  app.add_option("FILE", options.files, "PNG, JPEG, BMP, TIFF or DICOM images of one knee each")->required();
}

#ifdef GENU_WITH_IMAGES

void print_json(const std::string& file, const train::Graded& graded, const train::Grader& grader, bool is_graded) {
  nlohmann::ordered_json json = {{"file", file}};
  if (is_graded) {
    json["kl"] = train::Prediction{"", "", 0, graded.probabilities}.predicted();
    json["probabilities"] = graded.probabilities;
  }
  if (graded.distance) {
    json["gradable"] = !grader.is_stranger(graded.distance);
    json["distance"] = *graded.distance;
    json["limit"] = *grader.config().distance_limit;
  }
  std::puts(json.dump().c_str());
}

void print_row(const std::string& file, const train::Graded& graded) {
  const train::Prediction prediction{"", "", 0, graded.probabilities};
  std::vector<std::string> cells = {file, std::to_string(prediction.predicted())};
  for (const double probability : prediction.probabilities) cells.push_back(fmt::format("{:.4f}", probability));
  std::fputs(csv_line(cells).c_str(), stdout);
}

// One at a time: batches of 16 take as long an image on one core, and so a grade never depends on its neighbours.
void grade_file(const std::string& file, const train::Grader& grader, const pipeline::PreprocessConfig& preprocess,
                const Options& options) {
  const auto prepared =
      pipeline::prepare_image(pipeline::decode_image_file(file), side_of(file, options.side), preprocess);
  const pipeline::GreyView view{prepared.pixels.data(), prepared.height_px, prepared.width_px};
  const train::Graded graded = grader.grade({&view, 1}).front();
  const bool is_refused = grader.is_stranger(graded.distance) && !options.anyway;
  if (options.common.json) {
    print_json(file, graded, grader, !is_refused);
  } else if (!is_refused) {
    print_row(file, graded);
  }
  if (is_refused) throw DataError(stranger_message(file, *graded.distance, grader));
}

int grade_files(const Options& options) {
  const train::Grader grader = load_grader(options.checkpoint);
  const auto preprocess = preprocess_of(grader.config(), (grader.folder() / "grader.yaml").string());
  if (!options.common.json) {
    std::string header = "file,kl";
    for (int grade = 0; grade < grader.config().class_count; ++grade) header += fmt::format(",p{}", grade);
    std::puts(header.c_str());
  }
  std::size_t bad = 0;
  for (const std::string& file : options.files) {
    try {
      grade_file(file, grader, preprocess, options);
    } catch (const Error& error) {
      // One bad film does not keep the others from being graded.
      if (options.strict) throw;
      log_error(error.what());
      ++bad;
    }
  }
  if (bad > 0) log_error(fmt::format("{} of {} files could not be graded", bad, options.files.size()));
  return bad > 0 ? static_cast<int>(ExitCode::kData) : 0;
}

#else

int grade_files(const Options&) {
  throw UsageError("this build cannot read images; configure with -DGENU_IMAGES=ON and build again");
}

#endif

int run(const std::vector<std::string>& arguments) {
  Options options;
  CLI::App app("Grades image files: file, KL grade, probability of each grade.", "predict");
  describe(app, options);
  if (!parse(app, arguments, options.common)) return 0;
  train::prepare_tensor_runtime(options.threads);
  return grade_files(options);
}

}  // namespace

Command predict_command() { return {"predict", "", run}; }

}  // namespace genu::cli
