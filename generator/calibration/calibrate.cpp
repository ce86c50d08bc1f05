#include "generator/calibration/calibrate.h"

#include <fmt/format.h>
#include <tbb/enumerable_thread_specific.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <span>
#include <thread>

#include "core/errors.h"
#include "core/files.h"
#include "core/png.h"
#include "core/progress.h"
#include "generator/dataset/knee_sample.h"

namespace genu::generator {

namespace {

namespace fs = std::filesystem;

// A fit whose steps shrink below this share has learnt wrong slopes: it measures them anew where it stands.
constexpr double kLeastShare = 0.2;
constexpr double kNegativeCorrelation = -0.25;  // none of the OAI's crops lie between -0.3 and 0

double quantile_of(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  const double at = q * static_cast<double>(values.size() - 1);
  const auto i = static_cast<std::size_t>(at);
  const std::size_t j = std::min(i + 1, values.size() - 1);
  return values[i] + (at - static_cast<double>(i)) * (values[j] - values[i]);
}

// Robust spread: the middle half of a normal distribution is 1.349 SD wide.
double spread_of(const std::vector<double>& values) {
  return (quantile_of(values, 0.75) - quantile_of(values, 0.25)) / 1.349;
}

template <class F>
std::vector<double> each(const std::vector<FilmMeasures>& films, const F& value) {
  std::vector<double> out;
  out.reserve(films.size());
  for (const FilmMeasures& film : films) out.push_back(value(film));
  return out;
}

// A parameter and the statistic that mostly answers to it. `tolerance` is what counts as alike.
struct Knob {
  const char* parameter;
  double& (*member)(GenerateConfig&);
  double low, high, step;
  const char* statistic;
  double (*measure)(const std::vector<FilmMeasures>&);
  double tolerance;
};

using Films = std::vector<FilmMeasures>;
double median_of(const Films& films, double FilmMeasures::*member) {
  return quantile_of(each(films, [&](const FilmMeasures& f) { return f.*member; }), 0.5);
}
double mean_of(const Films& films, double FilmMeasures::*member) {
  double sum = 0;
  for (const FilmMeasures& f : films) sum += f.*member;
  return sum / static_cast<double>(films.size());
}
double spread_of(const Films& films, double FilmMeasures::*member) {
  return spread_of(each(films, [&](const FilmMeasures& f) { return f.*member; }));
}

constexpr std::size_t kKnobCount = 12;

const std::array<Knob, kKnobCount>& knobs() {
  using C = GenerateConfig;
  using M = FilmMeasures;
  static const std::array<Knob, kKnobCount> list = {{
      {"positioning.femur_fill", [](C& c) -> double& { return c.positioning.femur_fill; }, 0.5, 1.2, 0.02,
       "median width of the tibia", [](const Films& f) { return median_of(f, &M::tibia_width); }, 0.004},
      {"positioning.femur_fill_sd", [](C& c) -> double& { return c.positioning.femur_fill_sd; }, 0.0, 0.12, 0.01,
       "spread of the tibia's width", [](const Films& f) { return spread_of(f, &M::tibia_width); }, 0.004},
      {"positioning.joint_line_row", [](C& c) -> double& { return c.positioning.joint_line_row; }, 0.3, 0.8, 0.015,
       "median row of the joint line", [](const Films& f) { return median_of(f, &M::joint_row); }, 0.003},
      {"positioning.joint_line_row_sd", [](C& c) -> double& { return c.positioning.joint_line_row_sd; }, 0.0, 0.1, 0.01,
       "spread of the joint line's row", [](const Films& f) { return spread_of(f, &M::joint_row); }, 0.003},
      {"positioning.centre_shift_sd", [](C& c) -> double& { return c.positioning.centre_shift_sd; }, 0.0, 0.08, 0.008,
       "spread of the knee's middle", [](const Films& f) { return spread_of(f, &M::centre_column); }, 0.003},
      {"population.joint_space_scale", [](C& c) -> double& { return c.population.joint_space_scale; }, 0.5, 1.5, 0.08,
       "mean width of the joint space", [](const Films& f) { return mean_of(f, &M::joint_gap); }, 0.0008},
      {"detector.blur_sigma_px_mean", [](C& c) -> double& { return c.detector.blur_sigma_px_mean; }, 0.2, 1.8, 0.12,
       "median fine over middle detail",
       [](const Films& f) { return quantile_of(each(f, [](const M& m) { return m.log_fine - m.log_middle; }), 0.5); },
       0.02},
      {"detector.quantum_noise_mean", [](C& c) -> double& { return c.detector.quantum_noise_mean; }, 2e-4, 0.05, 0.002,
       "median log noise",
       [](const Films& f) {
         return quantile_of(each(f, [](const M& m) { return std::log(m.noise_grey + 0.2); }), 0.5);
       },
       0.04},
      {"detector.quantum_noise_sigma", [](C& c) -> double& { return c.detector.quantum_noise_sigma; }, 0.0, 0.45, 0.1,
       "spread of log noise over SD",
       [](const Films& f) {
         return spread_of(each(f, [](const M& m) { return std::log((m.noise_grey + 0.2) / m.sd_grey); }));
       },
       0.04},
      {"display.edge_gain_mean", [](C& c) -> double& { return c.display.edge_gain_mean; }, 0.0, 2.5, 0.2,
       "median middle over coarse detail",
       [](const Films& f) { return quantile_of(each(f, [](const M& m) { return m.log_middle - m.log_coarse; }), 0.5); },
       0.02},
      {"display.curve_centre", [](C& c) -> double& { return c.display.curve_centre; }, -1.8, 1.8, 0.2,
       "median skewness of grey", [](const Films& f) { return median_of(f, &M::skewness); }, 0.05},
      {"display.curve_steepness", [](C& c) -> double& { return c.display.curve_steepness; }, 0.3, 4.0, 0.25,
       "median grey of the outer strips", [](const Films& f) { return median_of(f, &M::edge_strip); }, 0.05},
  }};
  return list;
}

using Vector = std::array<double, kKnobCount>;
using Matrix = std::array<Vector, kKnobCount>;

Vector statistics_of(const Films& films) {
  Vector out{};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = knobs()[i].measure(films);
  return out;
}

double misfit(const Vector& real, const Vector& simulated) {
  double sum = 0;
  for (std::size_t i = 0; i < real.size(); ++i) {
    sum += std::pow((real[i] - simulated[i]) / knobs()[i].tolerance, 2);
  }
  return sum;
}

// Solves (A + damping I) x = b by elimination with pivoting; A is symmetric and positive.
Vector solved(Matrix a, Vector b, double damping) {
  const std::size_t n = b.size();
  for (std::size_t i = 0; i < n; ++i) a[i][i] += damping;
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k + 1; i < n; ++i) {
      if (std::abs(a[i][k]) > std::abs(a[pivot][k])) pivot = i;
    }
    std::swap(a[k], a[pivot]);
    std::swap(b[k], b[pivot]);
    for (std::size_t i = k + 1; i < n; ++i) {
      const double factor = a[i][k] / a[k][k];
      for (std::size_t j = k; j < n; ++j) a[i][j] -= factor * a[k][j];
      b[i] -= factor * b[k];
    }
  }
  Vector x{};
  for (std::size_t k = n; k-- > 0;) {
    x[k] = b[k];
    for (std::size_t j = k + 1; j < n; ++j) x[k] -= a[k][j] * x[j];
    x[k] /= a[k][k];
  }
  return x;
}

