#include "generator/projection/path_lengths.h"

#include <array>

#include "generator/projection/calcified_paths.h"
#include "generator/projection/signed_distance.h"
#include "generator/projection/upsample.h"
#include "generator/projection/vector_math.h"

namespace genu::generator {

namespace {

// What the profile of a bone says at one point: all vectorise as plain floats.
struct LocalBone {
  float depth_mm;
  float round_mm;
  float cortex_mm;
  float bvtv;
};

// Map from pixel centres to a bone's own frame, in floats for the inner loops.
struct PixelToBone {
  float xx, xy, x0, yx, yy, y0;
  explicit PixelToBone(const Affine& map)
      : xx(static_cast<float>(map.xx)),
        xy(static_cast<float>(map.xy)),
        x0(static_cast<float>(map.x0)),
        yx(static_cast<float>(map.yx)),
        yy(static_cast<float>(map.yy)),
        y0(static_cast<float>(map.y0)) {}
};

// The pixels that a contour's inside reaches: a box, and in each of its rows a range of columns.
struct Reach {
  PixelBox box;
  std::vector<RowSpan> spans;
};

struct Body {
  const Image<float>& distance_px;
  Reach reach;
  PixelToBone frame;
  float pixel_mm;
};

struct TextureRows {
  const TileValue* isotropic;
  const TileValue* vertical;
  float isotropic_gain;
  float vertical_gain;
  float variation(int x) const {
    return isotropic_gain * static_cast<float>(isotropic[x]) + vertical_gain * static_cast<float>(vertical[x]);
  }
};

struct TexturePlacement {
  const TextureTiles& tiles;
  TileOffset isotropic;
  TileOffset vertical;
  float isotropic_gain;
  float vertical_gain;

  TextureRows rows(int y) const {
    return {tile_row(tiles.isotropic, isotropic, y), tile_row(tiles.vertical, vertical, y),
            kTileUnit * isotropic.sign * isotropic_gain, kTileUnit * vertical.sign * vertical_gain};
  }
};

// Adds a body to the maps: a shell of cortex around trabecular bone, displacing soft tissue.
//   profile(x_mm, y_mm, inside_mm) -> LocalBone, in the body's frame
//   weight(x_px, y_px): share of the body that is there, 0..1
// The loop over a row vectorises where both keep to plain floats and the functions of vector_math.h: some four times as
// fast (bench/generate_stages). std::min and std::max stand in the way.
template <class Profile, class Weight>
void add_weighted_body(const Body& body, const TexturePlacement& texture, PathLengthMaps& maps,
                       const Profile& given_profile, const Weight& weight) {
  // Copies, which no store to the maps can change.
  const Profile profile = given_profile;
  const PixelToBone frame = body.frame;
  const float pixel_mm = body.pixel_mm;
  for (int y = body.reach.box.top; y < body.reach.box.bottom; ++y) {
    const RowSpan span = body.reach.spans[static_cast<std::size_t>(y - body.reach.box.top)];
    const float* distance = body.distance_px.row(y);
    const TextureRows rows = texture.rows(y);
    float* cortical = maps.cortical_mm.row(y);
    float* trabecular = maps.trabecular_mm.row(y);
    float* bone = maps.trabecular_bone_mm.row(y);
    float* soft = maps.soft_mm.row(y);
    const float py = static_cast<float>(y) + 0.5f;
#pragma GCC ivdep  // the rows of different planes do not overlap
    for (int x = span.left; x < span.right; ++x) {
      const float px = static_cast<float>(x) + 0.5f;
      const float bx = frame.xx * px + frame.xy * py + frame.x0;
      const float by = frame.yx * px + frame.yy * py + frame.y0;
      // A third of a pixel softens the step at the outline.
      const float inside = larger(distance[x] + 0.35f, 0.0f) * pixel_mm;
      const LocalBone local = profile(bx, by, inside);
      const float outer = rounded_depth_mm(inside, local.round_mm, local.depth_mm);
      const float inner = smaller(outer, rounded_depth_mm(inside - local.cortex_mm, local.round_mm - local.cortex_mm,
                                                          local.depth_mm - 2.0f * local.cortex_mm));
      const float wobble = 1.0f + rows.variation(x);
      const float share = weight(x, y);
      cortical[x] += share * (outer - inner);
      trabecular[x] += share * inner;
      bone[x] += share * inner * smaller(larger(local.bvtv * wobble, 0.02f), 0.62f);
      soft[x] -= share * outer;
    }
  }
}

template <class Profile>
void add_body(const Body& body, const TexturePlacement& texture, PathLengthMaps& maps, const Profile& profile) {
  add_weighted_body(body, texture, maps, profile, [](int, int) { return 1.0f; });
}

float lerp(float a, float b, float t) { return a + (b - a) * t; }

// How much of its full depth a bone has at distance `side_mm` from its side: the faces of condyles, plateaus and shaft
// slope inwards over `wide_mm` instead of standing along the beam.
float side_share(float side_mm, float wide_mm, float least) {
  const float e = smaller(larger(side_mm / wide_mm, 0.0f), 1.0f);
  return least + (1.0f - least) * e * (1.25f - 0.25f * e * e);
}

struct FemurProfile {
  float scale, shaft_depth, condyle_depth, fossa_half, fossa_top, cortex, bvtv, bvtv_shaft;

