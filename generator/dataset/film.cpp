#include "generator/dataset/film.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <tuple>

#include "generator/dataset/bitmap_font.h"
#include "generator/projection/vector_math.h"

namespace genu::generator {

namespace {

constexpr std::uint64_t kFilmAddress = std::uint64_t{7} << 40;
constexpr int kFirstSubject = 9000000;
// Mean row of a single crop's joint line and column of its knee (real_film_statistics.md).
constexpr int kCoarseCellPx = 40;
// Steepness of a film's look-up over that of a crop, whose own mean and contrast are set afterwards.
constexpr double kFilmContrast = 1.8;
constexpr double kCropScale = 1.15, kCropRow = 0.592, kCropColumn = 0.511;

KlGrade grade_of(double u, const std::vector<double>& weights) {
  double total = 0;
  for (const double w : weights) total += w;
  double left = u * total;
  int last = 0;
  for (int grade = 0; grade < kKlGradeCount; ++grade) {
    const double w = weights[static_cast<std::size_t>(grade)];
    if (!(w > 0)) continue;
    last = grade;
    if (left < w) break;
    left -= w;
  }
  return KlGrade(last);
}

// The other knee of one person: the same body, a little different (spec 1.1: no systematic side difference).
KneeAnatomy other_side(const KneeAnatomy& knee, RandomStream& stream) {
  KneeAnatomy other = knee;
  other.side = knee.side == KneeSide::kLeft ? KneeSide::kRight : KneeSide::kLeft;
  other.femur_width_mm *= stream.truncated_normal(1, 0.006);
  other.tibia_width_mm *= stream.truncated_normal(1, 0.006);
  other.arithmetic_hka_deg += stream.truncated_normal(0, 0.8);
  other.normal_jsw_medial_mm *= stream.truncated_normal(1, 0.03);
  other.normal_jsw_lateral_mm *= stream.truncated_normal(1, 0.03);
  for (double& deviation : other.shape_deviation) deviation = 0.9 * deviation + 0.43 * stream.truncated_normal(0, 1);
  return other;
}

// Knee millimetres onto half a film. Pixel (0, 0) of the left half is the film's; the right half begins at `half_px`.
ImageFrame half_frame(const FilmSample& film, const KneeSample& knee, const PointMm& centre_px, int half_px) {
  ImageFrame frame;
  frame.width_px = half_px;
  frame.height_px = film.height_px;
  frame.pixel_spacing_mm = film.object_mm_per_px;
  const double scale = 1 / film.object_mm_per_px;
  const double angle =
      knee.positioning.tilt_deg * std::numbers::pi / 180 + 0.5 * knee.geometry.knee_from_femur.rotation_rad;
  const double c = std::cos(angle), s = std::sin(angle);
  const bool right = knee.anatomy.side == KneeSide::kRight;
  const double x = right ? centre_px.x : centre_px.x - half_px;
  const double mirror = right ? -1 : 1;
  constexpr double kJointLineMm = 2.9;  // above the tibial rims, as in make_frame()
  frame.image_px_from_knee_mm = {mirror * scale * c, mirror * scale * s, x,
                                 scale * s,          -scale * c,         centre_px.y + kJointLineMm * scale};
  frame.knee_mm_from_image_px = inverse(frame.image_px_from_knee_mm);
  return frame;
}

void sample_readings(const GenerateConfig& config, FilmSample& film, RandomStream& stream) {
  for (KneeSample& knee : film.knees) {
    FilmReading main{knee.anatomy.side, 15, simulate_reading(knee.kl, config.reader, stream)};
    main.kl_missing = stream.bernoulli(config.film.missing_reading_share);
    knee.kl_read = main.kl;
    film.readings.push_back(main);
    const bool again = stream.bernoulli(config.film.second_reader_share);
    const FilmReading second{knee.anatomy.side, stream.bernoulli(0.5) ? 37 : 42,
                             simulate_reading(knee.kl, config.reader, stream)};
    if (again) film.readings.push_back(second);
  }
}

void sample_storage(const FilmConfig& config, FilmSample& film, RandomStream& stream) {
  film.markers = stream.bernoulli(config.marker_share);
  film.synaflexer = stream.bernoulli(config.synaflexer_share);
  film.photometric = stream.bernoulli(config.monochrome1_share) ? Photometric::kMonochrome1 : Photometric::kMonochrome2;
  const double u = stream.uniform();
  film.compression = u < config.jpeg_lossless_share                      ? DicomCompression::kJpegLossless
                     : u < config.jpeg_lossless_share + config.rle_share ? DicomCompression::kRle
                                                                         : DicomCompression::kNone;
}

std::array<int, 2> coarse_cells(const FilmConfig& film) {
  const auto size = film_size_px(film);
  return {(size[0] / 2 + kCoarseCellPx - 1) / kCoarseCellPx, (size[1] + kCoarseCellPx - 1) / kCoarseCellPx};
}

constexpr std::array<Image<float> PathLengthMaps::*, 5> kPlanes = {
    &PathLengthMaps::cortical_mm, &PathLengthMaps::trabecular_mm, &PathLengthMaps::trabecular_bone_mm,
    &PathLengthMaps::soft_mm, &PathLengthMaps::fat_mm};

void clear(int width_px, int height_px, PathLengthMaps& maps) {
  for (const auto plane : kPlanes) (maps.*plane).reset(width_px, height_px, 0.0f);
  maps.metal_mm.reset(0, 0, 0.0f);
}

void copy_half(const PathLengthMaps& half, int left, PathLengthMaps& film) {
  const auto copy = [left](const Image<float>& from, Image<float>& to) {
    for (int y = 0; y < from.height_px; ++y) std::copy(from.row(y), from.row(y) + from.width_px, to.row(y) + left);
  };
  for (const auto plane : kPlanes) copy(half.*plane, film.*plane);
  if (half.metal_mm.pixels.empty()) return;
  if (film.metal_mm.pixels.empty()) film.metal_mm.reset(film.soft_mm.width_px, film.soft_mm.height_px, 0.0f);
  copy(half.metal_mm, film.metal_mm);
}

// Air does not scatter: in the maps that scatter is computed from, the open field is closed with 30 cm of tissue.
void close_open_field(PathLengthMaps& maps) {
  for (std::size_t i = 0; i < maps.soft_mm.pixels.size(); ++i) {
    if (maps.soft_mm.pixels[i] + maps.fat_mm.pixels[i] < 1) maps.soft_mm.pixels[i] = 300;
  }
}

// Lead letters at the lateral upper corners, 12 mm high.
void add_markers(const FilmSample& film, double detector_spacing_mm, PathLengthMaps& maps) {
  Image<std::uint8_t> stencil(film.width_px, film.height_px, 0);
  const int dot = std::max(1, static_cast<int>(std::lround(12 / 7.0 / detector_spacing_mm)));
  const int margin = static_cast<int>(18 / detector_spacing_mm);
  draw_text("R", margin, margin, dot, 1, stencil);
  draw_text("L", film.width_px - margin - 6 * dot, margin, dot, 1, stencil);
  for (std::size_t i = 0; i < stencil.pixels.size(); ++i) {
    if (stencil.pixels[i] != 0) maps.cortical_mm.pixels[i] += 60;  // as good as opaque
  }
}

// Steel beads of the positioning frame: a column between the knees.
void add_beads(const FilmSample& film, double detector_spacing_mm, PathLengthMaps& maps) {
  const double radius = 1.6 / detector_spacing_mm;
  const double middle = 0.5 * (film.centre_px[0].x + film.centre_px[1].x);
  for (int bead = 0; bead < 8; ++bead) {
    const double cx = middle + (bead % 2 == 0 ? -12 : 12) / detector_spacing_mm;
    const double cy =
        0.5 * (film.centre_px[0].y + film.centre_px[1].y) + (10 + 14.0 * (bead / 2)) / detector_spacing_mm;
    const int reach = static_cast<int>(radius) + 1;
    for (int y = static_cast<int>(cy) - reach; y <= static_cast<int>(cy) + reach; ++y) {
      for (int x = static_cast<int>(cx) - reach; x <= static_cast<int>(cx) + reach; ++x) {
        if (x < 0 || y < 0 || x >= film.width_px || y >= film.height_px) continue;
        const double squared = (std::pow(x - cx, 2) + std::pow(y - cy, 2)) / (radius * radius);
        if (squared < 1) maps.cortical_mm.at(x, y) += static_cast<float>(50 * std::sqrt(1 - squared));
      }
    }
  }
}

// Mean log signal around the joints: what the film's look-up is centred on.
float level_at_knees(const FilmSample& film, const Image<float>& log_signal) {
  double sum = 0;
  int count = 0;
  for (std::size_t k = 0; k < film.knees.size(); ++k) {
    const KneeBox box = knee_box(film, k);
    const int left = std::clamp(static_cast<int>(box.left_px), 0, film.width_px - 1);
    const int right = std::clamp(static_cast<int>(box.left_px + box.side_px), left + 1, film.width_px);
    const int top = std::clamp(static_cast<int>(box.top_px), 0, film.height_px - 1);
    const int bottom = std::clamp(static_cast<int>(box.top_px + box.side_px), top + 1, film.height_px);
    for (int y = top; y < bottom; y += 4) {
      for (int x = left; x < right; x += 4, ++count) sum += log_signal.at(x, y);
    }
  }
  return static_cast<float>(sum / std::max(1, count));
}

}  // namespace

std::array<int, 2> film_size_px(const FilmConfig& film) {
  const int width = static_cast<int>(std::lround(film.width_mm / film.pixel_spacing_mm / 2)) * 2;
  return {width, static_cast<int>(std::lround(film.height_mm / film.pixel_spacing_mm))};
}

FilmSample sample_film(const GenerateConfig& config, int index) {
  FilmSample film;
  film.index = index;
  film.number = kFilmAddress | static_cast<std::uint64_t>(index) << 2;
  film.subject = fmt::format("{:07}", kFirstSubject + index);
  std::tie(film.width_px, film.height_px) = std::tuple(film_size_px(config.film)[0], film_size_px(config.film)[1]);
  film.object_mm_per_px = config.film.pixel_spacing_mm / config.film.magnification;
  const auto stream = [&](std::string_view stage, std::uint64_t knee = 0) {
    return RandomStream(config.seed, film.number + knee, stage);
  };

  // 1. The person, and how far each knee has gone: correlated grades.
  RandomStream person = stream("anatomy"), grades = stream("film grades"), place = stream("film place");
  KneeAnatomy right = sample_anatomy(config.population, person);
  right.side = KneeSide::kRight;
  const KneeAnatomy left = other_side(right, person);
  const double shared = grades.normal(), r = config.film.grade_correlation;
  const double distance = place.truncated_normal(config.film.knee_distance_mm, config.film.knee_distance_sd_mm);
  const double row_mm = 0.5 * config.film.height_mm + place.truncated_normal(0, config.film.height_jitter_mm);

  // 2. Each knee as a single one is sampled, placed on the film.
  for (std::size_t k = 0; k < 2; ++k) {
    KneeSample& knee = film.knees[k];
    knee.anatomy = k == 0 ? right : left;
    knee.id = film.subject + std::string(to_string(knee.anatomy.side));
    knee.plan.subject = film.subject;
    knee.plan.number = film.number + 1 + k;
    const double score = std::sqrt(r) * shared + std::sqrt(1 - r) * grades.normal();
    knee.plan.grade = grade_of(normal_cdf(score), config.cohort.grade_weights);
    RandomStream positioning = stream("positioning", 1 + k), geometry = stream("geometry", 1 + k);
    knee.features = sample_disease(config, knee.anatomy, knee.plan);
    knee.positioning = sample_positioning(config.positioning, positioning);
    config.dials.apply({knee.anatomy, knee.features, knee.positioning, knee.exposure, knee.look, knee.surroundings});
    knee.kl = derive_kl_grade(knee.features);
    knee.geometry = build_geometry(knee.anatomy, knee.features, knee.positioning, geometry);
    const double sign = k == 0 ? -1 : 1;
    film.centre_px[k] = {0.5 * film.width_px + sign * 0.5 * distance / config.film.pixel_spacing_mm,
                         (row_mm + place.truncated_normal(0, 3)) / config.film.pixel_spacing_mm};
    knee.frame = half_frame(film, knee, film.centre_px[k], film.width_px / 2);
  }

  // 3. One exposure for both, and what the study records.
  RandomStream exposure = stream("exposure"), display = stream("display"), reading = stream("reading"),
               storage = stream("film storage"), motion = stream("motion");
  film.exposure = sample_exposure(config.detector, exposure);
  sample_motion(config.detector, motion, film.exposure);
  film.look = sample_display(config.display, display);
  KneeSample& first = film.knees[0];
  SampledKnee both{first.anatomy, first.features, first.positioning, film.exposure, film.look, first.surroundings};
  config.dials.apply_technique(both);
  sample_readings(config, film, reading);
  sample_storage(config.film, film, storage);
  return film;
}

KneeBox knee_box(const FilmSample& film, std::size_t k) {
  const KneeSample& knee = film.knees[k];
  KneeBox box;
  box.femur_width_px = knee.anatomy.femur_width_mm / film.object_mm_per_px;
  box.side_px = kCropScale * box.femur_width_px;
  box.joint_line_row_px = film.centre_px[k].y;
  const double column = knee.anatomy.side == KneeSide::kLeft ? kCropColumn : 1 - kCropColumn;
  box.left_px = film.centre_px[k].x - column * box.side_px;
  box.top_px = box.joint_line_row_px - kCropRow * box.side_px;
  return box;
}

FilmWorkspace::FilmWorkspace(const GenerateConfig& config)
    : half(film_size_px(config.film)[0] / 2, film_size_px(config.film)[1]),
      coarse_half(coarse_cells(config.film)[0], coarse_cells(config.film)[1]) {}

FilmResources::FilmResources(const GenerateConfig& config)
    : textures(make_textures(config.trabecular.field, config.seed, film_size_px(config.film)[0],
                             config.film.magnification / config.film.pixel_spacing_mm)),
      attenuation(kLeastTubeVoltageKvp, kMostTubeVoltageKvp) {}

Image<float> render_film(const GenerateConfig& config, const FilmSample& film, const FilmResources& resources,
                         FilmWorkspace& work) {
  const AttenuationModel& attenuation = resources.attenuation.at(film.exposure.tube_voltage_kvp);
  // 1. What scatters: the legs without lesions, on a coarse grid.
  const auto cells = coarse_cells(config.film);
  clear(2 * cells[0], cells[1], work.coarse_maps);
  for (std::size_t k = 0; k < 2; ++k) {
    const KneeSample& knee = film.knees[k];
    const ImageFrame coarse = coarsened(knee.frame, kCoarseCellPx);
    project_reference({knee.anatomy, knee.geometry, coarse, resources.textures, config.trabecular.look},
                      work.coarse_half, work.coarse_half_maps);
    copy_half(work.coarse_half_maps, k == 0 ? 0 : cells[0], work.coarse_maps);
  }
  close_open_field(work.coarse_maps);
  expose_reference(work.coarse_maps, film.exposure, attenuation, kCoarseCellPx, film.object_mm_per_px * kCoarseCellPx,
                   work.reference);

  // 2. Each leg over its half of the film; between and beside them is air.
  clear(film.width_px, film.height_px, work.maps);
  for (std::size_t k = 0; k < 2; ++k) {
    const KneeSample& knee = film.knees[k];
    RandomStream texture(config.seed, knee.plan.number, "texture");
    const ProjectionInput input{knee.anatomy, knee.geometry, knee.frame, resources.textures, config.trabecular.look};
    project_knee(input, texture, work.half, work.half_maps);
    copy_half(work.half_maps, k == 0 ? 0 : film.width_px / 2, work.maps);
  }
  if (film.markers) add_markers(film, config.film.pixel_spacing_mm, work.maps);
  if (film.synaflexer) add_beads(film, config.film.pixel_spacing_mm, work.maps);

  // 3. One exposure.
  RandomStream noise(config.seed, film.number, "noise");
  expose(work.maps, film.object_mm_per_px, film.exposure, attenuation, work.reference, resources.textures, noise,
         work.detector, work.log_signal);

  // 4. One look-up, centred on the knees: a film's air is black and its bone bright whatever fills the rest of it.
  const float centre = level_at_knees(film, work.log_signal) + static_cast<float>(film.look.curve_centre);
  const auto steepness = static_cast<float>(kFilmContrast * film.look.curve_steepness);
  Image<float> grey(film.width_px, film.height_px);
  for (std::size_t i = 0; i < grey.pixels.size(); ++i) {
    grey.pixels[i] = 1.0f / (1.0f + fast_exp(-steepness * (work.log_signal.pixels[i] - centre)));
  }
  return grey;
}

}  // namespace genu::generator