// Step in units of each knob's own step that brings the statistics nearer, damped where they say little.
Vector knob_step(const Matrix& slope, const Vector& wanted) {
  Matrix normal{};
  Vector right{};
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const double weight = 1 / (knobs()[i].tolerance * knobs()[i].tolerance);
    for (std::size_t p = 0; p < wanted.size(); ++p) {
      right[p] += weight * slope[i][p] * wanted[i];
      for (std::size_t q = 0; q < wanted.size(); ++q) normal[p][q] += weight * slope[i][p] * slope[i][q];
    }
  }
  Vector step = solved(normal, right, 1.0);
  for (double& s : step) s = std::clamp(s, -2.5, 2.5);
  return step;
}

Image<float> read_film(const fs::path& path) {
  const PngImage png = decode_png(read_file(path), path.string());
  if (png.width_px < 64 || png.height_px < 64) {
    throw DataError(
        fmt::format("{}: {} x {} px; a knee crop has at least 64", path.string(), png.width_px, png.height_px));
  }
  Image<float> grey(png.width_px, png.height_px, 0.0f);
  const auto channels = static_cast<std::size_t>(png.channels);
  for (std::size_t i = 0; i < grey.pixels.size(); ++i) {
    double sum = 0;
    for (std::size_t c = 0; c < channels; ++c) {
      const std::size_t at = i * channels + c;
      if (png.bit_depth == 8) {
        sum += png.bytes[at];
      } else {
        std::uint16_t value = 0;
        std::copy_n(png.bytes.data() + 2 * at, 2, reinterpret_cast<std::uint8_t*>(&value));
        sum += value / 257.0;
      }
    }
    grey.pixels[i] = static_cast<float>(sum / static_cast<double>(channels));
  }
  return grey;
}