  LocalBone operator()(float x, float y, float inside) const {
    const float high = smooth_ramp(24.0f * scale, 48.0f * scale, y);
    // Between the condyles, behind the trochlea, the beam crosses the open fossa.
    const float fossa = (1.0f - smooth_ramp(0.35f * fossa_half, 1.4f * fossa_half, std::abs(x + 0.5f))) *
                        (1.0f - smooth_ramp(0.45f * fossa_top, 1.25f * fossa_top, y));
    // Low down the outline's nearest point may be the articular surface, which is steep; the sides are counted apart.
    const float side = larger(inside, lerp(38.5f * scale - std::abs(x), inside, smooth_ramp(14.0f, 34.0f, y)));
    LocalBone local;
    local.depth_mm = (lerp(condyle_depth, 1.25f * shaft_depth, high) - 0.60f * condyle_depth * fossa) *
                     side_share(side, 34.0f * scale, 0.10f);
    local.round_mm = lerp(6.5f, 12.0f, high);
    local.cortex_mm = cortex * (0.45f + 0.9f * smooth_ramp(28.0f, 75.0f, y));
    local.bvtv = lerp(bvtv, bvtv_shaft, high);
    return local;
  }
};

struct TibiaProfile {
  float half_width, depth, rim_mm, cortex, bvtv_medial, bvtv_lateral, bvtv_shaft;

