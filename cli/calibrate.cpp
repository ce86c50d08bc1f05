// genu calibrate: fits acquisition and display of the synthetic films to a folder of real ones.
#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "core/config.h"
#include "core/errors.h"
#include "core/files.h"
#include "core/log.h"
#include "core/run_record.h"
#include "generator/calibration/calibrate.h"

namespace genu::cli {

namespace {

using namespace genu::generator;

struct Options {
  CommonOptions common;
  std::string real, out, base;
  CalibrationOptions calibration;
};

std::string config_text(const Options& options, const Calibration& fitted) {
  std::string text = fmt::format(
      "# Acquisition and display fitted to {} unlabelled films, {} of them photometric negatives, by\n"
      "#   genu calibrate --real FOLDER --out FILE.yaml\n"
      "# Population, disease and texture are {}; statistics of the films against the simulation, before and after:\n",
      fitted.films, fitted.negatives, options.base.empty() ? "the program's defaults" : "those of " + options.base);
  for (const FittedStatistic& s : fitted.statistics) {
    text += fmt::format("#   {:34} films {:8.3f}  before {:8.3f}  after {:8.3f}  ({})\n", s.name, s.real, s.before,
                        s.after, s.parameter);
  }
  text += fmt::format("#   {:34} before {:.3f} after {:.3f} film SDs RMS  (population.habitus)\n",
                      "mean picture, films less simulation", fitted.mean_picture_before, fitted.mean_picture_after);
  return text + "\n" + to_yaml(fitted.config);
}

int run(const std::vector<std::string>& arguments) {
  Options options;
  CLI::App app("Fits exposure, look-up, blur, noise, crop and negatives to a folder of knee crops.", "calibrate");
  app.add_option("--real", options.real, "folder of knee crops (PNG, any layout, no labels)")
      ->type_name("DIR")
      ->required();
  app.add_option("--out", options.out, "config to write")->type_name("FILE")->required();
  app.add_option("--base", options.base, "config that gives everything not fitted")->type_name("FILE");
  app.add_option("--threads", options.calibration.threads, "threads; 0 takes every core")->check(CLI::Range(0, 1024));
  app.add_option("--most-films", options.calibration.most_films, "read at most so many films")
      ->check(CLI::Range(std::size_t{40}, std::size_t{1000000}));
  app.add_option("--knees", options.calibration.knees, "simulated a comparison")->check(CLI::Range(40, 5000));
  app.add_option("--rounds", options.calibration.rounds, "adjustments")->check(CLI::Range(1, 20));
  app.add_option("--habitus-rounds", options.calibration.habitus_rounds,
                 "steps of the mean picture, twice; 0 leaves population.habitus as it is")
      ->check(CLI::Range(0, 50));
  add_output_options(app, options.common);
  if (!parse(app, arguments, options.common)) return 0;

  const auto start = load_config<GenerateConfig>(options.base, {});
  RunRecord record(arguments, "");
  const Calibration fitted = calibrate(options.real, start, options.calibration);
  for (const std::string& fault : fitted.unreadable) log_warning("left out: " + fault);
  write_file_atomically(options.out, config_text(options, fitted));
  record.add_result("films", std::to_string(fitted.films));
  record.write_beside(options.out);
  if (options.common.json) {
    nlohmann::ordered_json result = {{"config", options.out},
                                     {"films", fitted.films},
                                     {"negatives", fitted.negatives},
                                     {"unreadable", fitted.unreadable.size()}};
    for (const FittedStatistic& s : fitted.statistics) {
      result["statistics"][s.name] = {{"films", s.real}, {"before", s.before}, {"after", s.after}};
    }
    std::puts(result.dump(2).c_str());
    return 0;
  }
  for (const FittedStatistic& s : fitted.statistics) {
    std::puts(
        fmt::format("{:34} films {:8.3f}  before {:8.3f}  after {:8.3f}", s.name, s.real, s.before, s.after).c_str());
  }
  std::puts(fmt::format("{}: fitted to {} films, {} negatives, {} unreadable", options.out, fitted.films,
                        fitted.negatives, fitted.unreadable.size())
                .c_str());
  return 0;
}

}  // namespace

Command calibrate_command() { return {"calibrate", "fit the synthetic films to a folder of real ones", run}; }

}  // namespace genu::cli