struct ReadFilms {
  Films films;
  std::vector<std::string> unreadable;
};

ReadFilms read_films(const std::vector<fs::path>& paths) {
  std::vector<std::optional<FilmMeasures>> measured(paths.size());
  std::vector<std::string> faults(paths.size());
  ProgressBar bar("films", paths.size(), "films");
  tbb::parallel_for(std::size_t{0}, paths.size(), [&](std::size_t i) {
    try {
      measured[i] = measure_film(read_film(paths[i]));
    } catch (const DataError& error) {
      faults[i] = error.what();
    } catch (const IoError& error) {
      faults[i] = error.what();
    }
    bar.advance();
  });
  ReadFilms out;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (measured[i]) out.films.push_back(*measured[i]);
    if (!faults[i].empty()) out.unreadable.push_back(faults[i]);
  }
  return out;
}

void add_share(const Thumbnail& picture, std::size_t count, Thumbnail& mean) {
  for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += picture[i] / static_cast<float>(count);
}

// The same for a left and a right knee: what negatives are told apart by.
Thumbnail of_either_side(const FilmMeasures& film) {
  Thumbnail both{};
  add_share(film.picture, 2, both);
  add_share(mirrored(film.picture), 2, both);
  return both;
}

// Turns negatives and returns how many there were. The mean is taken again once they are turned.
std::size_t right_negatives(Films& films) {
  std::size_t negatives = 0;
  for (int pass = 0; pass < 2; ++pass) {
    Thumbnail mean{};
    for (const FilmMeasures& film : films) add_share(of_either_side(film), films.size(), mean);
    for (FilmMeasures& film : films) {
      if (correlation(of_either_side(film), mean) > kNegativeCorrelation) continue;
      film = turned(film);
      ++negatives;
    }
  }
  return negatives;
}

// Grades as the Mendeley/OAI set has them, per mille: an unlabelled folder is taken to hold such knees.
KlGrade grade_of(int index) {
  const int place = (index * 619) % 1000;  // spread evenly
  return KlGrade(place < 394 ? 0 : place < 575 ? 1 : place < 838 ? 2 : place < 969 ? 3 : 4);
}

// Pictures measured like films, and the exposure each was meant to have.
struct Simulation {
  Films films;
  std::vector<KneeSide> sides;
  std::vector<DisplayLook> looks;
};

class Simulator {
 public:
  // `simulations` are expected.
  Simulator(const GenerateConfig& start, int knees, int simulations)
      : resources_(start), knees_(knees), bar_("fit", static_cast<std::size_t>(simulations), "simulations") {}
  Simulation operator()(GenerateConfig config) {
    config.display.inverted_share = 0;
    const auto count = static_cast<std::size_t>(knees_);
    Simulation out{Films(count), std::vector<KneeSide>(count), std::vector<DisplayLook>(count)};
    resources_.habitus = HabitusMap(config.population.habitus);
    tbb::enumerable_thread_specific<RenderWorkspace> workspaces([&] { return RenderWorkspace(config.image_size_px); });
    tbb::parallel_for(0, knees_, [&](int i) {
      const KneeSample sample = sample_knee(config, planned_sample(Split::kTrain, grade_of(i), i));
      const RenderedKnee knee = render_knee(config, sample, resources_, workspaces.local());
      Image<float> grey(knee.picture.width_px, knee.picture.height_px, 0.0f);
      std::copy(knee.picture.pixels.begin(), knee.picture.pixels.end(), grey.pixels.begin());
      out.films[static_cast<std::size_t>(i)] = measure_film(grey);
      out.sides[static_cast<std::size_t>(i)] = sample.anatomy.side;
      out.looks[static_cast<std::size_t>(i)] = sample.look;
    });
    bar_.advance();
    return out;
  }