  LocalBone operator()(float x, float y, float inside) const {
    const float low = smooth_ramp(8.0f, 45.0f, -y);
    const float below = smooth_ramp(3.0f, 13.0f, -y);  // 0 at the plateau, 1 where the sides are free
    const float lateral = smooth_ramp(-8.0f, 8.0f, x);
    // Tilted rims let the depth build up over their separation.
    const float built = 0.55f + 0.45f * smooth_ramp(0.0f, rim_mm + 1.0f, inside);
    const float side = larger(inside, lerp(half_width - std::abs(x), inside, smooth_ramp(6.0f, 20.0f, -y)));
    const float share = side_share(side, lerp(20.0f, 9.0f, smooth_ramp(6.0f, 34.0f, -y)), lerp(0.06f, 0.28f, low));
    LocalBone local;
    local.depth_mm = 0.86f * lerp(depth, 0.74f * depth, low) * lerp(built, 1.0f, below) * share;
    local.round_mm = lerp(5.0f, 9.0f, below);
    local.cortex_mm = cortex * lerp(lerp(0.85f, 0.7f, lateral) * (0.2f + 0.8f * share),
                                    0.5f + 1.5f * smooth_ramp(9.0f, 45.0f, -y), below);
    // Trabeculae stand densest under the plates, where these are loaded.
    const float near_joint = 1.0f - smooth_ramp(12.0f, 22.0f, -y);
    const float top = lerp(bvtv_medial, bvtv_lateral, lateral);
    local.bvtv = lerp(0.7f * top, 1.85f * bvtv_shaft, smooth_ramp(2.0f, 20.0f, -y)) +
                 1.5f * top * (1.0f - smooth_ramp(-1.5f, 7.5f, inside)) * near_joint * smaller(1.0f, 1.6f * share);
    return local;
  }
};

struct SimpleProfile {
  float depth, round, cortex, bvtv;
  LocalBone operator()(float, float, float) const { return {depth, round, cortex, bvtv}; }
};

// Relative variation of the soft tissue's thickness: sum of c_ij cos(pi i x) cos(pi j y), i, j < 5, without its mean.
// The spread of c_ij falls with frequency as the films' large-scale residuals do.
class ThicknessWaves {
 public:
  ThicknessWaves(const KneeAnatomy& knee, int width, int height)
      : width_(static_cast<float>(width)), height_(static_cast<float>(height)) {
    for (std::size_t j = 0; j < kWaves; ++j) {
      for (std::size_t i = 0; i < kWaves; ++i) {
        const auto squared = static_cast<double>(i * i + j * j);
        weight_[j][i] =
            squared > 0
                ? static_cast<float>(kRelativeSd * knee.thickness_waves[j * kWaves + i] / std::pow(squared, 0.75))
                : 0.0f;
      }
    }
  }
  // Collapses the rows' cosines into a polynomial in cos(pi x): Chebyshev, so no cosine a pixel.
  void set_row(float py) {
    const float c = cosine(py / height_);
    std::array<float, kWaves> t{1.0f, c};
    for (std::size_t k = 2; k < kWaves; ++k) t[k] = 2.0f * c * t[k - 1] - t[k - 2];
    std::array<float, kWaves> b{};
    for (std::size_t i = 0; i < kWaves; ++i) {
      for (std::size_t j = 0; j < kWaves; ++j) b[i] += weight_[j][i] * t[j];
    }
    power_ = {b[0] - b[2] + b[4], b[1] - 3.0f * b[3], 2.0f * b[2] - 8.0f * b[4], 4.0f * b[3], 8.0f * b[4]};
  }
  float at(float px) const {
    const float c = cosine(px / width_);
    return power_[0] + c * (power_[1] + c * (power_[2] + c * (power_[3] + c * power_[4])));
  }