 private:
  RenderResources resources_;
  int knees_;
  ProgressBar bar_;
};

// Line through (x, y) by least squares.
struct Line {
  double offset = 0;
  double slope = 1;
};
Line line_through(const std::vector<double>& x, const std::vector<double>& y) {
  const double n = static_cast<double>(x.size());
  double mx = 0, my = 0, xx = 0, xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    mx += x[i] / n;
    my += y[i] / n;
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - mx) * (x[i] - mx);
    xy += (x[i] - mx) * (y[i] - my);
  }
  const double slope = xx > 0 ? std::clamp(xy / xx, 0.2, 5.0) : 1.0;
  return {my - slope * mx, slope};
}

// Sets the tables of grey mean and SD so that pictures come out at the films' own quantiles. What a picture's exposure
// becomes is a line over what it was meant to be; comparing quantiles of films and pictures instead would write the
// chance of some hundred draws into the tables' tails.
void set_tables(const Films& real, const Simulation& simulated, DisplayConfig& display) {
  const auto set = [&](double FilmMeasures::*member, double DisplayLook::*meant, std::vector<double>& table,
                       double high) {
    std::vector<double> wanted;
    for (const DisplayLook& look : simulated.looks) wanted.push_back(look.*meant);
    const auto value = [&](const FilmMeasures& f) { return f.*member; };
    const Line line = line_through(wanted, each(simulated.films, value));
    const std::vector<double> films = each(real, value);
    for (std::size_t i = 0; i < table.size(); ++i) {
      const double aim = quantile_of(films, std::clamp(display.quantiles[i], 0.005, 0.995));
      table[i] = std::round(10 * std::clamp((aim - line.offset) / line.slope, 1.0, high)) / 10;
    }
  };
  set(&FilmMeasures::mean_grey, &DisplayLook::mean_grey, display.film_mean_grey, 254);
  set(&FilmMeasures::sd_grey, &DisplayLook::sd_grey, display.film_sd_grey, 120);
}

// Mean picture, medial to the left.
Thumbnail mean_picture(const Simulation& simulated) {
  Thumbnail mean{};
  for (std::size_t k = 0; k < simulated.films.size(); ++k) {
    const Thumbnail& picture = simulated.films[k].picture;
    add_share(simulated.sides[k] == KneeSide::kRight ? mirrored(picture) : picture, simulated.films.size(), mean);
  }
  return mean;
}

// What the films' mean picture has more than the simulation's. Nobody has said which side a film is: each is turned the
// way that is more like the simulated mean.
Thumbnail missing_picture(const Films& films, const Simulation& simulated) {
  const Thumbnail model = mean_picture(simulated);
  Thumbnail missing{};
  for (const FilmMeasures& film : films) {
    const Thumbnail other = mirrored(film.picture);
    const bool as_it_is = correlation(film.picture, model) >= correlation(other, model);
    add_share(as_it_is ? film.picture : other, films.size(), missing);
  }
  for (std::size_t i = 0; i < missing.size(); ++i) missing[i] -= model[i];
  return missing;
}

double rms(const Thumbnail& picture) {
  double sum = 0;
  for (const float v : picture) sum += v * v;
  return std::sqrt(sum / static_cast<double>(picture.size()));
}

// Cosine weights of a picture, the ones HabitusMap is made of.
std::vector<double> waves_of(const Thumbnail& picture) {
  std::vector<double> weights;
  for (std::size_t j = 0; j < kHabitusWaves; ++j) {
    for (std::size_t i = 0; i < kHabitusWaves; ++i) {
      double sum = 0;
      for (std::size_t at = 0; at < picture.size(); ++at) {
        const auto share = [](std::size_t cell) { return (static_cast<double>(cell) + 0.5) / kThumbnailPx; };
        sum += picture[at] * habitus_wave(i, share(at % kThumbnailPx)) * habitus_wave(j, share(at / kThumbnailPx));
      }
      weights.push_back((i == 0 ? 1.0 : 2.0) * (j == 0 ? 1.0 : 2.0) * sum / static_cast<double>(picture.size()));
    }
  }
  weights[0] = 0;  // the level of the whole picture is the exposure's
  return weights;
}

// Moves the habitus so that the simulation's mean picture becomes the films'. One unit of relative thickness moves the
// standardised grey by some 5; half of what is missing is asked for at once.
void fit_habitus(const Films& real, int rounds, Simulator& simulate, GenerateConfig& config) {
  constexpr double kThicknessPerGrey = 0.5 / 5;
  std::vector<double>& habitus = config.population.habitus;
  for (int round = 0; round < rounds; ++round) {
    const std::vector<double> more = waves_of(missing_picture(real, simulate(config)));
    habitus.resize(more.size(), 0.0);
    for (std::size_t i = 0; i < more.size(); ++i) {
      habitus[i] = std::clamp(std::round(1e4 * (habitus[i] + kThicknessPerGrey * more[i])) / 1e4, -1.0, 1.0);
    }
  }
}

// Correlation of ranks turned to normal scores.
double score_correlation(const Films& films) {
  const auto scores = [&](double FilmMeasures::*member) {
    std::vector<std::size_t> order(films.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return films[a].*member < films[b].*member; });
    std::vector<double> out(films.size());
    for (std::size_t rank = 0; rank < order.size(); ++rank) {
      out[order[rank]] = normal_quantile((static_cast<double>(rank) + 0.5) / static_cast<double>(order.size()));
    }
    return out;
  };
  const std::vector<double> a = scores(&FilmMeasures::mean_grey), b = scores(&FilmMeasures::sd_grey);
  double ab = 0, aa = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += a[i] * b[i];
    aa += a[i] * a[i];
  }
  return ab / aa;
}

double rounded(double value) { return std::strtod(fmt::format("{:.4g}", value).c_str(), nullptr); }

void move_knobs(const Vector& steps, GenerateConfig& config) {
  for (std::size_t p = 0; p < steps.size(); ++p) {
    const Knob& knob = knobs()[p];
    double& value = knob.member(config);
    value = rounded(std::clamp(value + steps[p] * knob.step, knob.low, knob.high));
  }
}

// Slopes of the statistics, one simulation a knob, by the knob's own step towards the inside of its range.
Matrix slopes_at(const GenerateConfig& config, const Vector& here, Simulator& simulate) {
  Matrix slope{};
  for (std::size_t p = 0; p < here.size(); ++p) {
    const Knob& knob = knobs()[p];
    GenerateConfig moved = config;
    const double sign = knob.member(moved) + knob.step > knob.high ? -1 : 1;
    knob.member(moved) = std::clamp(knob.member(moved) + sign * knob.step, knob.low, knob.high);
    const Vector there = statistics_of(simulate(moved).films);
    for (std::size_t i = 0; i < here.size(); ++i) slope[i][p] = sign * (there[i] - here[i]);
  }
  return slope;
}

// Broyden's update: the slope that explains what the last step did, as near to the old one as can be.
void learn_slope(const Vector& steps, const Vector& before, const Vector& after, Matrix& slope) {
  double squared = 0;
  for (const double s : steps) squared += s * s;
  if (!(squared > 1e-6)) return;
  for (std::size_t i = 0; i < before.size(); ++i) {
    double predicted = 0;
    for (std::size_t p = 0; p < steps.size(); ++p) predicted += slope[i][p] * steps[p];
    for (std::size_t p = 0; p < steps.size(); ++p) {
      slope[i][p] += 0.5 * (after[i] - before[i] - predicted) * steps[p] / squared;
    }
  }
}

}  // namespace

std::vector<fs::path> films_below(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    throw DataError(folder.string() + ": not a folder; give the folder that holds the films");
  }
  std::vector<fs::path> paths;
  for (fs::recursive_directory_iterator at(folder, fs::directory_options::follow_directory_symlink, error), end;
       !error && at != end; at.increment(error)) {
    if (at->path().extension() == ".png" || at->path().extension() == ".PNG") paths.push_back(at->path());
  }
  if (error) throw IoError(folder.string() + ": cannot be listed: " + error.message());
  if (paths.empty()) throw DataError(folder.string() + ": holds no PNG; give a folder of knee crops as PNG files");
  std::sort(paths.begin(), paths.end());
  return paths;
}