 private:
  static constexpr std::size_t kWaves = 5;
  static constexpr double kRelativeSd = 0.03;
  // cos(pi t) for t in [0, 1]; odd about one half, error < 2e-4.
  static float cosine(float t) {
    const float s = 0.5f - t, q = s * s;
    return s * (3.14159265f - q * (5.16771278f - q * 2.5225f));
  }
  float width_, height_;
  std::array<std::array<float, kWaves>, kWaves> weight_{};
  std::array<float, kWaves> power_{};
};

// Relative thickness of the muscle over the picture, one value a cell: this leg's own waves and the population's
// habitus.
Image<float> relative_thickness(const ProjectionInput& input, int cell_px) {
  const int width = input.frame.width_px, height = input.frame.height_px;
  Image<float> cells((width + cell_px - 1) / cell_px + 1, (height + cell_px - 1) / cell_px + 1);
  ThicknessWaves waves(input.anatomy, width, height);
  const PixelToBone frame(input.frame.knee_mm_from_image_px);
  const auto to_mean = static_cast<float>(80 / input.anatomy.femur_width_mm);
  for (int j = 0; j < cells.height_px; ++j) {
    const float py = (static_cast<float>(j) + 0.5f) * static_cast<float>(cell_px);
    waves.set_row(py);
    for (int i = 0; i < cells.width_px; ++i) {
      const float px = (static_cast<float>(i) + 0.5f) * static_cast<float>(cell_px);
      float value = waves.at(px);
      if (input.habitus != nullptr && !input.habitus->empty()) {
        const float x_mm = frame.xx * px + frame.xy * py + frame.x0, y_mm = frame.yx * px + frame.yy * py + frame.y0;
        value += input.habitus->at(x_mm * to_mean, y_mm * to_mean);
      }
      cells.at(i, j) = value;
    }
  }
  return cells;
}

// Leg around the bones: an ellipse-like section of muscle inside a coat of fat.
void add_soft_tissue(const ProjectionInput& input, PathLengthMaps& maps) {
  const KneeAnatomy& knee = input.anatomy;
  const PixelToBone frame(input.frame.knee_mm_from_image_px);
  const int width = input.frame.width_px, height = input.frame.height_px;
  const auto fat_share = static_cast<float>(knee.fat_share);
  const int cell_px = std::max(1, (width + 27) / 28);
  const Image<float> cells = relative_thickness(input, cell_px);
  Upsampler relative(cells, cell_px, width);
  for (int y = 0; y < height; ++y) {
    const float py = static_cast<float>(y) + 0.5f;
    const float y_mm = frame.yx * 0.5f * static_cast<float>(width) + frame.yy * py + frame.y0;
    // The thigh widens upwards; below the joint the medial skin follows the flare in, then the calf bulges.
    const float below = std::max(0.0f, -y_mm), above = std::max(0.0f, y_mm);
    // Beyond a crop's reach (films) the calf goes on as it is there and then tapers, the thigh grows slowly.
    const float near_below = std::min(below, 80.0f), far_below = below - near_below;
    const float near_above = std::min(above, 100.0f), far_above = above - near_above;
    const float medial = static_cast<float>(0.5 * knee.femur_width_mm + knee.skin_margin_medial_mm) - 2.0f +
                         0.13f * near_above - 0.36f * near_below * smooth_ramp(0.0f, 12.0f, near_below) -
                         0.02f * far_below;
    const float lateral = static_cast<float>(0.5 * knee.femur_width_mm + knee.skin_margin_lateral_mm) + 0.02f * above +
                          0.11f * near_below - 0.10f * far_below;
    const float half = 0.5f * (medial + lateral);
    const float centre = 0.5f * (lateral - medial);
    const float thickness =
        static_cast<float>(knee.soft_thickness_mm) *
        (1.0f + 0.0032f * near_above + 0.0006f * far_above - 0.0026f * near_below - 0.0005f * far_below);
    const float inner_half = half * (1.0f - fat_share), inner_thickness = thickness * (1.0f - fat_share);
    // The thigh is round; at the joint the hollow of the knee flattens the section.
    const float round = std::max(smooth_ramp(5.0f, 50.0f, above), 0.5f * smooth_ramp(5.0f, 40.0f, below));
    const float* more = relative.row(y);
    float* soft = maps.soft_mm.row(y);
    float* fat = maps.fat_mm.row(y);
    for (int x = 0; x < width; ++x) {
      const float px = static_cast<float>(x) + 0.5f;
      const float x_mm = frame.xx * px + frame.xy * py + frame.x0;
      const float u = (x_mm - centre) / half;
      const float v = (x_mm - centre) / inner_half;
      // A section flatter than an ellipse in front and behind; muscle thins out gently under its fat.
      const float outer = thickness * std::sqrt(std::max(0.0f, 1.0f - u * u * (round + (1.0f - round) * u * u)));
      const float inner =
          std::min(outer, inner_thickness * std::max(0.0f, 1.0f - v * v * (round + (1.0f - round) * v * v)));
      // They fade with the leg's own thickness, so that the skin line stays where it is.
      soft[x] += inner * (1.0f + more[x]);
      fat[x] += outer - inner;
    }
  }
}

void add_cyst(const CystShape& shape, const ImageFrame& frame, PathLengthMaps& maps) {
  const auto rim = static_cast<float>(shape.cyst.rim_mm);
  const auto rx = static_cast<float>(shape.radius_x_mm), ry = static_cast<float>(shape.radius_y_mm);
  const Contour outline = to_image_px(ellipse(shape.centre_mm, rx + rim, ry + rim, 16), frame);
  const PixelBox box = box_around(outline, 1.0, frame.width_px, frame.height_px);
  const PixelToBone to_mm(frame.knee_mm_from_image_px);
  const float half_depth = 1.1f * std::sqrt(rx * ry);
  for (int y = box.top; y < box.bottom; ++y) {
    for (int x = box.left; x < box.right; ++x) {
      const float px = static_cast<float>(x) + 0.5f, py = static_cast<float>(y) + 0.5f;
      const float dx = to_mm.xx * px + to_mm.xy * py + to_mm.x0 - static_cast<float>(shape.centre_mm.x);
      const float dy = to_mm.yx * px + to_mm.yy * py + to_mm.y0 - static_cast<float>(shape.centre_mm.y);
      const auto chord = [&](float grow) {
        const float u = dx / (rx + grow), v = dy / (ry + grow);
        return 2.0f * (half_depth + grow) * std::sqrt(std::max(0.0f, 1.0f - u * u - v * v));
      };
      const float hollow = chord(0), outer = chord(rim);
      const float tissue = maps.trabecular_mm.at(x, y);
      const float taken = std::min(outer, tissue);
      const float fraction = tissue > 0 ? maps.trabecular_bone_mm.at(x, y) / tissue : 0.0f;
      const float shell = std::max(0.0f, taken - hollow);
      maps.trabecular_mm.at(x, y) -= shell;
      maps.trabecular_bone_mm.at(x, y) -=
          fraction * taken - static_cast<float>(shape.cyst.bvtv) * std::min(hollow, taken);
      maps.cortical_mm.at(x, y) += 0.8f * shell;
    }
  }
}

constexpr double kLinePathPerStep = 0.06;  // mm of bone per grey step of the line canvas

void add_lines(const ProjectionInput& input, ProjectionWorkspace& work, PathLengthMaps& maps) {
  work.lines.clear();
  for (const BoneLine& line : input.geometry.lines) {
    const double value = std::clamp(line.path_mm / kLinePathPerStep, 0.0, 255.0);
    work.lines.add_line(to_image_px(line.line_mm, input.frame), line.width_mm / input.frame.pixel_spacing_mm,
                        static_cast<std::uint8_t>(value));
  }
  work.lines.copy_to(work.line_coverage);
  for (std::size_t i = 0; i < maps.cortical_mm.pixels.size(); ++i) {
    maps.cortical_mm.pixels[i] +=
        static_cast<float>(kLinePathPerStep) * static_cast<float>(work.line_coverage.pixels[i]);
  }
}

struct BandMm {
  double inside_mm;
  // What a contour that crosses itself may need; a pixel more is always there.
  double outside_mm = 3.0;
};

// Signed distances of a contour over its own box; beyond the box `out` is left as it was.
Reach distance_of(const Contour& contour_mm, const BandMm& band, const ImageFrame& frame, DistanceWorkspace& work,
                  Image<float>& out) {
  const Contour contour_px = to_image_px(contour_mm, frame);
  const PixelBox box = box_around(contour_px, 1.0, frame.width_px, frame.height_px);
  const DistanceBand band_px{band.inside_mm / frame.pixel_spacing_mm, band.outside_mm / frame.pixel_spacing_mm + 1};
  return {box, signed_distance_px(contour_px, band_px, box, work, out)};
}

void add_osteophyte(const OsteophyteShape& shape, const ProjectionInput& input, const TexturePlacement& texture,
                    ProjectionWorkspace& work, PathLengthMaps& maps) {
  const bool femoral = shape.site == OsteophyteSite::kFemurMedial || shape.site == OsteophyteSite::kFemurLateral;
  const Image<float>& host = femoral ? work.femur_distance_px : work.tibia_distance_px;
  const Reach reach = distance_of(shape.outline_mm, {6.0, 6.0}, input.frame, work.distance, work.small_distance_px);
  const PixelBox& box = reach.box;
  const auto pixel_mm = static_cast<float>(input.frame.pixel_spacing_mm);
  const double bvtv = 0.75 * (femoral ? input.anatomy.bvtv_femur : input.anatomy.bvtv_tibia_medial);
  const Body body{work.small_distance_px, reach, PixelToBone(input.frame.knee_mm_from_image_px), pixel_mm};
  // The lip grows out of its host: over two millimetres inside it becomes the host's own bone, and where it stands the
  // old cortex is remodelled.
  add_weighted_body(body, texture, maps,
                    SimpleProfile{static_cast<float>(shape.depth_mm), 3.5f, 0.3f, static_cast<float>(bvtv)},
                    [&](int x, int y) { return 1.0f - smooth_ramp(-0.3f, 2.0f, host.row(y)[x] * pixel_mm); });
  for (int y = box.top; y < box.bottom; ++y) {
    for (int x = box.left; x < box.right; ++x) {
      const bool old_cortex = host.row(y)[x] > 0 && host.row(y)[x] * pixel_mm < 2.0f;
      if (!old_cortex) continue;
      const float covered = smooth_ramp(0.0f, 1.5f, work.small_distance_px.row(y)[x] * pixel_mm);
      maps.cortical_mm.at(x, y) *= 1.0f - 0.5f * covered;
    }
  }
}

void add_metal(const MetalShape& shape, const ImageFrame& frame, ProjectionWorkspace& work, PathLengthMaps& maps) {
  const Reach reach =
      distance_of(shape.outline_mm, {shape.round_mm + 1, 1.0}, frame, work.distance, work.small_distance_px);
  const auto pixel_mm = static_cast<float>(frame.pixel_spacing_mm);
  const auto depth = static_cast<float>(shape.depth_mm), round = static_cast<float>(shape.round_mm);
  for (int y = reach.box.top; y < reach.box.bottom; ++y) {
    const float* distance = work.small_distance_px.row(y);
    float* metal = maps.metal_mm.row(y);
    for (int x = reach.box.left; x < reach.box.right; ++x) {
      metal[x] += rounded_depth_mm(larger(distance[x] + 0.35f, 0.0f) * pixel_mm, round, depth);
    }
  }
}

FemurProfile femur_profile(const ProjectionInput& input) {
  const KneeAnatomy& a = input.anatomy;
  const double k = a.femur_width_mm / 80;
  return {static_cast<float>(k),
          static_cast<float>(a.shaft_depth_mm),
          static_cast<float>(a.condyle_depth_mm),
          static_cast<float>(0.5 * a.notch_width_mm),
          static_cast<float>(26 * k),
          static_cast<float>(a.cortex_scale),
          static_cast<float>(a.bvtv_femur),
          static_cast<float>(a.bvtv_metaphysis)};
}

TibiaProfile tibia_profile(const ProjectionInput& input) {
  const KneeAnatomy& a = input.anatomy;
  return {static_cast<float>(0.5 * a.tibia_width_mm),
          static_cast<float>(a.plateau_depth_mm),
          static_cast<float>(input.geometry.rim_separation_mm),
          static_cast<float>(a.cortex_scale),
          static_cast<float>(a.bvtv_tibia_medial),
          static_cast<float>(a.bvtv_tibia_lateral),
          static_cast<float>(a.bvtv_metaphysis)};
}

constexpr float kMostBvtv = 0.62f, kLeastBvtv = 0.02f;

// Denser trabeculae under a wear centre, added to the bone that is already there: full at the plate, fading over the
// zone's thickness and to its sides, nothing outside them.
template <class Profile>
void add_sclerosis_zone(const SclerosisShape& shape, const Body& body, const TexturePlacement& texture,
                        const ImageFrame& frame, const Affine& bone_from_knee, const Profile& profile,
                        PathLengthMaps& maps) {
  const double deep = 1.25 * shape.thickness_mm + 12;
  const Contour corners = {{shape.surface_mm.x - shape.half_width_mm - 1, shape.surface_mm.y - deep},
                           {shape.surface_mm.x + shape.half_width_mm + 1, shape.surface_mm.y - deep},
                           {shape.surface_mm.x + shape.half_width_mm + 1, shape.surface_mm.y + deep},
                           {shape.surface_mm.x - shape.half_width_mm - 1, shape.surface_mm.y + deep}};
  const PixelBox box = box_around(to_image_px(corners, frame), 1.0, frame.width_px, frame.height_px);
  const auto x0 = static_cast<float>(bone_from_knee(shape.surface_mm).x);
  const auto inverse_width = static_cast<float>(1 / shape.half_width_mm);
  const auto thickness = static_cast<float>(shape.thickness_mm);
  const auto gain = static_cast<float>(shape.bvtv_gain - 1);
  const float upwards = shape.bone == Bone::kTibia ? -1.0f : 1.0f;  // from the joint into the bone
  for (int y = box.top; y < box.bottom; ++y) {
    const float* distance = body.distance_px.row(y);
    const TextureRows rows = texture.rows(y);
    const float py = static_cast<float>(y) + 0.5f;
    for (int x = box.left; x < box.right; ++x) {
      const float inside = std::max(distance[x] + 0.35f, 0.0f) * body.pixel_mm;
      if (!(inside > 0)) continue;
      const float px = static_cast<float>(x) + 0.5f;
      const float bx = body.frame.xx * px + body.frame.xy * py + body.frame.x0;
      const float by = body.frame.yx * px + body.frame.yy * py + body.frame.y0;
      const float u = (bx - x0) * inverse_width;
      const float within = std::max(0.0f, 1.0f - u * u);
      const float depth = joint_depth_mm(inside, upwards * by - 3.0f);
      const float fade = 1.0f - smooth_ramp(0.35f * thickness, 1.25f * thickness, depth);
      const float near_joint = 1.0f - smooth_ramp(12.0f, 21.0f, upwards * by);
      const float more = gain * within * within * fade * near_joint;
      if (!(more > 0)) continue;
      const LocalBone local = profile(bx, by, inside);
      const float inner = rounded_depth_mm(inside - local.cortex_mm, local.round_mm - local.cortex_mm,
                                           local.depth_mm - 2.0f * local.cortex_mm);
      const float wobble = 1.0f + rows.variation(x);
      const float before = std::min(std::max(local.bvtv * wobble, kLeastBvtv), kMostBvtv);
      const float after = std::min(std::max(local.bvtv * wobble * (1.0f + more), kLeastBvtv), kMostBvtv);
      maps.trabecular_bone_mm.at(x, y) += std::max(0.0f, inner) * (after - before);
    }
  }
}

void clamp_soft_tissue(PathLengthMaps& maps) {
  // Bone never fills the leg: at least 4 mm of skin and muscle remain wherever there is bone.
  for (std::size_t i = 0; i < maps.soft_mm.pixels.size(); ++i) {
    const float least = std::min(4.0f, maps.trabecular_mm.pixels[i]);
    maps.soft_mm.pixels[i] = std::max(maps.soft_mm.pixels[i], least);
  }
}

struct Bodies {
  Body femur;
  Body tibia;
};

// The leg, then each bone inside it; clears the maps first.
Bodies project_bodies(const ProjectionInput& input, const Contour& femur_mm, const Contour& tibia_mm,
                      const TexturePlacement& texture, ProjectionWorkspace& work, PathLengthMaps& maps) {
  const int width = input.frame.width_px, height = input.frame.height_px;
  for (Image<float>* plane :
       {&maps.cortical_mm, &maps.trabecular_mm, &maps.trabecular_bone_mm, &maps.soft_mm, &maps.fat_mm}) {
    plane->reset(width, height, 0.0f);
  }
  maps.metal_mm.reset(0, 0, 0.0f);
  for (Image<float>* plane : {&work.femur_distance_px, &work.tibia_distance_px, &work.small_distance_px}) {
    plane->reset(width, height, -1000.0f);
  }
  const auto pixel_mm = static_cast<float>(input.frame.pixel_spacing_mm);
  add_soft_tissue(input, maps);
  const Affine knee_from_px = input.frame.knee_mm_from_image_px;
  const Affine femur_from_knee = inverse(affine_from(input.geometry.knee_from_femur));
  const auto body_of = [&](const Contour& contour_mm, double inside_mm, const Affine& bone_from_px, Image<float>& out) {
    return Body{out, distance_of(contour_mm, {inside_mm}, input.frame, work.distance, out), PixelToBone(bone_from_px),
                pixel_mm};
  };
  const Body femur = body_of(femur_mm, 31.5, composed(femur_from_knee, knee_from_px), work.femur_distance_px);
  add_body(femur, texture, maps, femur_profile(input));
  const Body tibia = body_of(tibia_mm, 20.0, knee_from_px, work.tibia_distance_px);
  add_body(tibia, texture, maps, tibia_profile(input));

  const auto cortex = static_cast<float>(input.anatomy.cortex_scale);
  add_body(body_of(input.geometry.fibula_mm, 9.0, knee_from_px, work.small_distance_px), texture, maps,
           SimpleProfile{20.0f, 9.0f, 0.22f * cortex, 0.12f});
  add_body(body_of(input.geometry.patella_mm, 22.0, knee_from_px, work.small_distance_px), texture, maps,
           SimpleProfile{static_cast<float>(input.anatomy.patella_thickness_mm), 18.0f, 0.15f * cortex, 0.17f});
  return {femur, tibia};
}

}  // namespace

void project_knee(const ProjectionInput& input, RandomStream& stream, ProjectionWorkspace& work, PathLengthMaps& maps) {
  const double vertical = input.look.vertical_share;
  const double amplitude = stream.log_normal(input.look.amplitude, input.look.amplitude_sigma);
  const TexturePlacement texture{input.textures, random_offset(stream), random_offset(stream),
                                 static_cast<float>(amplitude * std::sqrt(1 - vertical)),
                                 static_cast<float>(amplitude * std::sqrt(vertical))};
  const Bodies bodies = project_bodies(input, input.geometry.femur_mm, input.geometry.tibia_mm, texture, work, maps);

  // What disease adds and takes away.
  for (const SclerosisShape& shape : input.geometry.sclerosis) {
    if (shape.bone == Bone::kTibia) {
      add_sclerosis_zone(shape, bodies.tibia, texture, input.frame, Affine{}, tibia_profile(input), maps);
    } else {
      const Affine femur_from_knee = inverse(affine_from(input.geometry.knee_from_femur));
      add_sclerosis_zone(shape, bodies.femur, texture, input.frame, femur_from_knee, femur_profile(input), maps);
    }
  }
  for (const OsteophyteShape& shape : input.geometry.osteophytes) add_osteophyte(shape, input, texture, work, maps);
  for (const CystShape& shape : input.geometry.cysts) add_cyst(shape, input.frame, maps);
  for (const CalcifiedBody& body : input.geometry.calcified_bodies) add_calcified_body(body, input.frame, maps);
  for (const CalcificationShape& shape : input.geometry.calcifications) add_calcification(shape, input.frame, maps);
  add_lines(input, work, maps);
  clamp_soft_tissue(maps);
  if (input.geometry.metal.empty()) return;
  maps.metal_mm.reset(input.frame.width_px, input.frame.height_px, 0.0f);
  for (const MetalShape& shape : input.geometry.metal) add_metal(shape, input.frame, work, maps);
}

void project_reference(const ProjectionInput& input, ProjectionWorkspace& work, PathLengthMaps& maps) {
  const TexturePlacement plain{input.textures, {}, {}, 0.0f, 0.0f};
  project_bodies(input, input.geometry.femur_reference_mm, input.geometry.tibia_reference_mm, plain, work, maps);
  clamp_soft_tissue(maps);
}

}  // namespace genu::generator