Calibration calibrate(const fs::path& folder, const GenerateConfig& start, const CalibrationOptions& options) {
  const int threads =
      options.threads > 0 ? options.threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  const tbb::global_control most(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(threads));
  // 1. Measure the films.
  std::vector<fs::path> paths = films_below(folder);
  if (paths.size() > options.most_films) {
    std::vector<fs::path> chosen;
    for (std::size_t i = 0; i < options.most_films; ++i) chosen.push_back(paths[i * paths.size() / options.most_films]);
    paths = std::move(chosen);
  }
  ReadFilms read = read_films(paths);
  if (read.films.size() < kLeastFilms) {
    throw DataError(fmt::format("{}: {} readable films, {} unreadable; a calibration needs {} or more{}",
                                folder.string(), read.films.size(), read.unreadable.size(), kLeastFilms,
                                read.unreadable.empty() ? "" : " (first fault: " + read.unreadable.front() + ")"));
  }
  Calibration result;
  result.films = read.films.size();
  result.unreadable = std::move(read.unreadable);
  result.negatives = right_negatives(read.films);
  const Vector real = statistics_of(read.films);

  // 2. Simulate, compare, adjust; keep the best.
  GenerateConfig config = start;
  config.display.mean_sd_correlation = rounded(score_correlation(read.films));
  const int again = options.habitus_rounds > 0 ? (options.rounds + 1) / 2 : 0;  // adjustments after the mean picture
  constexpr int kSlopes = static_cast<int>(kKnobCount);
  Simulator simulate(start, options.knees,
                     5 + kSlopes + options.rounds + 2 * options.habitus_rounds + (again > 0 ? 1 + kSlopes + again : 0));
  Simulation simulated = simulate(config);
  const Vector before = statistics_of(simulated.films);
  result.mean_picture_before = rms(missing_picture(read.films, simulated));
  set_tables(read.films, simulated, config.display);
  simulated = simulate(config);
  Vector here = statistics_of(simulated.films);
  Matrix slope = slopes_at(config, here, simulate);
  GenerateConfig best = config;
  Vector best_statistics = here;
  Simulation best_simulation = simulated;
  double share = 1;  // of the full step; halved where that made things worse
  const auto adjust = [&](int rounds) {
    for (int round = 0; round < rounds; ++round) {
      Vector wanted{};
      for (std::size_t i = 0; i < wanted.size(); ++i) wanted[i] = real[i] - best_statistics[i];
      Vector steps = knob_step(slope, wanted);
      for (double& s : steps) s *= share;
      config = best;
      move_knobs(steps, config);
      set_tables(read.films, best_simulation, config.display);
      simulated = simulate(config);
      here = statistics_of(simulated.films);
      learn_slope(steps, best_statistics, here, slope);
      if (misfit(real, here) <= misfit(real, best_statistics)) {
        best = config;
        best_statistics = here;
        best_simulation = simulated;
        share = std::min(1.0, 1.5 * share);
      } else {
        share *= 0.5;
      }
      if (share < kLeastShare && round + 1 < rounds) {
        slope = slopes_at(best, best_statistics, simulate);
        share = 1;
      }
    }
  };
  adjust(options.rounds);
  // 3. Once the knee lies where films have it, the mean picture; that moves the statistics a little.
  if (again > 0) {
    fit_habitus(read.films, options.habitus_rounds, simulate, best);
    best_simulation = simulate(best);
    best_statistics = statistics_of(best_simulation.films);
    slope = slopes_at(best, best_statistics, simulate);
    share = 1;
    adjust(again);
  }
  // 4. The mean picture and the grey tables once more at the fitted curve: they are what films differ in most.
  fit_habitus(read.films, options.habitus_rounds, simulate, best);
  for (int pass = 0; pass < 2; ++pass) set_tables(read.films, simulate(best), best.display);
  simulated = simulate(best);
  result.mean_picture_after = rms(missing_picture(read.films, simulated));
  best_statistics = statistics_of(simulated.films);
  best.display.inverted_share = rounded(static_cast<double>(result.negatives) / static_cast<double>(result.films));
  result.config = best;
  for (std::size_t i = 0; i < real.size(); ++i) {
    result.statistics.push_back({knobs()[i].statistic, knobs()[i].parameter, real[i], before[i], best_statistics[i]});
  }
  return result;
}

}  // namespace genu::generator
